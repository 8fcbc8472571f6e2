"""Model files that are damaged, hostile or of another kind, each made from a small good one.

`MAKERS` maps a name to a function from the bytes of a good `.keras` file and a folder to the path
of a bad one. Hostile ones would create `MARK` in the working directory if they were executed.
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

Maker = Callable[[bytes, Path], Path]
MARK = "executed"
CODE = f"open({MARK!r}, 'w')"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def good() -> bytes:
    """The bytes of a classifier of images (8, 8, 3)."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(2, 3, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
            keras.layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "good.keras"
        model.save(path)
        return path.read_bytes()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(files: dict[str, bytes], path: Path, **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def raw(change: Callable[[bytes], bytes], name: str = "model.keras") -> Maker:
    """The bytes of the file, changed."""

    def make(content: bytes, folder: Path) -> Path:
        (folder / name).write_bytes(change(content))
        return folder / name

    return make


def with_members(change: Callable[[dict[str, bytes]], Any], **options: Any) -> Maker:
    """The members of the archive, changed in place."""

    def make(content: bytes, folder: Path) -> Path:
        files = members(content)
        change(files)
        return pack(files, folder / "model.keras", **options)

    return make


def with_config(change: Callable[[Any], Any]) -> Maker:
    """The configuration: changed in place, or replaced by what `change` returns."""

    def alter(files: dict[str, bytes]) -> None:
        config = json.loads(files[CONFIG])
        replaced = change(config)
        files[CONFIG] = json.dumps(config if replaced is None else replaced).encode()

    return with_members(alter)


def with_text(text: bytes) -> Maker:
    return with_members(lambda files: files.update({CONFIG: text}))


def with_layer(layer: dict[str, Any]) -> Maker:
    """Another layer in place of the pooling."""

    def change(config: Any) -> None:
        inner = {"name": "odd", "trainable": True, "dtype": "float32", **layer.pop("config", {})}
        config["config"]["layers"][3] = {"registered_name": None, **layer, "config": inner}

    return with_config(change)


def layer_change(place: int, **changes: Any) -> Maker:
    return with_config(lambda config: config["config"]["layers"][place]["config"].update(changes))


def with_weights(change: Callable[[h5py.File], Any]) -> Maker:
    """The file of weights, changed in place."""

    def alter(files: dict[str, bytes]) -> None:
        buffer = io.BytesIO(files[WEIGHTS])
        with h5py.File(buffer, "r+") as file:
            change(file)
        files[WEIGHTS] = buffer.getvalue()

    return with_members(alter)


def replace_array(shape: tuple[int, ...], dtype: str = "float32") -> Maker:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.zeros(shape, dtype)

    return with_weights(change)


def flipped(content: bytes, part: str) -> bytes:
    """One bit of a member turned, its checksum left as it was."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        offset = archive.getinfo(part).header_offset
    place = offset + 30 + len(part) + 200
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def encrypted(content: bytes) -> bytes:
    """The bit of encryption set in every header."""
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        while at >= 0:
            data = bytearray(content)
            data[at + place] |= 1
            content = bytes(data)
            at = content.find(mark, at + 4)
    return content


def nested(depth: int) -> bytes:
    return b'{"class_name": "Sequential", "config": ' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)


def function(module: str, name: str, kind: str = "function") -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": name, "registered_name": name}


def hdf5(write: Callable[[h5py.File], Any], name: str = "model.h5") -> Maker:
    def make(content: bytes, folder: Path) -> Path:
        with h5py.File(folder / name, "w") as file:
            write(file)
        return folder / name

    return make


def hdf5_layer(**layer: Any) -> Maker:
    """An `.h5` file of a Sequential model with one layer."""
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    return hdf5(lambda file: file.attrs.update({"model_config": json.dumps(config)}))


def folder_of(content: bytes, folder: Path) -> Path:
    (folder / "model.keras").mkdir()
    return folder / "model.keras"


def weights_alone(content: bytes, folder: Path) -> Path:
    path = folder / "model.weights.h5"
    path.write_bytes(members(content)[WEIGHTS])
    return path


def dense(config: dict[str, Any]) -> dict[str, Any]:
    return config["config"]["layers"][4]


OTHER = {"module": "mine", "class_name": "Mine", "registered_name": "mine>Mine"}
LAMBDA = {
    "class_name": "Lambda",
    "module": "keras.layers",
    "config": {"function": {"class_name": "__lambda__", "config": {"value": [CODE, None, None]}}},
}
MAKERS: dict[str, Maker] = {
    # The file
    "empty": raw(lambda content: b""),
    "one-byte": raw(lambda content: b"P"),
    "text": raw(lambda content: b"not a model"),
    "zeros": raw(lambda content: bytes(4096)),
    "first-half": raw(lambda content: content[: len(content) // 2]),
    "last-half": raw(lambda content: content[len(content) // 2 :]),
    "without-its-end": raw(lambda content: content[:-10]),
    "pickle": raw(lambda content: b"cposix\nsystem\n(S'touch " + MARK.encode() + b"'\ntR."),
    "pickle-as-h5": raw(lambda content: b"\x80\x04K*.", "model.h5"),
    "zip-as-h5": raw(lambda content: content, "model.h5"),
    "hdf5-as-keras": raw(lambda content: members(content)[WEIGHTS]),
    "folder": folder_of,
    "weights-alone": weights_alone,
    "absent": lambda content, folder: folder / "absent.keras",
    "absent-h5": lambda content, folder: folder / "absent.h5",
    # The archive
    "crc-of-weights": raw(lambda content: flipped(content, WEIGHTS)),
    "crc-of-config": raw(lambda content: flipped(content, CONFIG)),
    "encrypted": raw(encrypted),
    "no-members": with_members(lambda files: files.clear()),
    "no-config": with_members(lambda files: files.pop(CONFIG)),
    "no-weights": with_members(lambda files: files.pop(WEIGHTS)),
    "other-zip": with_members(lambda files: (files.clear(), files.update({"a.txt": b"a"}))),
    "bomb": with_members(
        lambda files: files.update({WEIGHTS: bytes(100 << 20)}), compression=zipfile.ZIP_DEFLATED
    ),
    # The configuration
    "config-empty": with_text(b""),
    "config-text": with_text(b"{not json"),
    "config-latin": with_text(b'{"class_name": "\xff\xfe"}'),
    "config-list": with_text(b"[]"),
    "config-null": with_text(b"null"),
    "config-number": with_text(b"3"),
    "config-string": with_text(b'"Sequential"'),
    "config-object": with_text(b"{}"),
    "config-deep-list": with_text(b"[" * 10_000 + b"]" * 10_000),
    "config-deep-object": with_text(nested(10_000)),
    "config-deep-but-read": with_text(nested(400)),
    "config-inner-null": with_config(lambda config: config.update(config=None)),
    "config-inner-list": with_config(lambda config: config.update(config=[1])),
    "class-null": with_config(lambda config: config.update(class_name=None)),
    "class-number": with_config(lambda config: config.update(class_name=7)),
    "class-list": with_config(lambda config: config.update(class_name=["Sequential"])),
    "class-dense": with_config(dense),
    "class-optimizer": with_config(
        lambda config: {"module": "keras.optimizers", "class_name": "SGD", "config": {}}
    ),
    "module-number": with_config(lambda config: config.update(module=3)),
    "layers-null": with_config(lambda config: config["config"].update(layers=None)),
    "layers-empty": with_config(lambda config: config["config"].update(layers=[])),
    "layers-object": with_config(lambda config: config["config"].update(layers={"a": 1})),
    "layers-numbers": with_config(lambda config: config["config"].update(layers=[1, 2])),
    "layer-without-config": with_config(lambda config: dense(config).pop("config")),
    "layer-without-class": with_config(lambda config: dense(config).pop("class_name")),
    "same-name-twice": layer_change(4, name="conv"),
    "input-shape-text": layer_change(0, batch_shape="wide"),
    "input-shape-negative": layer_change(0, batch_shape=[None, -8, 8, 3]),
    "input-shape-small": layer_change(0, batch_shape=[None, 1, 1, 3]),
    "units-negative": layer_change(4, units=-3),
    "units-text": layer_change(4, units="three"),
    "units-more": layer_change(4, units=5),
    "activation-unknown": layer_change(4, activation="nonsense"),
    "argument-unknown": layer_change(4, colour="red"),
    "initializer-number": layer_change(4, kernel_initializer=3),
    "dtype-unknown": layer_change(4, dtype="float7"),
    "compile-unknown-loss": with_config(
        lambda config: config["compile_config"].update(loss=function("mine", "my_loss"))
    ),
    # Classes that are not there, or run code
    "unknown-class": with_layer({**OTHER}),
    "unknown-registered": with_layer({**OTHER, "module": None}),
    "unknown-of-keras": with_layer({"module": "keras.layers", "class_name": "NoSuchLayer"}),
    "private-of-keras": with_layer(
        {"module": "keras.src.utils.file_utils", "class_name": "get_file"}
    ),
    "module-os": with_layer({"module": "os", "class_name": "system"}),
    "lambda": with_layer(LAMBDA),
    "tfsm": with_layer(
        {
            "class_name": "TFSMLayer",
            "module": "keras.layers",
            "config": {"filepath": ".", "call_endpoint": "serve"},
        }
    ),
    "torch-module": with_layer(
        {"class_name": "TorchModuleWrapper", "module": "keras.layers", "config": {"module": CODE}}
    ),
    "unsafe-switch": layer_change(
        4, activation=function("keras.config", "enable_unsafe_deserialization")
    ),
    "get-file": layer_change(
        4,
        kernel_initializer={
            "module": "keras.utils",
            "class_name": "get_file",
            "config": {"fname": MARK, "origin": "file:///etc/hostname"},
        },
    ),
    "builtin-function": layer_change(4, activation=function("builtins", "eval")),
    # The weights
    "weights-text": with_members(lambda files: files.update({WEIGHTS: b"no hdf5"})),
    "weights-empty": with_members(lambda files: files.update({WEIGHTS: b""})),
    "weights-cut": with_members(lambda files: files.update({WEIGHTS: files[WEIGHTS][:2000]})),
    "weights-of-nothing": with_weights(lambda file: file.clear()),
    "layer-absent": with_weights(lambda file: file.pop("layers/dense")),
    "array-absent": with_weights(lambda file: file.pop("layers/dense/vars/1")),
    "array-more": with_weights(
        lambda file: file.update({"layers/dense/vars/2": np.zeros(3, "float32")})
    ),
    "array-transposed": replace_array((3, 2)),
    "array-scalar": replace_array(()),
    "array-of-text": replace_array((2, 3), "S4"),
    "array-external": with_weights(
        lambda file: (
            file.pop("layers/dense/vars/0"),
            file.update({"layers/dense/vars/0": h5py.ExternalLink("/etc/hostname", "/")}),
        )
    ),
    # Keras 2's format
    "h5-empty": hdf5(lambda file: None),
    "h5-config-number": hdf5(lambda file: file.attrs.update({"model_config": 3})),
    "h5-config-text": hdf5(lambda file: file.attrs.update({"model_config": "{"})),
    "h5-config-list": hdf5(lambda file: file.attrs.update({"model_config": "[]"})),
    "h5-no-weights": hdf5_layer(
        class_name="Dense", config={"units": 2, "batch_input_shape": [None, 3]}
    ),
    "h5-unknown": hdf5_layer(class_name="Mine", config={"name": "mine"}),
    "h5-lambda": hdf5_layer(
        class_name="Lambda",
        config={"function": [CODE, None, None], "function_type": "lambda", "name": "code"},
    ),
}
