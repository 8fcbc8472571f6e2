"""Same weights, other implementation, equal output: shared by the numerics tests."""

import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from golden import recording

from kerascnn import catalog, weights
from kerascnn.weights.apply import match
from kerascnn.weights.readers import LayerArrays, StateDict

# Largest difference that passes, as a share of the output's range.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How far a model of ours is from another implementation with the same weights.

    Attributes:
        peer: The other implementation.
        differences: `difference` by output: "scores", and the names of our layers.
    """

    peer: str
    differences: dict[str, float]


def randomize(model: keras.Model, seed: int = 0) -> None:
    """Gives every weight a random value, moving statistics and biases too."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape, name = tuple(variable.shape), variable.path.rsplit("/", 1)[-1]
        if "seed" in name:
            continue
        if name in ("gamma", "moving_variance"):
            value = rng.uniform(0.7, 1.3, shape)
        elif len(shape) < 2:
            value = rng.normal(0, 0.1, shape)
        else:  # He: keeps the variance through ReLU
            depthwise = "depthwise" in variable.path
            fan_in = np.prod(shape[:2]) if depthwise else np.prod(shape[:-1])
            value = rng.normal(0, np.sqrt(2 / fan_in), shape)
        variable.assign(value.astype("float32"))


def arrays_of(model: keras.Model) -> dict[str, list[np.ndarray]]:
    """The weights of a Keras model by layer name, in the order of the reader of its files."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    arrays = {layer.name: layer.get_weights() for layer in layers if layer.weights}
    return dict(sorted(arrays.items()))


def pixels(shape: tuple[int, ...], count: int = 2, seed: int = 1) -> np.ndarray:
    """Raw images: float32, whole numbers in 0..255."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape)).astype("float32")


def difference(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, as a share of the range of what is wanted."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape:
        raise AssertionError(f"shapes differ: {got.shape} and {wanted.shape}")
    return float(np.abs(got - wanted).max() / max(1e-12, np.ptp(wanted)))


def infer(model: keras.Model, images: np.ndarray) -> Any:
    """What a model gives for a batch, layer by layer: compiling a graph takes longer."""
    return keras.tree.map_structure(np.asarray, model(images, training=False))


def outputs(model: keras.Model, names: Iterable[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """What the named layers give for a batch, in one pass; "scores" are what the model gives."""
    names = list(names)
    known = {"scores": model.output}
    if isinstance(model.output, dict):  # auxiliary classifiers beside the main one
        known = {**model.output, "scores": model.output["predictions"]}
    tensors = [known[name] if name in known else model.get_layer(name).output for name in names]
    return dict(zip(names, infer(keras.Model(model.input, tensors), images), strict=True))


def compare_with_keras(
    ours: keras.Model,
    theirs: keras.Model,
    family: str,
    preprocess: Callable[[np.ndarray], np.ndarray] = lambda images: images,
    taps: Mapping[str, str] | None = None,
    prepare: Callable[[keras.Model], None] | None = None,
    files: bool = False,
) -> Comparison:
    """Loads the (randomised) weights of `theirs` into `ours` and compares, raw pixels into ours.

    Args:
        ours: Our model, with its preprocessing.
        theirs: The model of keras.applications.
        family: Family of the catalogue.
        preprocess: Their `preprocess_input`; by default they take raw pixels too.
        taps: Our layer name -> theirs, for feature maps.
        prepare: Called with `theirs` after it got its random weights.
        files: Check that files of every format of Keras bring the same weights. For small
            networks: names and order of the layers are those that `ours` is loaded with anyway.
    """
    randomize(theirs)
    if prepare is not None:
        prepare(theirs)
    weights.load(ours, arrays_of(theirs), family=family)
    if files:
        check_files(ours, theirs, family)
    images = pixels(tuple(ours.input_shape[1:]))
    prepared = preprocess(images.copy())
    pairs = {"scores": "scores", **(taps or {})}
    got = outputs(ours, pairs, images)
    wanted = outputs(theirs, pairs.values(), prepared)
    return Comparison(
        f"keras.applications {keras.__version__}",
        {mine: difference(got[mine], wanted[name]) for mine, name in pairs.items()},
    )


def check_files(ours: keras.Model, theirs: keras.Model, family: str) -> None:
    """Saves `theirs` in every format, and finds in each file the weights that `ours` has now."""
    targets = {layer.name: layer for layer in ours.layers if layer.weights}
    request = weights.Request(catalog.find(ours.name).name, "predictions" in targets)
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras on its format `.h5`
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("model.weights.h5", "model.h5", "model.keras"):
            path = Path(folder) / kind
            theirs.save_weights(path) if ".weights." in kind else theirs.save(path)
            read = weights.find(path, request).arrays
            found, _ = match(targets, read, family, head="predictions", what=(kind, ours.name))
            for name, layer in targets.items():
                for got, expected in zip(found[name], layer.get_weights(), strict=True):
                    np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=f"{kind} {name}")


def compare_with_golden(
    model: keras.Model,
    name: str,
    family: str,
    convert: Callable[[Mapping[str, np.ndarray]], StateDict | LayerArrays] = StateDict,
) -> Comparison:
    """Loads the weights of a golden file and compares with what it holds, all of it.

    Args:
        model: Ours. A model with several outputs calls the main one "predictions".
        name: Of the file.
        family: Family of the catalogue.
        convert: From the file's parameters to what `weights.load` takes.
    """
    golden = recording.read(name)
    report = weights.load(model, convert(golden.state), family=family)
    if report.reinitialised or report.unused:
        raise AssertionError(f"not all weights were used: {report}")
    differences = {}
    for name, value in outputs(model, golden.outputs, golden.images).items():
        got = recording.averages(value) if value.ndim == 4 else [value]
        wanted = golden.outputs[name]
        differences[name] = max(difference(a, b) for a, b in zip(got, wanted, strict=True))
    return Comparison(golden.peer, differences)


def by_our_names(
    state: Mapping[str, np.ndarray], flattened: tuple[int, int, int] | None = None
) -> LayerArrays:
    """PyTorch parameters that carry the names of our layers, in the shapes of Keras.

    `flattened` is the (height, width, channels) that the layer `fc6` takes, channels first there.
    """
    layers: LayerArrays = {}
    for key, value in state.items():
        layer, _, part = key.rpartition(".")
        if layer == "fc6" and part == "weight" and flattened:
            height, width, channels = flattened
            value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
            value = value.reshape(len(value), -1)
        if value.ndim > 1:
            value = np.moveaxis(value, (0, 1), (-1, -2))
        layers.setdefault(layer, []).append(value[None, None] if part == "slope" else value)
    return layers
