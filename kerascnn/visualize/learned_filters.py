"""The kernels of a convolution, as pictures."""

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.inside.taps import find_layer, layers_of
from kerascnn.visualize.pictures.tiles import around_gray, mosaic, new_figure, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@keras_words()
def filters(model: keras.Model, layer: str | None = None, *, together: bool = False) -> np.ndarray:
    """Kernels of a convolution, scaled for display: 0 is gray.

    Args:
        model: Any model; nested ones are entered.
        layer: Name of the layer; None takes the first convolution.
        together: One scale for all filters, so that strong ones stand out; False gives each its
            own.

    Returns:
        float32 `[filters, height, width, inputs]` in 0..1. A depthwise convolution has one filter
        per map and multiplier, each with one input; a grouped one filters with the inputs of their
        group.

    Raises:
        InputError: No such layer, or a layer without two-dimensional kernels.
    """
    source = _first_convolution(model) if layer is None else find_layer(model, layer)
    kernel = _kernel(source)
    if kernel is None:
        raise InputError(
            f"the layer {source.name!r} is a {type(source).__name__}: it has no kernels [height, "
            "width, inputs, filters]. Name a convolution."
        )
    return around_gray(np.moveaxis(kernel, -1, 0), None if together else (1, 2, 3))


@keras_words()
def plot_filters(
    kernels: np.ndarray | keras.Model,
    columns: int | None = None,
    title: str = "",
    most: int = 16,
    *,
    layer: str | None = None,
) -> "Figure":
    """Draws filters, in colours where they have three inputs.

    With another number of inputs there is a row per filter, of its weights for each input.

    Args:
        kernels: `[filters, height, width, inputs]` in 0..1, of `filters`; or a model, for those of
            its first convolution. For a network that takes blue, green and red turn the last axis:
            `kernels[..., ::-1]`.
        columns: Filters in a row, where they have one or three inputs.
        title: Above the picture.
        most: Filters and inputs drawn of a layer with another number of inputs; the first ones.
        layer: Name of another layer of the model.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Arrays of another shape, or what `filters` raises.
    """
    if isinstance(kernels, keras.Model):
        kernels = filters(kernels, layer)
    elif layer is not None:
        raise InputError("`layer` is a layer of a model. Received: the kernels themselves.")
    kernels = numbers(kernels, "the kernels")
    if kernels.ndim != 4 or not kernels.size:
        raise InputError(
            "expected kernels [filters, height, width, inputs], or a model. Received the shape "
            f"{kernels.shape}."
        )
    inputs = kernels.shape[-1]
    if inputs not in (1, 3):
        kernels = np.moveaxis(kernels[:most, ..., :most], -1, 1)
        columns = kernels.shape[1]
        kernels = kernels.reshape(-1, *kernels.shape[2:])[..., None]
    picture = mosaic(kernels, columns)
    height, width = picture.shape[:2]
    figure = new_figure(6, max(0.6, 6 * height / width) + 0.35 * bool(title))
    show(figure.add_subplot(1, 1, 1), picture, title)
    return figure


def has_kernels(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a convolution with kernels that can be seen."""
    return _kernel(layer) is not None


def _first_convolution(model: keras.Model) -> keras.layers.Layer:
    found = next((layer for layer in layers_of(model) if has_kernels(layer)), None)
    if found is None:
        raise InputError(f"the model {model.name!r} has no convolution with kernels to show.")
    return found


def _kernel(layer: keras.layers.Layer) -> np.ndarray | None:
    """The kernel `[height, width, inputs, filters]`, or None."""
    if isinstance(layer, keras.layers.SeparableConv2D):
        kernel, depthwise = layer.depthwise_kernel, True
    else:
        kernel = getattr(layer, "kernel", None)
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    if kernel is None or len(kernel.shape) != 4:
        return None
    values = ops.convert_to_numpy(ops.cast(kernel, "float32"))
    if depthwise:
        return values.reshape(*values.shape[:2], 1, -1)
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return values.swapaxes(2, 3)
    return values
