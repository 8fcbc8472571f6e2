"""The images callers hand to export: checked before anything slow begins."""

from typing import Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import received
from kerascnn.inputs.images import stacked

_SYNTHETIC = 10


def check_samples(samples: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Returns `samples` as an array of raw images of `shape` (height, width, channels).

    They may be an array or tensor, a list of images, or batches of images or of (images, labels),
    such as a `tf.data.Dataset`, of up to 1 GiB.

    Raises:
        InputError: Wrong rank, size or type, no images, values outside 0..255 or not finite, or
            floats that were scaled to 0..1.
    """
    given, samples = samples, stacked(samples, "samples")
    if samples.ndim != 4 or samples.shape[1:] != tuple(shape):
        expected = "n, " + ", ".join(str(length) for length in shape)
        what = received(given) if not samples.ndim else f"the shape {list(samples.shape)}"
        raise InputError(f"samples must have shape [{expected}]. Received: {what}.")
    if not len(samples):
        raise InputError("samples holds no image")
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype.kind not in "iuf":
        raise InputError(
            f"samples must be uint8 or float pixels 0..255. Received: {samples.dtype}."
        )
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("samples holds values that are not finite numbers")
    if low < 0 or high > 255 or (samples.dtype.kind == "f" and 0 < high <= 1):
        raise InputError(
            f"samples must be raw pixels 0..255, got values from {low:g} to {high:g}. A model that "
            "takes scaled pixels needs its scaling inside: put keras.layers.Rescaling before it."
        )
    return samples


def synthetic_images(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Returns seeded uint8 images [10, *shape]: noise, smooth colour, black and white."""
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    noise = rng.integers(0, 256, (4, *shape), dtype=np.uint8)
    rows = np.linspace(0, np.pi, height)[:, np.newaxis, np.newaxis]
    columns = np.linspace(0, np.pi, width)[np.newaxis, :, np.newaxis]
    waves = []
    for _ in range(_SYNTHETIC - 6):
        speed, phase = rng.uniform(0.5, 3, (2, channels)), rng.uniform(0, 6, (2, channels))
        wave = np.sin(speed[0] * rows + phase[0]) * np.sin(speed[1] * columns + phase[1])
        waves.append(np.rint(127.5 + 127.5 * wave).astype(np.uint8))
    flat = [np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)]
    return np.concatenate([noise, np.stack(waves), np.stack(flat)])
