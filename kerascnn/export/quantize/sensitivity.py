"""Which layers an int8 file loses its accuracy in: each is quantised alone, others stay float."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.export import rewrites
from kerascnn.export.conversion.any_model import input_shape_of
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.quantize.calibration import (
    Progress,
    min_max,
    observe,
    ranges_of,
    signature,
)
from kerascnn.export.quantize.litert import rewrite
from kerascnn.export.quantize.weight_rounding import measure_inputs, round_weights
from kerascnn.export.recipes import INT8
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.samples import check_samples

if TYPE_CHECKING:
    import keras

_IMAGES = 64  # they rank layers; their number is no estimate of accuracy
_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}


@dataclass(frozen=True)
class LayerSensitivity:
    """What quantising one layer does to the outputs.

    Attributes:
        layer: Its name in the Keras model, as far as the file tells.
        operators: The layer's operators, and those without weights that follow it.
        tensors: Names of their outputs in the float file, by which recipes find them.
        error: Mean change of an output, as a share of the output range.
        agreement: Share of images whose best class stays.
    """

    layer: str
    operators: tuple[str, ...]
    tensors: tuple[str, ...]
    error: float
    agreement: float


@dataclass(frozen=True)
class Sensitivity:
    """All layers of a model.

    Attributes:
        layers: In the order of computation.
        images: How many images were looked at.
    """

    layers: tuple[LayerSensitivity, ...]
    images: int

    def worst(self, count: int) -> tuple[LayerSensitivity, ...]:
        """The layers with the largest errors, the worst first."""
        return tuple(sorted(self.layers, key=lambda layer: -layer.error)[:count])


def measure_sensitivity(
    model: "keras.Model",
    samples: np.ndarray,
    *,
    input_shape: tuple[int, int, int] | None = None,
    float_model: bytes | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Quantises each layer alone to int8 and measures how far the outputs move.

    Weights are rounded and the graph is rewritten as in the files of `export_tflite`. A layer here
    is an operator with weights and the operators without weights behind it, such as an addition or
    a hard swish. Errors of single layers do not add up exactly, but the layers with the largest
    ones are those to leave in float: `export_tflite(..., float_layers=)`.

    Args:
        model: Any Keras model with one image input and one output.
        samples: Raw images [n, height, width, channels], 0..255, such as the model will see: all
            set the ranges, up to 64 measure the errors.
        input_shape: `(height, width, channels)`, for a model that leaves its size free.
        float_model: Bytes from `convert_float(model)`, to save the conversion.
        progress: Called with (layers done, layers in all).

    Raises:
        InputError: Samples that are no raw images of the model's size.
        ExportError: Conversion or quantisation failed.
    """
    shape = input_shape_of(model, input_shape, need_size=True)
    samples = check_samples(samples, tuple(size for size in shape if size is not None))
    content = float_model if float_model is not None else convert_float(model, input_shape)
    return sensitivity_of(content, samples, progress=progress)


def sensitivity_of(
    float_bytes: bytes, samples: np.ndarray, *, progress: Progress | None = None
) -> Sensitivity:
    """As `measure_sensitivity`, of a float32 file with batch size 1."""
    images = samples[:: max(1, len(samples) // _IMAGES)][:_IMAGES]
    reference = TFLiteModel(float_bytes, threads=default_threads())
    wanted, kind = reference.predict(images), reference.kinds[0]
    scores = (kind or tasks.kind_of(wanted)) == "logits"
    unit = max(float(np.ptp(wanted)), 1e-6) if scores else 1.0
    prepared = rewrites.for_int8(float_bytes)
    pixels = signature(float_bytes)[2]
    ranges = ranges_of(observe(prepared.content, samples), min_max, pixels)
    ranges = rewrites.widened(ranges, prepared.sums)
    graph = Graph(prepared.content)
    moments = measure_inputs(graph, prepared.content, samples)
    layers = []
    groups = _groups(graph)
    for done, (layer, operators, tensors) in enumerate(groups, start=1):
        scope = only(tensors)
        rounded = round_weights(
            prepared.content, samples, scope=scope, keep=prepared.islands, moments=moments
        )
        file = rewrite(rounded, INT8, "float32", ranges, scope=scope, islands=prepared.islands)
        got = TFLiteModel(file, threads=default_threads()).predict(images)
        layers.append(
            LayerSensitivity(
                layer=layer,
                operators=operators,
                tensors=tensors,
                error=float(np.abs(got - wanted).mean()) / unit,
                agreement=float((got.argmax(-1) == wanted.argmax(-1)).mean()),
            )
        )
        if progress is not None:
            progress(done, len(groups))
    return Sensitivity(layers=tuple(layers), images=len(images))


def only(tensors: Sequence[str]) -> str:
    """The pattern of the operators that make these tensors."""
    return f"^(?:{'|'.join(map(re.escape, tensors))})(?:;|$)"


def all_but(tensors: Sequence[str]) -> str:
    """The pattern of all operators but those that make these tensors."""
    return f"^(?!(?:{'|'.join(map(re.escape, tensors))})(?:;|$))" if tensors else ".*"


def tensors_of(float_bytes: bytes, layers: Sequence[str]) -> tuple[str, ...]:
    """The tensors of layers in the form that 8 bits suit, named as `LayerSensitivity` names them.

    Raises:
        InputError: No layer of that name.
    """
    known: dict[str, tuple[str, ...]] = {}
    for name, _, tensors in (
        _groups(Graph(rewrites.for_int8(float_bytes).content)) if layers else ()
    ):
        known[name] = (*known.get(name, ()), *tensors)
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise InputError(
            f"the model has no layer {unknown[0]!r} to leave in float. Its layers with weights: "
            f"{', '.join(known)}"
        )
    return tuple(tensor for name in layers for tensor in known[name])


def _groups(graph: Graph) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """(layer, operators, tensors) of each operator with weights and what follows it."""
    groups: list[list[tuple[str, str]]] = []
    for operator in graph.operators:
        kind, tensor = graph.kind(operator), graph.name(int(operator.outputs[0]))
        if kind in _WEIGHTED or not groups:
            groups.append([])
        groups[-1].append((kind, tensor))
    return [
        (_layer(group), tuple(kind for kind, _ in group), tuple(tensor for _, tensor in group))
        for group in groups
    ]


def _layer(group: Sequence[tuple[str, Any]]) -> str:
    """The Keras layer in the name of a tensor, such as `model_1/conv1_1/Relu;model_1/...`."""
    kind, tensor = next((pair for pair in group if pair[0] in _WEIGHTED), group[0])
    parts = [part.split("/") for part in tensor.split(";") if "/" in part]
    made = [part for part in parts if re.search("conv|MatMul", part[-1], re.IGNORECASE)] or parts
    if not made:
        return f"{kind.lower()} {tensor}"
    return re.sub(r"_\d+$", "", "/".join(made[0][1:-1]) or made[0][0])
