"""Float conversions kept on disk: the same network is converted once.

An entry is found by a hash of the frozen graph itself (every operator, attribute, name and weight,
in the form the converter gets), of TensorFlow's version and of the script that converts. Nothing
else decides what the converter writes, so an entry cannot be out of date. The oldest go when the
folder grows too large.

`KERASCNN_CONVERSIONS` names another folder, or turns the cache off with the word "off".
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from kerascnn.files import FileKind, atomic_file, user_path

logger = logging.getLogger("kerascnn.export")

VARIABLE = "KERASCNN_CONVERSIONS"
LARGEST_BYTES = 2_000_000_000  # of all entries together
_DIGEST = 32  # bytes of SHA-256 in front of each entry


def _is_entry(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_DIGEST + 8)[_DIGEST + 4 :] == b"TFL3"


ENTRY = FileKind("a kept conversion", _is_entry)


def folder() -> Path | None:
    """Where entries are kept; None when the cache is turned off, or the user has no home folder."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return user_path(chosen)
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a number without a name, as in containers
        return None
    return Path(home) / "kerascnn" / "conversions"


def key_of(frozen: Any, script: Path) -> str:
    """The hash that a conversion is found by.

    Args:
        frozen: A TensorFlow `ConcreteFunction` whose weights are constants.
        script: What converts it.
    """
    import tensorflow as tf

    found = hashlib.sha256()
    graph = frozen.graph.as_graph_def()
    parts = [*graph.node, *graph.library.function, *graph.library.gradient]
    found.update(f"{tf.__version__} {len(parts)} {[t.name for t in frozen.outputs]}".encode())
    found.update(script.read_bytes())
    for part in parts:
        data = part.SerializeToString(deterministic=True)
        found.update(len(data).to_bytes(8, "little"))
        found.update(data)
    return found.hexdigest()


def load(key: str) -> bytes | None:
    """The conversion of this key; None when there is none, or it was damaged (and is removed)."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}.tflite"
    try:
        data = path.read_bytes()
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            logger.warning("the kept conversion %s is damaged; converting again", path)
            path.unlink()
            return None
        os.utime(path)  # used just now: it goes last
    except FileNotFoundError:
        return None
    except OSError as error:
        _unusable(place, error)
        return None
    return data[_DIGEST:]


def store(key: str, content: bytes) -> None:
    """Keeps a conversion, and removes the least recently used ones where room is needed."""
    place = folder()
    if place is None or len(content) > LARGEST_BYTES // 2:
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        with atomic_file(place / f"{key}.tflite", ENTRY, overwrite=True) as temporary:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
        _make_room(place)
    except OSError as error:
        _unusable(place, error)


def _make_room(place: Path) -> None:
    entries = [(path, path.stat()) for path in place.glob("*.tflite")]
    entries.sort(key=lambda entry: entry[1].st_mtime_ns)
    total = sum(status.st_size for _, status in entries)
    for path, status in entries:
        if total <= LARGEST_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size


def _unusable(place: Path, error: OSError) -> None:
    logger.warning(
        "conversions cannot be kept in %s: %s. Set %s to another folder, or to off.",
        place,
        error.strerror or error,
        VARIABLE,
    )
