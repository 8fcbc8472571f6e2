"""Image files that are none, are damaged, hostile, or of another kind; folders of photos."""

import io
import os
import random
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mutants
import numpy as np
from hostile_files import HOSTILE
from judging import ACCEPTED, EITHER, NOTED, REFUSED, Case
from PIL import Image

PREDICT = ("predict", "{world}/run", "{here}/{name}")
EXPLAIN = ("explain", "{world}/run", "{here}/{name}", "--out", "{here}/out.png")
LOOK = ("augment", "{here}/photos", "--out", "{here}/out.png", "--image-size", "32")
FORMATS = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP"}


def cases(seed: int) -> Iterator[Case]:
    yield from _single(seed)
    yield from _beside_good_ones()
    yield from _folders()


def _command(base: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(part.replace("{name}", name) for part in base)


def _written(name: str, content: bytes) -> Callable[[Path, Path], None]:
    return lambda here, world: (here / name).write_bytes(content) and None


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 32), **options) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def _single(seed: int) -> Iterator[Case]:
    contents = {
        "empty.jpg": b"",
        "one-byte.png": b"\x89",
        "text.jpg": b"this is no photo\n",
        "page.png": b"<!doctype html><title>404 Not Found</title>",
        "zeros.jpg": bytes(5000),
        "pdf.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "video.gif": b"\0\0\0\x20ftypisom" + bytes(500),
        "heic.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "array.npy": b"\x93NUMPY\x01\0v\0" + bytes(300),
        "pickle.jpg": b"cposix\nsystem\n(S'touch executed'\ntR.",
        "archive.png": b"PK\x03\x04" + bytes(300),
        "raw.bmp": b"BM" + bytes(12),
        "no-size.gif": b"GIF89a" + bytes(20),
        "head.webp": b"RIFF\x10\0\0\0WEBPVP8 " + bytes(4),
        "half.jpg": picture("JPEG")[:900],
        "half.png": picture("PNG")[:1500],
        "half.webp": picture("WEBP", lossless=True)[:900],
        **HOSTILE,
    }
    for name, content in contents.items():
        yield Case("image", name, _command(PREDICT, name), REFUSED, name, _written(name, content))
    for name in ("text.jpg", "half.png", "pixels.png"):
        made = _written(name, contents[name])
        yield Case("image", f"{name}, explain", _command(EXPLAIN, name), REFUSED, name, made)
    modes = {"1": "png", "L": "jpg", "P": "png", "LA": "png", "RGBA": "png", "CMYK": "jpg"}
    modes |= {"YCbCr": "jpg", "I": "tif", "I;16": "png", "F": "tif"}
    for mode, suffix in modes.items():
        name = f"mode.{suffix}"
        source = "L" if mode == "I;16" else mode
        content = picture(FORMATS[suffix], source)
        if mode == "I;16":
            stream = io.BytesIO()
            Image.fromarray(np.full((9, 9), 3000, np.uint16)).save(stream, "PNG")
            content = stream.getvalue()
        made = _written(name, content)
        # Which range of floating-point pixels is meant, nobody can know.
        expect, words = (REFUSED, "pixel.range") if mode in ("F",) else (ACCEPTED, "")
        yield Case("image", f"mode {mode}", _command(PREDICT, name), expect, words, made)
    for size in ((1, 1), (1, 5000), (5000, 1)):
        made = _written("thin.png", picture("PNG", size=size))
        yield Case("image", f"{size}", _command(PREDICT, "thin.png"), ACCEPTED, make=made)
    rng = random.Random(f"images {seed}")
    for suffix, kind in FORMATS.items():
        good = picture(kind)
        for number in range(6):
            name = f"mutant{number}.{suffix}"
            made = _written(name, mutants.of_bytes(good, rng))
            yield Case("image", name, _command(PREDICT, name), EITHER, name, made)
    for kind, (make, words) in NO_FILES.items():
        for base in (PREDICT, EXPLAIN):
            name = f"{base[0]} {kind}"
            yield Case("image", name, _command(base, "odd.jpg"), REFUSED, words, make)


def _socket(here: Path, world: Path) -> None:
    before = Path.cwd()
    os.chdir(here)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("odd.jpg")
    os.chdir(before)


NO_FILES = {
    "pipe": (lambda here, world: os.mkfifo(here / "odd.jpg"), "odd.jpg.*pipe"),
    "device": (lambda here, world: (here / "odd.jpg").symlink_to("/dev/zero"), "odd.jpg.*device"),
    "loop": (lambda here, world: (here / "odd.jpg").symlink_to("odd.jpg"), "odd.jpg"),
    "dangling": (lambda here, world: (here / "odd.jpg").symlink_to("gone.jpg"), "odd.jpg"),
    "absent": (None, "odd.jpg"),
    "empty folder": (lambda here, world: (here / "odd.jpg").mkdir(), "odd.jpg"),
    "socket": (_socket, "odd.jpg.*socket"),
}


def _beside_good_ones() -> Iterator[Case]:
    """One that is bad does not keep others from being answered, and is named."""
    run = ("predict", "{world}/run", "{world}/photo.jpg", "{here}/bad.jpg")
    for kind, content in {"text": b"text", "half": picture("JPEG")[:700], "empty": b""}.items():
        name = f"good and {kind}"
        yield Case("image", name, run, NOTED, r"bad\.jpg", _written("bad.jpg", content))
    yield Case("image", "good and absent", run, NOTED, r"bad\.jpg")
    odd = {
        "bytes": os.fsdecode(b"caf\xe9 \xff.jpg"),
        "line break": "two\nlines.jpg",
        "terminal": "\x1b[2Jclear.jpg",
        "markup": "[red]x[bold].jpg",
        "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",
        "longest": "a" * 251 + ".jpg",
        "option": "--json.jpg",
        "percent": "100%s {0}.jpg",
    }
    for kind, name in odd.items():

        def copy(here: Path, world: Path, name: str = name) -> None:
            shutil.copy(world / "photo.jpg", here / name)

        run = ("predict", "{world}/run", "{here}/" + name)
        yield Case("name", kind, run, ACCEPTED, make=copy)
        yield Case("name", f"{kind}, absent", run, REFUSED, "no such file|too long")


def _photos(change: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def make(here: Path, world: Path) -> None:
        shutil.copytree(world / "photos", here / "photos")
        (here / "photos" / "labels.csv").unlink()
        change(here / "photos")

    return make


def _remove(folder: Path, *names: str) -> None:
    for name in names:
        shutil.rmtree(folder / name)


def _split(folder: Path, *names: str) -> None:
    """The class folders into folders of these names."""
    for name in names:
        shutil.copytree(folder, folder.with_name("new") / name)
    shutil.rmtree(folder)
    folder.with_name("new").rename(folder)


def _flat(folder: Path) -> None:
    for path in list(folder.rglob("*.jpg")):
        path.rename(folder / f"{path.parent.name}{path.name}")
    _remove(folder, "daisy", "rose", "tulip")


def _all(folder: Path, content: bytes) -> None:
    for path in folder.rglob("*.jpg"):
        path.write_bytes(content)


def _deep(folder: Path) -> None:
    for name in ("daisy", "rose", "tulip"):
        (folder / name).rename(folder / "inner")
        (folder / name).mkdir()
        (folder / "inner").rename(folder / name / "originals")


FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "absent": (shutil.rmtree, REFUSED, "no such folder"),
    "empty": (lambda f: _remove(f, "daisy", "rose", "tulip"), REFUSED, "photos"),
    "one class": (lambda f: _remove(f, "daisy", "rose"), REFUSED, "class"),
    "empty class": (lambda f: (f / "lily").mkdir(), REFUSED, "lily"),
    "class of text": (lambda f: _class_of_text(f), REFUSED, "lily"),
    "no folders": (_flat, REFUSED, "photos"),
    "all text": (lambda f: _all(f, b"text"), REFUSED, "photos"),
    "all empty": (lambda f: _all(f, b""), REFUSED, "photos"),
    "levels too deep": (_deep, EITHER, "folder"),
    "four splits": (lambda f: _split(f, "train", "val", "test", "extra"), REFUSED, "extra"),
    "training_set": (lambda f: _split(f, "training_set", "test_set"), EITHER, "set"),
    "fold1 fold2": (lambda f: _split(f, "fold1", "fold2"), REFUSED, "fold"),
    "split beside classes": (
        lambda f: shutil.copytree(f / "rose", f / "train"),
        NOTED,
        "name of a split",
    ),
    "bad photo": (lambda f: (f / "rose" / "x.jpg").write_bytes(b"x"), NOTED, r"x\.jpg|skipped"),
    "pipe": (lambda f: os.mkfifo(f / "rose" / "x.jpg"), NOTED, r"x\.jpg|skipped"),
    "zeros without end": (
        lambda f: (f / "rose" / "x.jpg").symlink_to("/dev/zero"),
        NOTED,
        r"x\.jpg|skipped",
    ),
    "loop of folders": (lambda f: (f / "rose" / "up").symlink_to(".."), EITHER, "rose|up"),
    "loop of classes": (lambda f: (f / "again").symlink_to("."), EITHER, "again"),
    "bomb": (
        lambda f: (f / "rose" / "x.png").write_bytes(HOSTILE["pixels.png"]),
        NOTED,
        r"x\.png|skipped",
    ),
    "photos twice": (
        lambda f: shutil.copytree(f / "rose", f / "rose2"),
        EITHER,
        "rose",
    ),
    "control character": (lambda f: (f / "rose").rename(f / "ro\nse"), REFUSED, "ro.{0,3}nse"),
    "joiners": (
        lambda f: (f / "rose").rename(f / "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ACCEPTED,
        "",
    ),
    "not UTF-8": (
        lambda f: (f / "rose").rename(f / os.fsdecode(b"caf\xe9")),
        EITHER,
        "caf",
    ),
    "spaces": (lambda f: (f / "rose").rename(f / " rose "), EITHER, "rose"),
    "other files": (lambda f: (f / "readme.txt").write_text("about"), ACCEPTED, ""),
    "hidden files": (lambda f: (f / ".DS_Store").write_bytes(b"\0"), ACCEPTED, ""),
}


def _class_of_text(folder: Path) -> None:
    (folder / "lily").mkdir()
    (folder / "lily" / "a.txt").write_text("a")


def _folders() -> Iterator[Case]:
    for name, (change, expect, words) in FOLDERS.items():
        yield Case("folder", name, LOOK, expect, words, _photos(change))
    train = ("train", "{here}/photos", "-m", "MLP", "-o", "{here}/out", "--epochs", "1")
    for name in ("empty class", "all text", "four splits", "one class"):
        change, expect, words = FOLDERS[name]
        yield Case("folder", f"{name}, train", train, expect, words, _photos(change))
    inside = (*train[:5], "{here}/photos/rose/run", *train[6:])
    yield Case("folder", "run among photos", inside, REFUSED, "among", _photos(lambda f: None))


if sys.platform == "win32":
    raise ImportError("the campaign needs what Unix has: pipes, forks, limits")
