"""What is inside a saved model, read without Keras and without running anything of it.

`.keras` is a zip archive of a configuration and an HDF5 file of weights, `.h5` an HDF5 file with
the configuration in an attribute (Keras 2's format, which Keras 3 still writes).
"""

import builtins
import json
import lzma
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from kerascnn.errors import InputError
from kerascnn.registration import PACKAGE

_HINT = " of kerascnn (put `import kerascnn` before loading)"
CONFIG, WEIGHTS = "config.json", ("model.weights.h5", "model.weights.npz")
HDF5 = (".h5", ".hdf5")
SUFFIXES = (".keras", *HDF5)
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# Keras stores members uncompressed: one that grows so much was made to fill the memory.
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 100
# What reading a damaged file ends in.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError),
    *(RuntimeError, NotImplementedError, ValueError, KeyError, TypeError, AttributeError),
)
# Classes and marks whose configuration holds code, or the path of a file of code.
_CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
# Modules of Keras with functions that act instead of computing.
_ACTING = ("keras.config", "keras.saving", "keras.utils", "keras.export", "keras.callbacks")


def is_weights_alone(path: Path) -> bool:
    """Whether a name is that of a file of weights without a model."""
    return path.name.endswith(".weights.h5")


def _name_of_model(path: Path) -> str:
    """What a file of weights says of the model it was saved from."""
    try:
        with h5py.File(path, "r") as file:
            name = file["vars"].attrs["name"]
    except DAMAGE:
        return ""
    return f", of a model called {str(name)[:60]!r}"


def read_config(path: Path) -> dict[str, Any]:
    """The configuration of the model in a `.keras` or `.h5` file, and the file is whole.

    Raises:
        InputError: No such file, another kind of file, a damaged one, or one without a model.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no regular file" if path.exists() else ""
        raise InputError(
            f"{path} is {found}. Expected a .keras or .h5 file."
            if found
            else f"no such model file: {path}. Expected a .keras or .h5 file."
        )
    if is_weights_alone(path):
        raise InputError(
            f"{path} holds weights alone{_name_of_model(path)}. Expected a .keras or .h5 file with "
            "a model. Name the architecture that they belong to: NAME(weights=PATH) in Python, "
            "NAME --weights PATH on the command line."
        )
    if path.suffix not in SUFFIXES:
        raise InputError(f"not a Keras model file: {path}. Expected a .keras or .h5 file.")
    text = _text_of_hdf5(path) if path.suffix in HDF5 else _text_of_archive(path)
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its configuration cannot be read ({_short(error)})") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise _damaged(path, "its configuration describes no model")
    return config


def read_archive(path: Path) -> bytes:
    """The HDF5 file of weights in a whole `.keras` file.

    Raises:
        InputError: A damaged file, or one whose weights are not in HDF5.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            return archive.read(WEIGHTS[0])
    except DAMAGE as error:
        raise _damaged(path, _short(error)) from error


def copy_with_hint(source: Path, target: Path) -> None:
    """Copies a `.keras` file so that Keras's error tells what to import, where that is missing.

    Keras finds our classes by their registered names. Where it does not know them, it quotes the
    plain name, which nothing else depends on: here a line to add is put behind it.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == CONFIG:
                config = json.loads(content)
                for item in _dicts(config):
                    if str(item.get("registered_name")).startswith(f"{PACKAGE}>"):
                        item["class_name"] = f"{item['class_name']}{_HINT}"
                content = json.dumps(config).encode()
            new.writestr(member, content)


def refuse_code(config: Any, path: Path) -> None:
    """Raises InputError where a configuration holds code, or would run some when it is loaded."""
    for item in _dicts(config):
        kind, module, inner = item.get("class_name"), item.get("module"), item.get("config")
        if not isinstance(kind, str):
            continue
        if kind.rpartition(">")[2] in _CODE:
            name = str(inner.get("name", ""))[:60] if isinstance(inner, dict) else ""
            what = f"its layer {name!r}, of the class {kind}," if name else f"{kind} in it"
            raise InputError(
                f"{path} was not opened: {what} holds code, which loading would run. Expected "
                "layers that are data alone. Replace it by a layer class of your own; or, if you "
                "trust the file, open it with keras.saving.load_model(path, safe_mode=False) and "
                "give kerascnn the model."
            )
        function = inner if kind == "function" and isinstance(inner, str) else kind
        if isinstance(module, str) and _acts(module, function):
            raise InputError(
                f"{path} was not opened: it asks for {module[:60]}.{function[:60]}, which is no "
                "part of a network. Expected layers and functions of Keras. Do not use the file."
            )


def _acts(module: str, name: str) -> bool:
    """Whether something does more than compute: of the standard library, or settings of Keras.

    Functions of Keras, such as relu, are written as those of the module builtins.
    """
    if module == "builtins":
        return hasattr(builtins, name)
    root = module.partition(".")[0]
    return module.startswith(_ACTING) or (root in sys.stdlib_module_names and root != "__main__")


def _text_of_archive(path: Path) -> bytes:
    with path.open("rb") as file:
        if file.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC:
            raise InputError(
                f"{path} is an HDF5 file, which Keras opens under a name that ends in .h5. "
                "Expected a zip archive. Rename it."
            )
    if not zipfile.is_zipfile(path):
        reason = "it is empty" if not os.path.getsize(path) else "it is no zip archive, or is cut"
        raise _damaged(path, reason)
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if CONFIG not in names:
                raise _damaged(path, f"it holds no {CONFIG}")
            if not names & set(WEIGHTS):
                raise _damaged(path, "it holds no weights")
            _check_members(archive)
            damaged = archive.testzip()
            if damaged is not None:
                raise _damaged(path, f"the checksum of its {damaged[:60]} is wrong")
            return archive.read(CONFIG)
    except InputError:
        raise
    except DAMAGE as error:
        raise _damaged(path, _short(error)) from error


def _check_members(archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        if member.flag_bits & 1:
            raise ValueError("it is encrypted")
        grown = member.file_size > _BOMB_RATIO * member.compress_size
        if member.file_size > _BOMB_BYTES and grown:
            raise ValueError(f"its {member.filename[:60]} grows to {member.file_size} bytes")


def _text_of_hdf5(path: Path) -> str | bytes:
    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
    except DAMAGE as error:
        raise _damaged(path, _short(error)) from error
    if not isinstance(config, str | bytes):
        raise InputError(
            f"{path} holds no model: it has no model_config, as a file of weights alone. Expected "
            "what model.save() wrote. Build the model with weights=PATH."
        )
    return config


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is damaged, or no model of Keras: {reason}. Expected a file that model.save() "
        "wrote. Copy it again from where it came from, or save the model anew."
    )


def _dicts(config: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in a configuration, however deep."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:120]
