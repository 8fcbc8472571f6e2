"""Damaged bundles, many of them, each made from a seed: what a kit may be given on a device."""

import copy
import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

ODD = [
    *(None, True, False, -1, 0, 0.5, 1, 2, 3, 255, 256, 1 << 31, 1 << 63, 10**39, 10**400),
    *(1e-300, 1e300, float("nan"), float("inf"), -float("inf")),
    *("", "rgb", "int8", "../x", "/", "x" * 100_000, "\x1b[2J\n\r", "\ud800", "é\u202e", "0" * 64),
    *([], {}, [[]], [None] * 1000, [1, 2], [[0, 1]] * 4, {"a": {"b": []}}),
]


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """The path of each value inside a JSON value, from the outermost inwards."""
    inside = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


def of_manifest(manifest: dict, rng: random.Random) -> str:
    """The text of a manifest that is not what it was: in a value, in a key, or in its bytes."""
    if rng.random() < 0.3:
        return of_bytes(json.dumps(manifest).encode(), rng).decode("utf-8", "surrogateescape")
    made = copy.deepcopy(manifest)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        *way, last = rng.choice([*places(made)])
        holder = made
        for key in way:
            holder = holder[key]
        kind = rng.randrange(5)
        if kind == 0:
            del holder[last]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(("note", "\x00", "x" * 50_000, "__proto__", "shape"))] = holder.pop(
                last
            )
        elif kind == 2:
            other = rng.choice([*places(manifest)])
            value = manifest
            for key in other:
                value = value[key]
            holder[last] = copy.deepcopy(value)
        else:
            holder[last] = rng.choice(ODD)
    if rng.random() < 0.05:
        made.update({f"key {number}": number for number in range(20_000)})
    return json.dumps(made)


def of_bytes(content: bytes, rng: random.Random) -> bytes:
    """The bytes of a file with bits flipped, a part lost or doubled, or something put in."""
    made = bytearray(content)
    kind = rng.randrange(6)
    start = rng.randrange(len(made))
    end = min(len(made), start + rng.choice((1, 4, 64)))
    if kind < 3:
        for _ in range(rng.choice((1, 1, 8))):
            made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    elif kind == 3:
        del made[start:]
    elif kind == 4:
        del made[start:end]
    else:
        made[start:start] = rng.choice((made[start:end], bytes(8), b"\xff" * 8, rng.randbytes(16)))
    return bytes(made)


def rehash(folder: Path) -> None:
    """Makes the manifest agree with the files as they are: a forger would."""
    path = folder / "manifest.json"
    data = json.loads(path.read_text("utf-8"))
    for file in [*data["files"], data["labels"], data["golden"], *data["reports"].values()]:
        content = (folder / file["path"]).read_bytes()
        file["sha256"] = hashlib.sha256(content).hexdigest()
        if "bytes" in file:
            file["bytes"] = len(content)
    path.write_text(json.dumps(data), "utf-8")


def bundles(bundle: Path, folder: Path, kind: str, count: int, seed: int = 0) -> Iterator[Path]:
    """Makes `count` damaged copies of a bundle, one after the other in the same folder.

    `kind` is what is damaged: "manifest", or the name of a file of the bundle (its hash is made to
    agree, as a forger would).
    """
    rng = random.Random(f"{kind} {seed}")
    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for _ in range(count):
        if kind == "manifest":
            text = of_manifest(manifest, rng)
            (folder / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        else:
            (folder / kind).write_bytes(of_bytes((bundle / kind).read_bytes(), rng))
            rehash(folder)
        yield folder


def refused(result, *words: str, program: str = "run.py") -> bool:
    """Whether a kit ended with code 2 and one short line on stderr that has all `words`."""
    lines = result.stderr.splitlines()
    return (
        result.returncode == 2
        and len(lines) == 1
        and lines[0].startswith(f"{program}: error: ")
        and len(lines[0]) < 350
        and all(word in lines[0] for word in words)
    )
