"""Which pixels each unit of a layer sees: its receptive field as a box, from the graph."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize.inside.call_graph import graph_of, walk

# Of one unit, along height and width.
Pair = tuple["Span", "Span"]


@dataclass(frozen=True)
class Span:
    """What the units of a layer see along one axis: unit i from low + i jump to high + i jump.

    Attributes:
        low: First pixel of the first unit; negative where that is padding.
        high: Last pixel of the first unit.
        jump: Pixels between neighbouring units.
    """

    low: float
    high: float
    jump: float

    def of(self, unit: int) -> tuple[int, int]:
        """First pixel of a unit, and the one behind its last."""
        shift = unit * self.jump
        return math.floor(self.low + shift), math.ceil(self.high + shift) + 1


def receptive_box(model: keras.Model, layer: str) -> Pair:
    """Spans of the maps of a layer along height and width.

    Gates of one value per channel (squeeze-and-excite), which see the whole image, are left out.

    Args:
        model: A functional or Sequential model with one image input of known size; nested ones are
            entered.
        layer: Name of a layer that gives maps. If it is called several times, the last call counts.

    Raises:
        InputError: Another kind of model, or a layer whose units do not see windows.
    """
    graph = graph_of(model)
    if graph is None or len(graph.inputs) != 1:
        raise InputError(
            f"receptive fields need a functional or Sequential model with one input; {model.name!r}"
            f" is a {type(model).__name__}."
        )
    if None in tuple(graph.inputs[0].shape)[1:3]:
        raise InputError(
            f"{model.name!r} takes images of any size, and its paddings depend on it. Build it for "
            "one size: input_shape=(height, width, channels)."
        )
    known: dict[int, Pair | None] = {id(graph.inputs[0]): (Span(0, 0, 1), Span(0, 0, 1))}
    found: dict[str, Pair | None] = {}

    def passed(node: Any) -> Pair | None:
        return _passed(node.operation, node.arguments.keras_tensors, node.outputs[0], known)

    for node in walk(graph, known, passed):
        found[node.operation.name] = known[id(node.outputs[0])]
    spans = found.get(layer)
    if spans is None:
        raise InputError(
            f"the units of {layer!r} in {model.name!r} do not see windows of the image."
        )
    return spans


def _passed(
    operation: Any, inputs: list[Any], output: Any, spans: dict[int, Pair | None]
) -> Pair | None:
    """Spans of the output of one call; None where they are no windows."""
    if len(output.shape) != 4:
        return None
    maps = [t for t in inputs if len(t.shape) == 4 and tuple(t.shape[1:3]) != (1, 1)] or inputs
    pairs = [spans[id(tensor)] for tensor in maps]
    if any(pair is None for pair in pairs):
        return None
    height, width = (
        _axis(
            operation, axis, maps[0].shape[axis + 1], output.shape[axis + 1], _joined(pairs, axis)
        )
        for axis in (0, 1)
    )
    return None if height is None or width is None else (height, width)


def _joined(pairs: list[Any], axis: int) -> Span | None:
    """Of branches that meet: from the first pixel that any of them sees to the last."""
    spans = [pair[axis] for pair in pairs]
    if len({span.jump for span in spans}) > 1:
        return None
    return Span(min(s.low for s in spans), max(s.high for s in spans), spans[0].jump)


def _axis(operation: Any, axis: int, size: Any, result: Any, span: Span | None) -> Span | None:
    if span is None or size is None or result is None:
        return None
    if isinstance(operation, (layers.ZeroPadding2D, layers.Cropping2D)):
        crops = isinstance(operation, layers.Cropping2D)
        borders = operation.cropping if crops else operation.padding
        return _moved(span, borders[axis][0] if crops else -borders[axis][0])
    if isinstance(operation, layers.UpSampling2D) and operation.interpolation == "nearest":
        return _repeated(span, operation.size[axis])
    if type(operation).__name__ == "ConstantPadding2D":
        return _moved(span, -operation.padding)
    window = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
    if window is None:
        return span if result == size else None
    if isinstance(operation, layers.Conv2DTranspose):
        return None
    steps = getattr(operation, "strides", None) or window
    gaps = getattr(operation, "dilation_rate", None) or 1
    side, step, gap = (v if isinstance(v, int) else v[axis] for v in (window, steps, gaps))
    extent = (side - 1) * gap + 1
    before = 0
    if getattr(operation, "padding", "valid") == "same":
        before = max((result - 1) * step + extent - size, 0) // 2
    first = span.low - before * span.jump
    last = span.high + (extent - 1 - before) * span.jump
    return Span(first, last, span.jump * step)


def _moved(span: Span, units: int) -> Span:
    return Span(span.low + units * span.jump, span.high + units * span.jump, span.jump)


def _repeated(span: Span, times: int) -> Span:
    """Each unit `times` times; the box is that of the widest of them."""
    return Span(span.low - span.jump * (times - 1) / times, span.high, span.jump / times)
