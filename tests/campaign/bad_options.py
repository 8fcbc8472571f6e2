"""Arguments of every command: each option with values that it cannot have."""

import importlib
import os
from collections.abc import Iterator

import click
from judging import ACCEPTED, EITHER, REFUSED, Case

from kerascnn.cli.main import COMMANDS
from kerascnn.cli.optional_value import OptionalValue

PHOTOS, PHOTO, RUN = "{world}/photos", "{world}/photo.jpg", "{world}/run"
# A command that would work, to which one bad option is added.
BASES = {
    "demo": ("demo", "--out", "{here}/out"),
    "models": ("models", "resnet*"),
    "summary": ("summary", "LeNet5"),
    "augment": ("augment", PHOTOS, "--out", "{here}/out.png"),
    "train": ("train", PHOTOS, "-m", "MLP", "-o", "{here}/out", "--epochs", "1"),
    "evaluate": ("evaluate", RUN),
    "predict": ("predict", RUN, PHOTO),
    "explain": ("explain", RUN, PHOTO, "--out", "{here}/out.png"),
    "export": ("export", RUN, "--out", "{here}/out"),
    "selftest": ("selftest", "{world}/bundle"),
    "benchmark": ("benchmark", "{world}/bundle"),
}
FINE_TUNING = ("--head", "--time-budget")
# Values that an option may have, though they look odd: an empty one that is none.
MAY_BE = {("export", "--sensitivity", ""), ("models", "--plot", "")}
BYTES = os.fsdecode(b"\xff\xfe")
TEXTS = ("", "nonsense", "x" * 5000, "caf\u00e9\u202e" + BYTES)
WRITTEN = ("--out", "--saved-model", "--svg", "--plot", "--sensitivity")
NUMBERS = ("many", "", "1e3", "0x10", "nan", "\u0663x")


def cases(seed: int) -> Iterator[Case]:
    for name in COMMANDS:
        yield from _of_options(name)
    for name, arguments, expect, words in OTHERS:
        yield Case("arguments", name, arguments, expect, words)


def _of_options(name: str) -> Iterator[Case]:
    command = importlib.import_module(f"kerascnn.cli.{name}").command
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_flag:
            continue
        flag = max(option.opts, key=len)
        base = BASES[name]
        if flag in FINE_TUNING:
            base = (*base, "--fine-tune", "--weights", "none")
        for value in _values(option, flag):
            if (name, flag, value) in MAY_BE:
                continue
            shown = ascii(value if len(value) < 20 else f"{value[:8]}...")
            words = f"too long|{flag}|{flag[2:].replace('-', '.')}|{WORDS.get(flag, flag)}"
            run = (*base, flag, value)
            yield Case("option", f"{name} {flag} {shown}", run, REFUSED, words)


WORDS = {
    "--out": "empty|too long",
    "--option": "option",
    "--export": "recipe",
    "--recipes": "recipe",
    "--data": "source|folder",
    "--data-dir": "data_dir|tfds",
    "--class": "class",
    "--layer": "layer",
    "--policy": "augment",
}


def _values(option: click.Option, flag: str) -> tuple[str, ...]:
    kind = option.type
    if isinstance(kind, click.Choice):
        return ("nonsense", "")
    if isinstance(kind, click.types.IntParamType):
        return NUMBERS[:4]
    if isinstance(kind, click.types.FloatParamType):
        return ("many", "", "nan", "inf", "-1")
    if isinstance(option, OptionalValue) or flag in WRITTEN:
        return ("", "x" * 5000)
    return TEXTS


def _train(*more: str) -> tuple[str, ...]:
    return (*BASES["train"], *more)


# Everything of a command is as it should be but for one thing.
OTHERS: list[tuple[str, tuple[str, ...], str, str]] = [
    ("no such command", ("tarin",), REFUSED, "tarin"),
    ("no such command of bytes", (BYTES,), REFUSED, "command"),
    ("no such option", ("train", "--nonsense"), REFUSED, "nonsense"),
    ("option of the group", ("--nonsense",), REFUSED, "nonsense"),
    ("empty command", ("",), REFUSED, "command"),
    *(
        (f"{name}, nothing", (name,), REFUSED, "missing")
        for name in COMMANDS
        if name not in ("demo", "models")
    ),
    *((f"{name}, help", (name, "--help"), ACCEPTED, "") for name in COMMANDS),
    *(
        (f"{name}, no such option", (*base, "--nonsense"), REFUSED, "nonsense")
        for name, base in BASES.items()
    ),
    *(
        (f"{name}, one argument more", (*base, "\u202eextra" + BYTES), REFUSED, "extra|no such")
        for name, base in BASES.items()
        if name not in ("predict", "explain", "demo")
    ),
    ("predict, no such image", ("predict", RUN, "{here}/a.jpg"), REFUSED, r"a\.jpg"),
    ("predict, no such model", ("predict", "{here}/run", PHOTO), REFUSED, "run"),
    ("predict, image as model", ("predict", PHOTO, PHOTO), REFUSED, "photo"),
    ("predict, folder as model", ("predict", PHOTOS, PHOTO), REFUSED, "photos"),
    ("predict, folder as image", ("predict", RUN, PHOTOS), ACCEPTED, ""),
    ("predict, top 0", (*BASES["predict"], "--top", "0"), REFUSED, "top"),
    ("predict, top of many", (*BASES["predict"], "--top", "9" * 20), ACCEPTED, ""),
    ("explain, no such class", (*BASES["explain"], "--class", "99"), REFUSED, "99"),
    (
        "explain, a bundle",
        ("explain", "{world}/bundle", PHOTO, "--out", "{here}/o.png"),
        REFUSED,
        "bundle",
    ),
    ("explain, picture of another", (*BASES["explain"], "--out", "{here}/o.jpg"), REFUSED, "png"),
    ("evaluate, image as data", (*BASES["evaluate"], "--data", PHOTO), REFUSED, "photo|source"),
    ("evaluate, other classes", (*BASES["evaluate"], "--data", "digits"), REFUSED, "class|channel"),
    ("evaluate, no such split", (*BASES["evaluate"], "--split", "test"), REFUSED, "test"),
    ("evaluate, pixels", (*BASES["evaluate"], "--pixels", "0,inf"), REFUSED, "pixel"),
    ("evaluate, seed", (*BASES["evaluate"], "--seed", "9" * 30), EITHER, "seed"),
    (
        "export, an image",
        ("export", PHOTO, "--out", "{here}/out", "--data", PHOTOS),
        REFUSED,
        "photo",
    ),
    ("export, onto the photos", ("export", RUN, "--out", PHOTOS), REFUSED, "photos"),
    (
        "export, onto the photos all the same",
        ("export", RUN, "--out", PHOTOS, "--overwrite"),
        REFUSED,
        "photos",
    ),
    ("export, onto the run", ("export", RUN, "--out", RUN, "--overwrite"), REFUSED, "run"),
    (
        "export, onto files",
        ("export", RUN, "--out", "{world}/mine", "--overwrite"),
        REFUSED,
        "mine",
    ),
    ("export, below a file", ("export", RUN, "--out", PHOTO + "/out"), REFUSED, "photo"),
    (
        "export, a file onto a photo",
        ("export", RUN, "--out", PHOTO, "--overwrite"),
        REFUSED,
        "photo",
    ),
    (
        "export, serving onto files",
        ("export", RUN, "--out", "{world}/mine", "--overwrite", "--target", "serving"),
        REFUSED,
        "mine",
    ),
    ("export, recipe twice", (*BASES["export"], "--recipes", "int8,int8"), REFUSED, "twice"),
    ("export, commas", (*BASES["export"], "--recipes", ",,"), REFUSED, "recipe"),
    (
        "export, one place twice",
        (*BASES["export"], "--saved-model", "{here}/./out"),
        REFUSED,
        "place",
    ),
    (
        "export, into /proc",
        ("export", RUN, "--out", "/proc/out", "--recipes", "float32"),
        REFUSED,
        "/proc",
    ),
    ("export, into /dev/full", ("export", RUN, "--out", "/dev/full"), REFUSED, "/dev/full"),
    (
        "summary, svg onto a model",
        ("summary", "LeNet5", "--svg", "{world}/good.keras", "--overwrite"),
        REFUSED,
        "svg",
    ),
    ("summary, a photo", ("summary", PHOTO), REFUSED, "photo"),
    (
        "summary, activation",
        ("summary", "LeNet5", "--option", "activation=nonsense"),
        REFUSED,
        "activation",
    ),
    ("summary, dropout", ("summary", "VGG11", "--option", "dropout=x"), REFUSED, "dropout"),
    (
        "summary, input shape",
        ("summary", "LeNet5", "--option", "input_shape=5"),
        REFUSED,
        "input_shape",
    ),
    (
        "summary, last activation",
        ("summary", "LeNet5", "--option", "classifier_activation=nope"),
        REFUSED,
        "classifier_activation",
    ),
    ("summary, classes", ("summary", "LeNet5", "--option", "classes=-1"), REFUSED, "classes"),
    (
        "summary, classes of text",
        ("summary", "ResNet18", "--option", "classes=many"),
        REFUSED,
        "classes",
    ),
    (
        "summary, classes beyond",
        ("summary", "LeNet5", "--option", f"classes={10**30}"),
        REFUSED,
        "classes",
    ),
    ("summary, alpha", ("summary", "MobileNet", "--option", "alpha=-1"), REFUSED, "alpha"),
    ("summary, alpha nan", ("summary", "MobileNet", "--option", "alpha=NaN"), REFUSED, "alpha"),
    ("summary, size", ("summary", "ResNet18", "--image-size", "0"), REFUSED, "size|shape"),
    ("summary, too small", ("summary", "InceptionV3", "--image-size", "8"), REFUSED, "8"),
    ("summary, size of text", ("summary", "ResNet18", "--image-size", "8x8x8"), REFUSED, "size"),
    (
        "summary, option twice",
        ("summary", "LeNet5", "--option", "classes=3", "--option", "classes=4"),
        REFUSED,
        "twice",
    ),
    ("models, no such", ("models", "resent*"), REFUSED, "resent"),
    ("models, bracket", ("models", "[a-"), REFUSED, "match"),
    ("selftest, a run", ("selftest", RUN), REFUSED, "bundle"),
    ("selftest, threads", (*BASES["selftest"], "--threads", "9" * 11), REFUSED, "threads"),
    ("selftest, recipe", (*BASES["selftest"], "--recipe", "int9"), REFUSED, "int9"),
    ("benchmark, a photo", ("benchmark", PHOTO), REFUSED, "photo"),
    ("benchmark, threads", (*BASES["benchmark"], "--threads", "9" * 11), EITHER, "threads"),
    ("augment, nothing to do", ("augment", PHOTOS), REFUSED, "--out"),
    ("augment, onto a photo", ("augment", PHOTOS, "--out", PHOTO, "--overwrite"), REFUSED, "png"),
    ("augment, size", (*BASES["augment"], "--image-size", "99999999"), REFUSED, "size"),
    ("augment, tfds", ("augment", "tfds:nonsense", "--out", "{here}/o.png"), REFUSED, "nonsense"),
    ("augment, tfds of nothing", ("augment", "tfds:", "--out", "{here}/o.png"), REFUSED, "tfds"),
    (
        "augment, tfds folder",
        ("augment", "tfds:mnist", "--data-dir", "{here}", "--out", "{here}/o.png"),
        REFUSED,
        "mnist",
    ),
    ("demo, onto files", ("demo", "--out", "{world}/mine"), REFUSED, "mine"),
    ("demo, onto the world", ("demo", "--out", "{world}"), REFUSED, "world"),
    ("train, no model", ("train", PHOTOS), REFUSED, "--model"),
    ("train, onto a run", ("train", PHOTOS, "-m", "MLP", "-o", RUN), REFUSED, "overwrite"),
    (
        "train, onto files",
        ("train", PHOTOS, "-m", "MLP", "-o", "{world}/mine", "--overwrite"),
        REFUSED,
        "mine",
    ),
    (
        "train, onto photos",
        ("train", PHOTOS, "-m", "MLP", "-o", PHOTOS, "--overwrite"),
        REFUSED,
        "photos",
    ),
    (
        "train, onto the bundle",
        ("train", PHOTOS, "-m", "MLP", "-o", "{world}/bundle", "--overwrite"),
        REFUSED,
        "bundle",
    ),
    (
        "train, below a photo",
        ("train", PHOTOS, "-m", "MLP", "-o", PHOTO + "/run"),
        REFUSED,
        "photo",
    ),
    ("train, epochs", _train("--epochs", "0"), REFUSED, "epochs"),
    ("train, batch", _train("--batch-size", "0"), REFUSED, "batch"),
    ("train, batch of all", _train("--batch-size", "1000000"), EITHER, "batch"),
    ("train, rate", _train("--learning-rate", "-1"), REFUSED, "rate"),
    ("train, rate that breaks", _train("--learning-rate", "1e30"), EITHER, "learning.rate|loss"),
    ("train, all held out", _train("--validation-split", "1"), REFUSED, "split"),
    ("train, next to nothing held out", _train("--validation-split", "1e-9"), EITHER, "split"),
    ("train, patience", _train("--patience", "-1"), REFUSED, "patience"),
    ("train, seed", _train("--seed", "-1"), REFUSED, "seed"),
    ("train, large seed", _train("--seed", "9" * 30), EITHER, "seed"),
    ("train, image size", _train("--image-size", "0x5"), REFUSED, "size"),
    ("train, images of a city", _train("--image-size", "99999999"), REFUSED, "size|memory"),
    ("train, pixel range", _train("--pixel-range", "5,5"), REFUSED, "range"),
    ("train, pixel range of nan", _train("--pixel-range", "nan,5"), REFUSED, "range|number"),
    ("train, recipe", _train("--export", "int8,int9"), REFUSED, "int9"),
    ("train, recipe twice", _train("--export", "int8,int8"), REFUSED, "twice"),
    ("train, weights", _train("--weights", "imagenet"), REFUSED, "imagenet"),
    ("train, resume nothing", ("train", "--resume", "-o", "{here}/out"), REFUSED, "resume"),
    ("train, resume what is done", ("train", "--resume", "-o", RUN), REFUSED, "finished"),
    ("train, resume a bundle", ("train", "--resume", "-o", "{world}/bundle"), REFUSED, "bundle"),
    ("train, head alone", _train("--head", "mlp"), REFUSED, "head"),
    ("train, budget alone", _train("--time-budget", "3m"), REFUSED, "time-budget"),
    (
        "train, budget",
        (*_train("--fine-tune", "--weights", "none"), "--time-budget", "-3m"),
        REFUSED,
        "time-budget",
    ),
    ("train, precision twice", _train("--json", "--export", "int8"), REFUSED, "--json"),
]
