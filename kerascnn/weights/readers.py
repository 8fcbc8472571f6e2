"""Weight files as plain arrays: layer name -> arrays, in the layer's own order."""

import importlib.util
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np

from kerascnn import model_file
from kerascnn.errors import InputError
from kerascnn.files import check_file

LayerArrays = dict[str, list[np.ndarray]]


class SavedLayers(LayerArrays):
    """Layer name -> arrays, and what a file of Keras says beside them of the model it is from.

    Attributes:
        layers: Every layer, with or without weights -> its kind, such as "zero_padding2d", or ""
            where only the name is known. Empty where the file lists no layers.
        config: The configuration of the model; empty where the file has none.
    """

    def __init__(
        self,
        arrays: LayerArrays,
        layers: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ):
        super().__init__(arrays)
        self.layers = dict(layers or {})
        self.config = dict(config or {})


class StateDict(dict[str, np.ndarray]):
    """Arrays of a PyTorch model, under their dotted names."""


# State that Keras saves beside the weights and that is none: dropout's random seed.
_NOT_WEIGHTS = ("seed_generator",)
# Files that PyTorch wrote. Where training scripts keep the weights among other things, and what
# data parallel training puts before each name.
_TORCH_SUFFIXES = (".pth", ".pt")
_TORCH_KEYS = ("state_dict", "model")
_PARALLEL = "module."
SUFFIXES = (".weights.h5", ".keras", ".h5", ".hdf5", ".npz", ".safetensors", *_TORCH_SUFFIXES)


def read(path: str | os.PathLike[str]) -> LayerArrays | StateDict:
    """Reads a weight file.

    Accepts `.weights.h5` and `.keras` (Keras 3), `.h5` (Keras 2, as keras.applications publishes
    them, with or without the whole model), `.npz` (arrays named `layer/index`), and the state
    dictionaries of PyTorch as `.safetensors` (needs the package safetensors) or `.pth` (needs
    PyTorch; only tensors are read, never code).

    Raises:
        InputError: No such file, an unknown kind of file, a damaged one, or a package that is not
            installed.
    """
    path = check_file(path, "weight file")
    try:
        if path.suffix == ".keras":
            config = model_file.read_config(path)
            saved = _read_keras3(io.BytesIO(model_file.read_archive(path)))
            return SavedLayers(saved, saved.layers, config)
        if path.name.endswith(".weights.h5"):
            return _read_keras3(path)
        if path.suffix in (".h5", ".hdf5"):
            return read_keras2(path)
        if path.suffix == ".npz":
            return _read_npz(path)
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        if path.suffix in _TORCH_SUFFIXES:
            return _read_torch(path)
    except InputError:
        raise
    except model_file.DAMAGE as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(
            f"cannot read weights from {path}: {lines[0][:200]}. Expected one of "
            f"{', '.join(SUFFIXES)}, whole. Copy or save the file anew."
        ) from error
    raise InputError(
        f"unknown kind of weight file: {path.name}. Expected one of {', '.join(SUFFIXES)}."
    )


def _keras2_groups(file: h5py.File) -> Iterator[tuple[str, list[np.ndarray]]]:
    root = file
    if "model_weights" in file:
        root = _own(file, "model_weights")
    for name in _attribute(root, "layer_names"):
        weights = _attribute(root[name], "weight_names")
        yield name, [_array(_own(root, name), weight) for weight in weights]


def _own(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """A member of this very file: a link may lead to any other file of the machine."""
    for part in str(name).split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name}/{part} is not in the file itself")
        group = group[part]
    return group


def _array(group: h5py.Group, name: str) -> np.ndarray:
    found = _own(group, name)
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise ValueError(f"{found.name} is no array in the file itself")
    if found.attrs.get("dtype") == "bfloat16":  # which HDF5 does not know
        return np.asarray(found).view(ml_dtypes.bfloat16).astype("float32")
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{found.name} holds no numbers")
    return np.asarray(found)


def _read_keras3(source: Path | io.BytesIO) -> SavedLayers:
    arrays: LayerArrays = {}
    layers: dict[str, str] = {}

    def visit(location: str, group: h5py.Group | h5py.Dataset) -> None:
        if location.startswith("optimizer") or not isinstance(group, h5py.Group):
            return
        if not location.endswith("vars"):
            return
        name = str(group.attrs.get("name", ""))
        if location != "vars" and name:  # that of the model itself
            kind = location.split("/")[-2]
            layers.setdefault(name, re.sub(r"_\d+$", "", kind))
        if name.startswith(_NOT_WEIGHTS) or len(group) == 0:
            return
        if not name or name in arrays:
            raise ValueError(f"the layer at {location!r} has no name of its own")
        arrays[name] = [_array(group, str(index)) for index in range(len(group))]

    with h5py.File(source) as file:
        file.visititems(visit)
    if not arrays:
        raise ValueError("it holds no weights in the Keras 3 format")
    return SavedLayers(arrays, layers)


def read_keras2(path: Path) -> SavedLayers:
    """The layers of a file in Keras 2's format, in its order."""
    with h5py.File(path) as file:
        groups = list(_keras2_groups(file))
        whole = "model_config" in file.attrs
    config = model_file.read_config(path) if whole else None
    arrays = {name: values for name, values in groups if values}
    return SavedLayers(arrays, {name: "" for name, _ in groups}, config)


def _attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names; Keras cuts one that is too long for HDF5 into `name0`, `name1` ..."""
    if name in group.attrs:
        values = list(group.attrs[name])
    elif f"{name}0" in group.attrs:
        values, part = [], 0
        while f"{name}{part}" in group.attrs:
            values += list(group.attrs[f"{name}{part}"])
            part += 1
    else:
        raise KeyError(f"it has no {name}, as a Keras 2 weight file would")
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _read_npz(path: Path) -> LayerArrays:
    layers: LayerArrays = {}
    with np.load(path, allow_pickle=False) as arrays:
        keys = [(key.rsplit("/", 1), key) for key in arrays.files]
        for (name, index), key in sorted(keys, key=lambda item: (item[0][0], int(item[0][1]))):
            if int(index) != len(layers.setdefault(name, [])):
                raise ValueError(f"arrays of layer {name!r} are not numbered from 0")
            layers[name].append(arrays[key])
    return layers


def _read_safetensors(path: Path) -> StateDict:
    if importlib.util.find_spec("safetensors") is None:
        raise InputError(
            f"reading {path.name} needs the package safetensors: pip install 'kerascnn[hub]'."
        )
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    return _state_dict(arrays)


def _read_torch(path: Path) -> StateDict:
    if importlib.util.find_spec("torch") is None:
        raise InputError(
            f"reading {path.name} needs PyTorch: pip install torch. Where the same weights exist "
            "as .safetensors, these need no PyTorch."
        )
    import pickle

    import torch

    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"it holds more than tensors, or is damaged ({error})") from error
    for key in _TORCH_KEYS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(map(torch.is_tensor, content.values())):
        raise ValueError("it holds no state dictionary: names with tensors")
    floating = {k: v.float() if v.is_floating_point() else v for k, v in content.items()}
    return _state_dict({name: tensor.numpy() for name, tensor in floating.items()})


def _state_dict(arrays: dict[str, np.ndarray]) -> StateDict:
    """Floating point as float32, and names as the bare model has them."""
    if not arrays:
        raise ValueError("it holds no tensors")
    parallel = all(name.startswith(_PARALLEL) for name in arrays)
    return StateDict(
        (
            name.removeprefix(_PARALLEL) if parallel else name,
            value if value.dtype.kind in "iub" else value.astype("float32"),
        )
        for name, value in arrays.items()
    )
