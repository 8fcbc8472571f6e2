"""Driving `litert_quantizer`: a recipe and known ranges in, a file out."""

import contextlib
import io as text_io
import logging
import os
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.export.flatbuffer.reading import one_line
from kerascnn.export.quantize.large_kernels import large_kernels
from kerascnn.export.recipes import Io, Recipe

if TYPE_CHECKING:
    from litert_quantizer.quantizer import Quantizer

Range = dict[str, np.ndarray]  # "min" and "max" of one tensor, in the quantiser's form

# What the quantiser and its interpreter raise on purpose.
_ITS_OWN = (ValueError, RuntimeError, NotImplementedError)
_QUANTIZER = ("litert_quantizer", "ai_edge_litert")
_STUMBLES = (TypeError, LookupError, AttributeError)  # and what happens to it


@contextlib.contextmanager
def quantizer_errors(told: Callable[[Exception], str]) -> Iterator[None]:
    """Turns what the quantiser raises into an ExportError with the message `told` makes of it.

    A mistake of ours in the same call stays what it is.
    """
    try:
        yield
    except (*_ITS_OWN, *_STUMBLES) as error:
        if isinstance(error, _STUMBLES) and not _is_in_quantizer(error):
            raise
        raise ExportError(told(error)) from error


def _is_in_quantizer(error: Exception) -> bool:
    """Whether the quantiser's code, or what it called, raised the error; not ours."""
    frames = traceback.walk_tb(error.__traceback__)
    packages = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in frames]
    return [name for name in packages if name in ("kerascnn", *_QUANTIZER)][-1] in _QUANTIZER


def rewrite(
    float_bytes: bytes,
    recipe: Recipe,
    io: Io,
    ranges: Mapping[str, Range] | None,
    *,
    scope: str = ".*",
    islands: Sequence[str] = (),
) -> bytes:
    """Returns a float file rewritten by `recipe` with known ranges.

    Args:
        float_bytes: A float32 file with batch size 1.
        recipe: The recipe.
        io: Input and output type, one that the recipe has.
        ranges: Of each tensor, for recipes that need them.
        scope: Pattern of the operators to quantise, by the names of what they make.
        islands: Names of what operators make that stay in float32 nevertheless.

    Raises:
        ExportError: The quantiser cannot handle the model.
    """

    def told(error: Exception) -> str:
        return f"recipe {recipe.name} cannot quantise this model: {_reason(float_bytes, error)}"

    with quantizer_errors(told), quiet(), large_kernels():
        quantizer = _configured(float_bytes, recipe, io, scope, islands)
        result = quantizer.quantize(
            None if ranges is None else dict(ranges),
            enable_progress_bar=False,
            enable_progress_report=False,
        )
    return bytes(result.quantized_model)


def _reason(float_bytes: bytes, error: Exception) -> str:
    """Why, and what may do instead."""
    if ("WHILE", False) in TFLiteFile(float_bytes).operator_counts:
        return (
            "it has a loop in it, as of a recurrent layer, whose values calibration does not see. "
            "Give the layer unroll=True, or take float32 or float16."
        )
    return f"{one_line(error)[:160]}. Try float16 or weight_only_int8."


def _configured(
    float_bytes: bytes, recipe: Recipe, io: Io, scope: str, islands: Sequence[str]
) -> "Quantizer":
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.quantizer import Quantizer

    quantizer = Quantizer(float_bytes)
    every = qtyping.TFLOperationName.ALL_SUPPORTED
    if recipe.weights == "float16":
        quantizer.add_weight_only_config(
            scope, every, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING
        )
    elif recipe.name == "dynamic_int8":
        quantizer.add_dynamic_config(scope, every, num_bits=8)
    elif recipe.activations == "float32":
        quantizer.add_weight_only_config(scope, every, num_bits=8)
    else:
        bits = {"int8": 8, "int16": 16}[recipe.activations]
        quantizer.add_static_config(scope, every, activation_num_bits=bits, weight_num_bits=8)
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


class _QuantizerNotes:
    """Keeps out of the user's log what the quantiser notes on the root logger below warnings.

    Only what it logs itself, and only as long as some thread is quantising. A root logger without
    handlers gets Python's handler of last resort meanwhile, as it has anyway: `logging.info` would
    give it one for ever, and to a stream that `quiet` puts in the place of the terminal.
    """

    _lock = threading.Lock()
    _users = 0
    _lent: logging.Handler | None = None

    def __enter__(self) -> None:
        kind, root = type(self), logging.getLogger()
        with kind._lock:
            kind._users += 1
            if kind._users == 1:
                root.addFilter(kind._passes)
                kind._lent = None if root.handlers else logging.lastResort
                if kind._lent is not None:
                    root.addHandler(kind._lent)

    def __exit__(self, *_: object) -> None:
        kind, root = type(self), logging.getLogger()
        with kind._lock:
            kind._users -= 1
            if kind._users == 0:
                root.removeFilter(kind._passes)
                if kind._lent is not None:
                    root.removeHandler(kind._lent)

    @staticmethod
    def _passes(record: logging.LogRecord) -> bool:
        its_own = f"{os.sep}litert_quantizer{os.sep}" in record.pathname
        return record.levelno >= logging.WARNING or not its_own


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back the quantiser's progress bars and notes, and the interpreter's warnings."""
    with (
        _QuantizerNotes(),
        contextlib.redirect_stdout(text_io.StringIO()),
        contextlib.redirect_stderr(text_io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
