"""What the weights of a file are multiplied by: means and covariances on real images."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.schema import SAME
from kerascnn.export.quantize.layer_weights import activations

_IMAGES = 32  # twice as many change little
_PLACES_PER_INPUT = 6  # over all images, for the covariance of d inputs
_FEWEST_PLACES = 32  # of one image
_TOGETHER = 8  # images whose places are multiplied at once


class Moments:
    """Of the d inputs of an output, or of each channel's d inputs in depthwise layers.

    Attributes:
        mean: Over all places and images, [d] or [channels, d].
        covariance: Over some places, [d, d] or [channels, d, d]; measured on demand.
    """

    def __init__(self) -> None:
        self._images = 0
        self._totals: Any = 0.0
        self._some: Any = 0.0
        self._squares: Any = 0.0
        self._waiting: list[np.ndarray] = []

    def add(self, windows: np.ndarray, *, depthwise: bool, covariance: bool) -> None:
        """Adds the windows of an image, [rows, columns, channels, height, width]."""
        self._images += 1
        rows, columns, channels = windows.shape[:3]
        # Weight by weight: over the windows as a whole NumPy is several times as slow.
        cells = [
            windows[..., row, column].mean(axis=(0, 1), dtype=np.float64)
            for row, column in np.ndindex(windows.shape[3:])
        ]
        mean = np.stack(cells, axis=1)
        self._totals = self._totals + (mean if depthwise else mean.T.reshape(-1))
        if not covariance:
            return
        size = mean.shape[1] if depthwise else mean.size
        wanted = max(_FEWEST_PLACES, _PLACES_PER_INPUT * size // _IMAGES)
        chosen = np.arange(0, rows * columns, max(1, rows * columns // wanted))
        some = windows[chosen // columns, chosen % columns].reshape(len(chosen), channels, -1)
        # To [channels, places, d] or [places, d].
        some = some.transpose(1, 0, 2) if depthwise else some.swapaxes(1, 2).reshape(-1, size)
        self._waiting.append(some)
        if len(self._waiting) == _TOGETHER:
            self._multiply()

    def _multiply(self) -> None:
        """Adds up the products of the places that wait."""
        if not self._waiting:
            return
        each = self._waiting[0].shape[-2]
        some = np.concatenate(self._waiting, axis=-2)
        self._waiting = []
        self._some = self._some + some.sum(axis=-2, dtype=np.float64) / each
        squares = np.swapaxes(some, -2, -1) @ some
        self._squares = self._squares + squares.astype(np.float64) / each

    @property
    def mean(self) -> np.ndarray:
        return self._totals / self._images

    @property
    def covariance(self) -> np.ndarray:
        self._multiply()
        mean = self._some / self._images
        return self._squares / self._images - mean[..., np.newaxis] * mean[..., np.newaxis, :]


def measure(
    graph: Graph,
    float_bytes: bytes,
    layers: list[tuple[Any, str]],
    with_covariance: list[bool],
    samples: np.ndarray,
) -> list[Moments]:
    """Runs some of the samples and returns the moments of each layer's inputs."""
    found = [Moments() for _ in layers]
    wanted = {int(operator.inputs[0]) for operator, _ in layers}
    for values in activations(float_bytes, samples, wanted, most=_IMAGES):
        for moments, (operator, kind), covariance in zip(
            found, layers, with_covariance, strict=True
        ):
            value = values[int(operator.inputs[0])]
            shape = graph.shape(int(operator.inputs[1]))
            if kind == "dense":
                seen = value.reshape(-1, 1, shape[-1], 1, 1)
            else:
                seen = windows(value, operator.builtinOptions, *shape[1:3])
            moments.add(seen, depthwise=kind == "depthwise", covariance=covariance)
    return found


def windows(value: np.ndarray, options: Any, height: int, width: int) -> np.ndarray:
    """What a kernel sees at each place, [rows, columns, channels, height, width], as a view.

    Args:
        value: Input of the convolution, [1, height, width, channels].
        options: `Conv2DOptions` or `DepthwiseConv2DOptions` of the file.
        height: Of the kernel, in weights.
        width: Of the kernel, in weights.
    """
    strides = (options.strideH, options.strideW)
    dilations = (options.dilationHFactor, options.dilationWFactor)
    spans = [
        (size - 1) * dilation + 1 for size, dilation in zip((height, width), dilations, strict=True)
    ]
    image = value[0]
    if options.padding == SAME:
        edges = [(0, 0)] * 3
        for axis, (length, stride, span) in enumerate(
            zip(image.shape[:2], strides, spans, strict=True)
        ):
            padding = max((-(-length // stride) - 1) * stride + span - length, 0)
            edges[axis] = (padding // 2, padding - padding // 2)
        image = np.pad(image, edges)
    view = np.lib.stride_tricks.sliding_window_view(image, tuple(spans), axis=(0, 1))
    return view[:: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]
