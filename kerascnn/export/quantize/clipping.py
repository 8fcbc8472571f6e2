"""Ranges of activations narrower than what was seen: rare values are clipped, the others finer."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.quantize.layer_weights import activations

_BINS = 2048
_RARE = 1e-4  # share of the values that "percentile" clips at each end
_SHRINK = np.linspace(1.0, 0.3, 71)  # of the range, tried by "mse"
_STEPS = 255  # int8


def check_calibration(name: str) -> str:
    """Returns `name` where it is a way to set ranges.

    - "auto": the extremes and the mean of the images' extremes; the better one is kept.
    - "minmax": the extremes of all samples; nothing that was seen is clipped.
    - "percentile": one value in 10,000 is clipped at each end.
    - "mse": the range with the smallest mean squared error, of clipping and rounding together.

    Raises:
        InputError: Another word.
    """
    if name not in ("auto", "minmax", *CLIPPED):
        known = ", ".join(("auto", "minmax", *CLIPPED))
        raise InputError(f"calibration must be one of {known}. Received: {name!r}.")
    return name


def clipped_ranges(
    float_bytes: bytes, samples: np.ndarray, extremes: dict[str, tuple[float, float]], rule: str
) -> dict[str, tuple[float, float]]:
    """The (low, high) of each tensor by "percentile" or "mse", from a histogram of its values.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; a few dozen of them are used.
        extremes: Smallest and largest value of each tensor, by name.
        rule: "percentile" or "mse".
    """
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_content=float_bytes).get_tensor_details()
    names = {int(d["index"]): d["name"] for d in details if d["name"] in extremes}
    counts = {name: np.zeros(_BINS, np.int64) for name in names.values()}
    for values in activations(float_bytes, samples, set(names)):
        for index, value in values.items():
            low, high = extremes[names[index]]
            width = max(high - low, 1e-30) / _BINS
            bins = np.clip((value.ravel() - low) / width, 0, _BINS - 1).astype(np.int64)
            counts[names[index]] += np.bincount(bins, minlength=_BINS)
    choose = CLIPPED[rule]
    return {
        name: choose(counts[name], *span) if name in counts and counts[name].any() else span
        for name, span in extremes.items()
    }


def _percentile(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The range without the rarest values at each end."""
    edges = np.linspace(low, high, _BINS + 1)
    share = np.cumsum(counts) / counts.sum()
    first = int(np.searchsorted(share, _RARE, side="right"))
    last = int(np.searchsorted(share, 1 - _RARE, side="left"))
    return float(edges[min(first, last)]), float(edges[last + 1])


def _least_squares(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The range that keeps the values best when they are clipped to it and rounded."""
    centres = low + (np.arange(_BINS) + 0.5) * (high - low) / _BINS
    errors = []
    for shrink in _SHRINK:
        bottom, top = min(low * shrink, 0.0), max(high * shrink, 0.0)
        scale = max(top - bottom, 1e-30) / _STEPS
        clipped = np.clip(centres, bottom, top)
        rounded = bottom + np.rint((clipped - bottom) / scale) * scale
        errors.append(float((counts * (rounded - centres) ** 2).sum()))
    best = _SHRINK[int(np.argmin(errors))]
    return low * best, high * best


CLIPPED: MappingProxyType[str, Callable[[np.ndarray, float, float], tuple[float, float]]]
CLIPPED = MappingProxyType({"percentile": _percentile, "mse": _least_squares})
