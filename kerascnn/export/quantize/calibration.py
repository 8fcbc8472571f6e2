"""Calibration: the range of every activation, from real images run through the float file."""

from collections.abc import Callable

import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export.quantize.clipping import CLIPPED, clipped_ranges
from kerascnn.export.quantize.litert import Range, quantizer_errors, quiet
from kerascnn.export.runtime.opening import default_threads

Progress = Callable[[int, int], None]
Seen = dict[str, np.ndarray]  # (smallest, largest) value of each image, [images, 2], by tensor name
Rule = Callable[[np.ndarray], tuple[float, float]]

_POWER_OF_TWO = 2e-3  # twice the distance of log2(scale) within which the runtime rounds it
_WIDER = 1.003  # moves log2 by twice that


def signature(float_bytes: bytes) -> tuple[str, str, str, tuple[int, ...]]:
    """Returns signature key, input name, input tensor name and (height, width, channels)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=float_bytes)
    key, names = next(iter(interpreter.get_signature_list().items()))
    detail = interpreter.get_input_details()[0]
    return key, names["inputs"][0], detail["name"], tuple(int(x) for x in detail["shape"][1:])


def observe(float_bytes: bytes, samples: np.ndarray, progress: Progress | None = None) -> Seen:
    """Runs every sample through the float file; returns each tensor's (min, max) per image.

    The runtime's own profiler keeps the two numbers, so no tensor is copied to Python: ten times
    faster than reading all of them, with the same result, and memory stays flat.
    """
    from litert_quantizer.calibrator import CalibrationMode, Calibrator

    key, name, *_ = signature(float_bytes)
    seen: dict[str, list[tuple[float, float]]] = {}
    with quantizer_errors(lambda error: f"measuring value ranges failed: {error}"), quiet():
        calibrator = Calibrator(
            float_bytes,
            num_threads=default_threads(),
            mode=CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
        for done, image in enumerate(samples, start=1):
            calibrator.reset_model_qsvs()
            calibrator.calibrate({key: [{name: image[np.newaxis].astype(np.float32)}]}, None)
            for tensor, stats in calibrator.get_model_qsvs().items():
                pair = (float(stats["min"].min()), float(stats["max"].max()))
                seen.setdefault(tensor, []).append(pair)
            if progress is not None:
                progress(done, len(samples))
    observed = {tensor: np.asarray(pairs) for tensor, pairs in seen.items()}
    broken = [tensor for tensor, pairs in observed.items() if not np.isfinite(pairs).all()]
    if broken:
        raise ExportError(
            f"the model computes values that are not finite on the samples, first in {broken[0]!r}"
        )
    return observed


def clipped(float_bytes: bytes, samples: np.ndarray, seen: Seen, calibration: str) -> Seen:
    """What was seen, less what `calibration` clips."""
    if calibration not in CLIPPED:
        return seen
    spans = {name: min_max(pairs) for name, pairs in seen.items()}
    spans = clipped_ranges(float_bytes, samples, spans, calibration)
    return {name: np.array([span]) for name, span in spans.items()}


def ranges_of(seen: Seen, rule: Rule, input_tensor: str, *, fine: bool = False) -> dict[str, Range]:
    """The range of each tensor.

    Args:
        seen: From `observe`.
        rule: `min_max` or `mean_of_extremes`.
        input_tensor: Name of the input, which holds pixels.
        fine: Whether values get 16 bits.
    """
    ranges = {}
    for tensor, pairs in seen.items():
        low, high = rule(pairs)
        ranges[tensor] = as_range(*(off_powers_of_two(low, high) if fine else (low, high)))
    # Pixels are 0..255 whatever the samples happened to hold: the input scale is exactly 1, so a
    # device copies camera bytes unchanged.
    ranges[input_tensor] = as_range(0.0, 255.0)
    return ranges


def as_range(low: float, high: float) -> Range:
    """A range in the quantiser's form."""
    return {"min": np.array([low]), "max": np.array([high])}


def min_max(pairs: np.ndarray) -> tuple[float, float]:
    """The lowest and highest value seen: nothing is clipped."""
    return float(pairs[:, 0].min()), float(pairs[:, 1].max())


def mean_of_extremes(pairs: np.ndarray) -> tuple[float, float]:
    """The mean of the images' ranges: outliers are clipped, everything else is finer.

    A tensor with one value per image, such as a single logit, has no range within an image: the
    mean of such values says nothing about how far they spread.
    """
    if np.array_equal(pairs[:, 0], pairs[:, 1]):
        return min_max(pairs)
    return float(pairs[:, 0].mean()), float(pairs[:, 1].mean())


def off_powers_of_two(low: float, high: float) -> tuple[float, float]:
    """Widens an int16 range a little where its scale is almost a power of two.

    The runtime's int16 addition takes such scales for exact powers and then refuses to add when
    an input's is the larger one. Pixels scaled to -1..1, the most common preprocessing, hit it:
    2/32767 plus a constant 1/32767.
    """
    exponent = np.log2(max(abs(low), abs(high), 1e-30) / 32767)
    if abs(exponent - round(exponent)) < _POWER_OF_TWO:
        return low * _WIDER, high * _WIDER
    return low, high
