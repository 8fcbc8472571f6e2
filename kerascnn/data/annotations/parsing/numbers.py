"""Numbers as annotation files hold them: also as text, as NaN, or not at all."""

import math
from typing import Any

import numpy as np

# Beyond this a coordinate is no position in any picture, and arithmetic on it overflows.
_LARGEST = 1e9


def number(value: Any) -> float | None:
    """Returns a finite number, whether written as one or as text; None if it is none."""
    if type(value) is float or type(value) is int:
        pass
    elif not isinstance(value, str) or "_" in value:
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) and abs(result) <= _LARGEST else None


def whole_number(value: Any) -> int | None:
    """Returns an integer, whether written as `3`, `3.0` or `"3"`; None if it is none."""
    result = number(value)
    return int(result) if result is not None and result == int(result) else None


def four_numbers(values: Any) -> tuple[float, float, float, float] | None:
    """Returns a list of four finite numbers as a tuple, None if it is none."""
    if not isinstance(values, (list, tuple)) or len(values) != 4:
        return None
    a, b, c, d = number(values[0]), number(values[1]), number(values[2]), number(values[3])
    if a is None or b is None or c is None or d is None:
        return None
    return a, b, c, d


def points(values: Any) -> np.ndarray | None:
    """Returns x, y, x, y... or pairs of them as float64 `[k, 2]`, None unless k >= 3 and finite."""
    try:
        array = np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    if array.ndim == 1 and array.size % 2 == 0:
        array = array.reshape(-1, 2)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3:
        return None
    if not (array.min() >= -_LARGEST and array.max() <= _LARGEST):  # NaN compares false
        return None
    return array
