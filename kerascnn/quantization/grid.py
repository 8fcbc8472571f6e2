"""Rounding to the 8-bit grids of a TFLite file, with a gradient.

A grid is what an int8 tensor can hold: 256 values `scale * (q - zero_point)` for activations, 255
values `scale * q` for weights. Rounding has no useful gradient, so the gradient of the output is
passed to the input as it is, inside the range of the grid (the straight-through estimator,
arXiv:1308.3432; for networks, Jacob et al. 2018, arXiv:1712.05877, section 3).
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

Tensor = Any

LOWEST, HIGHEST = -128, 127  # activations
LEVELS = 127  # weights: symmetric, -127 to 127
_SMALLEST_RANGE = 1e-9  # as the quantiser of the file: a scale is never 0


def round_activations(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Rounds `x` to the grid of an asymmetric int8 tensor whose range is `low` to `high`.

    The range is widened to hold 0, and moved by less than a step so that 0 is on the grid.

    Args:
        x: float32, any shape.
        low: Scalar.
        high: Scalar.
    """
    scale, zero_point = _grid(low, high)
    inside = ops.clip(x, (LOWEST - zero_point) * scale, (HIGHEST - zero_point) * scale)
    steps = ops.clip(ops.round(x / scale) + zero_point, LOWEST, HIGHEST)
    return inside + ops.stop_gradient((steps - zero_point) * scale - inside)


def round_weights(weights: Tensor, axes: Sequence[int]) -> Tensor:
    """Rounds `weights` to symmetric int8, one scale for each output channel.

    A channel times a number gives the integers of the channel: batch normalisation may therefore
    be folded into the weights before or after they are rounded, with the same result.

    Args:
        weights: float32, any shape.
        axes: The axes of one output channel; its largest magnitude becomes 127 steps.
    """
    largest = ops.max(ops.abs(weights), axis=tuple(axes), keepdims=True)
    scale = ops.maximum(largest, _SMALLEST_RANGE) / LEVELS
    return weights + ops.stop_gradient(ops.round(weights / scale) * scale - weights)


def exact_range(low: float, high: float) -> tuple[float, float]:
    """The smallest and the largest value on the grid of `round_activations`."""
    bounds = (ops.convert_to_tensor(bound, "float32") for bound in (low, high))
    scale, zero_point = (float(ops.convert_to_numpy(part)) for part in _grid(*bounds))
    return (LOWEST - zero_point) * scale, (HIGHEST - zero_point) * scale


def _grid(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and zero point."""
    low, high = ops.minimum(low, 0.0), ops.maximum(high, 0.0)
    scale = ops.maximum(high - low, _SMALLEST_RANGE) / (HIGHEST - LOWEST)
    return scale, ops.round(LOWEST - low / scale)
