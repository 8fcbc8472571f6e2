"""Model files, weights, run folders, bundles, manifests: damaged, hostile, of another kind."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import bad_models
import mutants
from judging import ACCEPTED, EITHER, REFUSED, Case

IMAGE = "{world}/photo.jpg"
COMMANDS = {
    "predict": ("predict", "{here}/{name}", IMAGE),
    "evaluate": ("evaluate", "{here}/{name}", "--data", "{world}/photos"),
    "explain": ("explain", "{here}/{name}", IMAGE, "--out", "{here}/out.png"),
    "export": ("export", "{here}/{name}", "--data", "{world}/photos", "--out", "{here}/out"),
    "summary": ("summary", "{here}/{name}"),
    "selftest": ("selftest", "{here}/{name}"),
    "benchmark": ("benchmark", "{here}/{name}", "--runs", "2"),
}
BUNDLE_FILES = ("lenet5_float32.tflite", "lenet5_int8.tflite", "labels.txt", "golden.npz")
OPENERS = ("predict", "evaluate", "explain", "export", "summary")
# What is bad only for some: these loads are right, or nobody looks at what is wrong.
LOADS = {"compile-unknown-loss": EITHER, "config-deep-but-read": EITHER}


def cases(seed: int) -> Iterator[Case]:
    rng = random.Random(f"models {seed}")
    yield from _keras_files(rng)
    yield from _weights(rng)
    yield from _tflite(rng)
    yield from _bundles(rng)
    yield from _runs(rng)


def command(base: str, name: str) -> tuple[str, ...]:
    return tuple(part.replace("{name}", name) for part in COMMANDS[base])


def _keras_files(rng: random.Random) -> Iterator[Case]:
    for place, (kind, maker) in enumerate(bad_models.MAKERS.items()):
        chosen = OPENERS[place % len(OPENERS)]

        def make(here: Path, world: Path, maker=maker) -> None:
            path = maker((world / "good.keras").read_bytes(), here)
            if path.exists():
                path.rename(here / f"model{''.join(path.suffixes)}")

        suffix = ".h5" if "h5" in kind and kind not in ("hdf5-as-keras",) else ".keras"
        name = "model.weights.h5" if kind == "weights-alone" else f"model{suffix}"
        expect = LOADS.get(kind, REFUSED)
        yield Case("model", f"{kind}, {chosen}", command(chosen, name), expect, "model", make)
    for number in range(20):
        content = rng.choice(("good.keras", "good.h5"))
        seed = rng.random()

        def mutate(here: Path, world: Path, content=content, seed=seed) -> None:
            data = mutants.of_bytes((world / content).read_bytes(), random.Random(seed))
            (here / content).write_bytes(data)

        chosen = ("predict", "summary")[number % 2]
        yield Case("model", f"mutant {number}", command(chosen, content), EITHER, "good", mutate)
    for kind, make in _no_files("model.keras").items():
        for chosen in OPENERS:
            run = command(chosen, "model.keras")
            yield Case("model", f"{kind}, {chosen}", run, REFUSED, r"model\.keras", make)


def _no_files(name: str) -> dict[str, Callable[[Path, Path], object] | None]:
    return {
        "pipe": lambda here, world: os.mkfifo(here / name),
        "device": lambda here, world: (here / name).symlink_to("/dev/zero"),
        "folder": lambda here, world: (here / name).mkdir(),
        "loop": lambda here, world: (here / name).symlink_to(name),
    }


def _weights(rng: random.Random) -> Iterator[Case]:
    small = ("--option", "input_shape=[32,32,3]", "--option", "classes=3")
    base = ("predict", "LeNet5", IMAGE, *small, "--weights")
    for number in range(8):
        seed = rng.random()

        def make(here: Path, world: Path, seed=seed) -> None:
            data = (world / "lenet.weights.h5").read_bytes()
            made = mutants.of_bytes(data, random.Random(seed))
            (here / "w.weights.h5").write_bytes(made)

        yield Case("weights", f"mutant {number}", (*base, "{here}/w.weights.h5"), EITHER, "", make)
    good = (*base, "{world}/lenet.weights.h5")
    yield Case("weights", "good ones", good, ACCEPTED)
    others = {
        "of another network": "{world}/good.weights.h5",
        "a .tflite": "{world}/model.tflite",
        "an image": IMAGE,
        "a folder": "{world}/photos",
        "a table": "{world}/photos/labels.csv",
        "a tag": "imagenet",
        "nothing": "",
        "absent": "{here}/absent.weights.h5",
        "a pickle": "{here}/w.pth",
    }
    for name, path in others.items():
        make = None if "pickle" not in name else _text("w.pth", b"\x80\x02}q\x00.")
        yield Case("weights", name, (*base, path), REFUSED, "weight|no such|pth|model", make)
    train = ("train", "{world}/photos", "-m", "LeNet5", "-o", "{here}/out", "--weights")
    for name in ("of another network", "an image", "absent"):
        yield Case("weights", f"{name}, train", (*train, others[name]), REFUSED, "weight|no such")


def _text(name: str, content: bytes) -> Callable[[Path, Path], object]:
    return lambda here, world: (here / name).write_bytes(content)


def _tflite(rng: random.Random) -> Iterator[Case]:
    for number in range(24):
        seed, chosen = rng.random(), ("predict", "benchmark", "evaluate")[number % 3]

        def make(here: Path, world: Path, seed=seed) -> None:
            data = (world / "model.tflite").read_bytes()
            (here / "m.tflite").write_bytes(mutants.of_bytes(data, random.Random(seed)))

        name = f"mutant {number}, {chosen}"
        yield Case("tflite", name, command(chosen, "m.tflite"), EITHER, r"m\.tflite|pixels", make)
    for kind, content in {
        "empty": b"",
        "text": b"not a model",
        "head": b"\x1c\0\0\0TFL3",
        "zeros behind": b"\x1c\0\0\0TFL3" + bytes(5000),
        "noise behind": b"\x1c\0\0\0TFL3" + random.Random(0).randbytes(5000),
        "zip": b"PK\x03\x04" + bytes(500),
    }.items():
        for chosen in ("predict", "benchmark"):
            name = f"{kind}, {chosen}"
            run = command(chosen, "m.tflite")
            yield Case("tflite", name, run, REFUSED, r"m\.tflite", _text("m.tflite", content))
    for kind, make in _no_files("m.tflite").items():
        for chosen in ("predict", "benchmark"):
            run = command(chosen, "m.tflite")
            yield Case("tflite", f"{kind}, {chosen}", run, REFUSED, r"m\.tflite", make)


def _bundle(change: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def make(here: Path, world: Path) -> None:
        shutil.copytree(world / "bundle", here / "bundle")
        change(here / "bundle")

    return make


def _bundles(rng: random.Random) -> Iterator[Case]:
    users = ("predict", "evaluate", "benchmark", "selftest")

    def of_manifest(folder: Path, seed: float) -> None:
        path = folder / "manifest.json"
        text = mutants.of_manifest(json.loads(path.read_text("utf-8")), random.Random(seed))
        path.write_bytes(text.encode("utf-8", "surrogateescape"))

    def of_file(folder: Path, seed: float) -> None:
        made = random.Random(seed)
        path = folder / made.choice(
            ("lenet5_float32.tflite", "lenet5_int8.tflite", "labels.txt", "golden.npz")
        )
        path.write_bytes(mutants.of_bytes(path.read_bytes(), made))

    for number in range(40):
        seed = rng.random()
        make = _bundle(lambda folder, seed=seed: of_manifest(folder, seed))
        chosen = users[number % 3 if number % 10 else 3]
        name = f"manifest {number}, {chosen}"
        yield Case("manifest", name, command(chosen, "bundle"), EITHER, "bundle|manifest", make)
    for number in range(16):
        seed = rng.random()
        make = _bundle(lambda folder, seed=seed: of_file(folder, seed))
        chosen = users[number % 4]
        run = command(chosen, "bundle")
        yield Case("bundle", f"file {number}, {chosen}", run, EITHER, "bundle", make)
    texts = {"empty": "", "list": "[]", "null": "null", "deep": "[" * 100_000, "version": "{}"}
    for kind, text in texts.items():
        make = _bundle(lambda folder, text=text: (folder / "manifest.json").write_text(text))
        for chosen in ("predict", "selftest"):
            name = f"{kind}, {chosen}"
            yield Case("manifest", name, command(chosen, "bundle"), REFUSED, "manifest", make)
    for name in ("lenet5_float32.tflite", "labels.txt", "manifest.json"):
        make = _bundle(lambda folder, name=name: (folder / name).unlink())
        for chosen in users[:2]:
            case = f"without {name}, {chosen}"
            yield Case("bundle", case, command(chosen, "bundle"), REFUSED, "bundle|manifest", make)
    run = (*command("predict", "bundle"), "--recipe", "int9")
    yield Case("bundle", "unknown recipe", run, REFUSED, "int9", _bundle(lambda folder: None))


def _run(change: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def make(here: Path, world: Path) -> None:
        shutil.copytree(world / "run", here / "run")
        change(here / "run")

    return make


def _of_config(folder: Path, seed: float) -> None:
    path = folder / "config.json"
    text = mutants.of_manifest(json.loads(path.read_text("utf-8")), random.Random(seed))
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _runs(rng: random.Random) -> Iterator[Case]:
    users = ("predict", "evaluate", "export", "summary")
    for number in range(24):
        seed, chosen = rng.random(), users[number % 4]
        make = _run(lambda folder, seed=seed: _of_config(folder, seed))
        run = tuple(part for part in command(chosen, "run"))
        if chosen == "export":
            run = (*run, "--recipes", "float32")
        yield Case("run", f"config {number}, {chosen}", run, EITHER, "", make)
    changes: dict[str, tuple[Callable[[Path], object], str]] = {
        "no model": (lambda f: (f / "model.keras").unlink(), REFUSED),
        "model of text": (lambda f: (f / "model.keras").write_text("text"), REFUSED),
        "model of another": (
            lambda f: shutil.copy(f.parent.parent / "world" / "good.keras", f / "model.keras"),
            REFUSED,
        ),
        "no config": (lambda f: (f / "config.json").unlink(), REFUSED),
        "labels of text": (lambda f: (f / "labels.txt").write_bytes(b"\xff"), EITHER),
        "no labels": (lambda f: (f / "labels.txt").unlink(), EITHER),
        "history of text": (lambda f: (f / "history.csv").write_text("x"), EITHER),
        "metrics of text": (lambda f: (f / "metrics.json").write_text("x"), EITHER),
        "config a pipe": (
            lambda f: ((f / "config.json").unlink(), os.mkfifo(f / "config.json")),
            REFUSED,
        ),
    }
    for name, (change, expect) in changes.items():
        for chosen in ("predict", "evaluate"):
            run = command(chosen, "run")
            yield Case("run", f"{name}, {chosen}", run, expect, "run|model|config", _run(change))
    resume = ("train", "--resume", "-o", "{here}/run")
    for name, (change, _) in changes.items():
        yield Case("run", f"{name}, resume", resume, REFUSED, "run|config|resume", _run(change))
