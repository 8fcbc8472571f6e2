"""Same weights, other implementation, equal output: shared by the numerics tests."""

import zlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

from kerascnn import weights


def deterministic(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers that depend on a parameter's name and shape only, in any library.

    Kernels keep the variance of their input; variances and gammas stay near 1.
    """
    rng = np.random.default_rng(zlib.crc32(f"{name}{tuple(shape)}".encode()))
    if len(shape) > 1:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape) / max(shape))).astype("float32")
    if name.endswith(("running_var", "moving_variance", "gamma")) or "norm" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")


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
    """The weights of a Keras model by layer name, as the reader of its files gives them."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    return {layer.name: layer.get_weights() for layer in layers if layer.weights}


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


def compare_with_keras(
    ours: keras.Model,
    theirs: keras.Model,
    family: str,
    preprocess: Callable[[np.ndarray], np.ndarray],
    taps: Mapping[str, str] | None = None,
    prepare: Callable[[keras.Model], None] | None = None,
) -> dict[str, float]:
    """Loads the (randomised) weights of `theirs` into `ours` and compares, raw pixels into ours.

    Args:
        ours: Our model, with its preprocessing.
        theirs: The model of keras.applications.
        family: Family of the catalogue.
        preprocess: Their `preprocess_input`.
        taps: Our layer name -> theirs, for intermediate outputs.
        prepare: Called with `theirs` after it got its random weights.

    Returns:
        `difference` of the outputs ("output") and of every tap.
    """
    randomize(theirs)
    if prepare is not None:
        prepare(theirs)
    weights.load(ours, arrays_of(theirs), family=family)
    images = pixels(tuple(ours.input_shape[1:]))
    taps = dict(taps or {})
    mine = keras.Model(ours.inputs, [ours.output, *(ours.get_layer(n).output for n in taps)])
    other = keras.Model(
        theirs.inputs, [theirs.output, *(theirs.get_layer(n).output for n in taps.values())]
    )
    got = mine.predict_on_batch(images)
    wanted = other.predict_on_batch(preprocess(images.copy()))
    return {
        name: difference(a, b) for name, a, b in zip(["output", *taps], got, wanted, strict=True)
    }
