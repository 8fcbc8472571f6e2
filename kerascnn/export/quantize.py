"""Quantisation of a float TFLite file: fewer bits for weights, and for activations by recipe.

The work is done by `litert_quantizer`; this module decides what the ranges are measured on and
how: each activation's range comes from real images, the input range is pinned to the pixel range
0..255, and of two ways to read the measurements, each with and without correction of the biases,
the one closest to the float file is kept.
"""

import contextlib
import io as text_io
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import BundleError, ExportError, InputError
from kerascnn.export import rewrites
from kerascnn.export.bias_correction import correct_biases
from kerascnn.export.recipes import Io, Recipe, get
from kerascnn.export.samples import check_samples

if TYPE_CHECKING:
    from litert_quantizer.quantizer import Quantizer

Progress = Callable[[int, int], None]
Range = dict[str, np.ndarray]  # "min" and "max" of one tensor, in the quantiser's form

_SCORED = 64  # images that decide between two ways of setting ranges; enough to rank them
_POWER_OF_TWO = 2e-3  # twice the distance of log2(scale) within which the runtime rounds it
_WIDER = 1.003  # moves log2 by twice that
_QUANTIZER_ERRORS = (
    ValueError,
    TypeError,
    RuntimeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
)


def quantize(
    float_bytes: bytes,
    recipe: str | Recipe,
    samples: np.ndarray | None = None,
    io: str = "uint8",
    *,
    progress: Progress | None = None,
) -> bytes:
    """Returns a float TFLite file rewritten by `recipe`.

    Args:
        float_bytes: A float32 file with batch size 1, as `convert_float` returns.
        recipe: A recipe or its name; `float32` returns the bytes as they are.
        samples: Raw images [n, height, width, channels], 0..255, for recipes that measure
            ranges. All of them are used, one at a time.
        io: Input and output type for recipes that offer several (`Recipe.choose_io`).
        progress: Called with (images done, images in all) while ranges are measured.

    Raises:
        InputError: The recipe needs samples and has none, or they are not raw images of the
            model's size.
        ExportError: The quantiser cannot handle the model.
    """
    recipe = get(recipe)
    chosen = recipe.choose_io(io)
    if recipe.name == "float32":
        return float_bytes
    if not recipe.needs_samples:
        return _rewrite(float_bytes, recipe, chosen, None)
    if samples is None:
        raise InputError(
            f"recipe {recipe.name} measures value ranges on real images: pass samples=, a uint8 "
            "array [n, height, width, channels] of 100 to 500 images like those it will see"
        )
    key, name, tensor, shape = _signature(float_bytes)
    samples = check_samples(samples, shape)
    prepared = rewrites.Prepared(float_bytes)
    if recipe.activations == "int8":
        prepared = rewrites.for_int8(float_bytes)
        float_bytes = prepared.content
    observed = _observe(float_bytes, samples, key, name, progress)
    # 16 bits have range to spare: clipping can only hurt there, so there is nothing to compare.
    fine = recipe.activations == "int16"
    corrected = correct_biases(float_bytes, samples, prepared.islands)
    candidates = [
        _rewrite(
            content,
            recipe,
            chosen,
            rewrites.widened(_ranges(observed, reduce, tensor, fine=fine), prepared.sums),
            prepared.islands,
        )
        for reduce in ((_extremes,) if fine else (_extremes, _typical))
        for content in (float_bytes, corrected)
    ]
    try:
        return _closest(float_bytes, candidates, samples)
    except BundleError as error:
        raise ExportError(
            f"recipe {recipe.name} gives a file that the TFLite runtime refuses: {error}. "
            "Try int8, float16 or weight_only_int8."
        ) from error


def default_threads() -> int:
    """CPU threads for measuring: all there are, up to four."""
    return min(4, os.cpu_count() or 1)


def _signature(float_bytes: bytes) -> tuple[str, str, str, tuple[int, ...]]:
    """Returns signature key, input name, input tensor name and (height, width, channels)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=float_bytes)
    key, names = next(iter(interpreter.get_signature_list().items()))
    detail = interpreter.get_input_details()[0]
    return key, names["inputs"][0], detail["name"], tuple(int(x) for x in detail["shape"][1:])


def _rewrite(
    float_bytes: bytes,
    recipe: Recipe,
    io: Io,
    ranges: dict[str, Range] | None,
    islands: Sequence[str] = (),
) -> bytes:
    try:
        with _quiet():
            quantizer = _configured(float_bytes, recipe, io, islands)
            result = quantizer.quantize(
                ranges, enable_progress_bar=False, enable_progress_report=False
            )
            return bytes(result.quantized_model)
    except _QUANTIZER_ERRORS as error:
        raise ExportError(
            f"recipe {recipe.name} cannot quantise this model: {error or type(error).__name__}. "
            "Try float16 or weight_only_int8."
        ) from error


def _configured(float_bytes: bytes, recipe: Recipe, io: Io, islands: Sequence[str]) -> "Quantizer":
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.quantizer import Quantizer

    quantizer = Quantizer(float_bytes)
    every = qtyping.TFLOperationName.ALL_SUPPORTED
    if recipe.weights == "float16":
        quantizer.add_weight_only_config(
            ".*", every, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING
        )
    elif recipe.name == "dynamic_int8":
        quantizer.add_dynamic_config(".*", every, num_bits=8)
    elif recipe.activations == "float32":
        quantizer.add_weight_only_config(".*", every, num_bits=8)
    else:
        bits = {"int8": 8, "int16": 16}[recipe.activations]
        quantizer.add_static_config(".*", every, activation_num_bits=bits, weight_num_bits=8)
        for edge in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
            if io == "float32":
                quantizer.update_quantization_recipe(
                    ".*", edge, algorithm_key=AlgorithmName.NO_QUANTIZE
                )
            elif io == "uint8":
                quantizer.update_quantization_recipe(".*", edge, _uint8_edge())
        for name in islands:  # the quantiser ends each name with a semicolon
            quantizer.update_quantization_recipe(
                f"^{re.escape(name)};$", every, algorithm_key=AlgorithmName.NO_QUANTIZE
            )
    return quantizer


def _uint8_edge() -> Any:
    """The quantiser's setting for an input or output kept in unsigned bytes."""
    from litert_quantizer import qtyping

    return qtyping.OpQuantizationConfig(
        activation_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT
        ),
        weight_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
        ),
        compute_precision=qtyping.ComputePrecision.INTEGER,
        explicit_dequantize=False,
    )


def _observe(
    float_bytes: bytes, samples: np.ndarray, key: str, name: str, progress: Progress | None
) -> dict[str, np.ndarray]:
    """Runs every sample through the float file; returns each tensor's (min, max) per image.

    The runtime's own profiler keeps the two numbers, so no tensor is copied to Python: ten times
    faster than reading all of them, with the same result, and memory stays flat.
    """
    from litert_quantizer.calibrator import CalibrationMode, Calibrator

    seen: dict[str, list[tuple[float, float]]] = {}
    try:
        with _quiet():
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
    except _QUANTIZER_ERRORS as error:
        raise ExportError(f"measuring value ranges failed: {error}") from error
    observed = {tensor: np.asarray(pairs) for tensor, pairs in seen.items()}
    broken = [tensor for tensor, pairs in observed.items() if not np.isfinite(pairs).all()]
    if broken:
        raise ExportError(
            f"the model computes values that are not finite on the samples, first in {broken[0]!r}"
        )
    return observed


def _ranges(
    observed: dict[str, np.ndarray],
    reduce: Callable[[np.ndarray], tuple[float, float]],
    input_tensor: str,
    *,
    fine: bool,
) -> dict[str, Range]:
    ranges = {}
    for tensor, pairs in observed.items():
        low, high = reduce(pairs)
        ranges[tensor] = _as_range(*(_off_powers_of_two(low, high) if fine else (low, high)))
    # Pixels are 0..255 whatever the samples happened to hold: the input scale is exactly 1, so a
    # device copies camera bytes unchanged.
    ranges[input_tensor] = _as_range(0.0, 255.0)
    return ranges


def _as_range(low: float, high: float) -> Range:
    return {"min": np.array([low]), "max": np.array([high])}


def _extremes(pairs: np.ndarray) -> tuple[float, float]:
    """The widest range seen: nothing is clipped."""
    return float(pairs[:, 0].min()), float(pairs[:, 1].max())


def _typical(pairs: np.ndarray) -> tuple[float, float]:
    """The mean of the images' ranges: outliers are clipped, everything else is finer."""
    return float(pairs[:, 0].mean()), float(pairs[:, 1].mean())


def _closest(float_bytes: bytes, candidates: list[bytes], samples: np.ndarray) -> bytes:
    """Returns the candidate whose outputs differ least from the float file, on a few samples."""
    from kerascnn.export.interpreter import TFLiteModel

    step = max(1, len(samples) // _SCORED)
    images = samples[::step][:_SCORED]
    files = [TFLiteModel(file, threads=default_threads()) for file in candidates]
    if len(files) == 1:
        return candidates[0]
    wanted = TFLiteModel(float_bytes, threads=default_threads()).predict(images)
    errors = [np.abs(file.predict(images) - wanted).mean() for file in files]
    return candidates[int(np.argmin(errors))]


def _off_powers_of_two(low: float, high: float) -> tuple[float, float]:
    """Widens an int16 range a little where its scale is almost a power of two.

    The runtime's int16 addition takes such scales for exact powers and then refuses to add when
    an input's is the larger one. Pixels scaled to -1..1, the most common preprocessing, hit it:
    2/32767 plus a constant 1/32767.
    """
    exponent = np.log2(max(abs(low), abs(high), 1e-30) / 32767)
    if abs(exponent - round(exponent)) < _POWER_OF_TWO:
        return low * _WIDER, high * _WIDER
    return low, high


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back the quantiser's progress bars and the interpreter's warnings."""
    with (
        contextlib.redirect_stdout(text_io.StringIO()),
        contextlib.redirect_stderr(text_io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
