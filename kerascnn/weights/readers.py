"""Weight files as plain arrays: layer name -> arrays, in the layer's own order."""

import io
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np

from kerascnn.errors import InputError

LayerArrays = dict[str, list[np.ndarray]]


class StateDict(dict[str, np.ndarray]):
    """Arrays of a PyTorch model, under their dotted names."""


# State that Keras saves beside the weights and that is none: dropout's random seed.
_NOT_WEIGHTS = ("seed_generator",)


def read(path: str | os.PathLike[str]) -> LayerArrays | StateDict:
    """Reads a weight file.

    Accepts `.weights.h5` and `.keras` (Keras 3), `.h5` (Keras 2, as keras.applications publishes
    them) and `.npz` (arrays named `layer/index`).

    Raises:
        InputError: No such file, an unknown kind of file, or a damaged one.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such weight file: {path}.")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return _read_keras3(io.BytesIO(archive.read("model.weights.h5")))
        if path.name.endswith(".weights.h5"):
            return _read_keras3(path)
        if path.suffix in (".h5", ".hdf5"):
            return _read_keras2(path)
        if path.suffix == ".npz":
            return _read_npz(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read weights from {path}: {error}") from error
    raise InputError(
        f"unknown kind of weight file: {path.name}. Expected .weights.h5, .keras, .h5 or .npz."
    )


def _read_keras3(source: Path | io.BytesIO) -> LayerArrays:
    layers: LayerArrays = {}

    def visit(location: str, group: h5py.Group | h5py.Dataset) -> None:
        if location.startswith("optimizer") or not isinstance(group, h5py.Group):
            return
        if not location.endswith("vars") or len(group) == 0:
            return
        name = str(group.attrs.get("name", ""))
        if name.startswith(_NOT_WEIGHTS):
            return
        if not name or name in layers:
            raise ValueError(f"the layer at {location!r} has no name of its own")
        layers[name] = [np.asarray(group[str(index)]) for index in range(len(group))]

    with h5py.File(source) as file:
        file.visititems(visit)
    if not layers:
        raise ValueError("it holds no weights in the Keras 3 format")
    return layers


def _read_keras2(path: Path) -> LayerArrays:
    with h5py.File(path) as file:
        root = file.get("model_weights", file)
        layers = {}
        for key in root.attrs["layer_names"]:
            name = key.decode() if isinstance(key, bytes) else str(key)
            names = root[name].attrs["weight_names"]
            if len(names):
                layers[name] = [np.asarray(root[name][weight]) for weight in names]
        return layers


def _read_npz(path: Path) -> LayerArrays:
    layers: LayerArrays = {}
    with np.load(path, allow_pickle=False) as arrays:
        keys = [(key.rsplit("/", 1), key) for key in arrays.files]
        for (name, index), key in sorted(keys, key=lambda item: (item[0][0], int(item[0][1]))):
            if int(index) != len(layers.setdefault(name, [])):
                raise ValueError(f"arrays of layer {name!r} are not numbered from 0")
            layers[name].append(arrays[key])
    return layers
