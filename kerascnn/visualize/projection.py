"""Deconvnet: what in an image made a unit speak, projected back to the pixels.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901,
section 2.1.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.gradient import gradient
from kerascnn.visualize.inside.taps import (
    find_layer,
    giving_logits,
    operations_of,
    replaced,
    tapped,
)
from kerascnn.visualize.maps import feature_maps

# Layers that are a linear map, an offset and an activation at most, or that choose a maximum. Each
# is passed backwards by its transposed map; a maximum by the switches of the way forward.
PASSED = (
    *(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose),
    *(layers.Dense, layers.MaxPooling2D, layers.AveragePooling2D, layers.GlobalAveragePooling2D),
    *(
        layers.GlobalMaxPooling2D,
        layers.BatchNormalization,
        layers.Dropout,
        layers.SpatialDropout2D,
    ),
    *(layers.Activation, layers.ReLU, layers.ZeroPadding2D, layers.Cropping2D, layers.UpSampling2D),
    *(layers.Flatten, layers.Reshape, layers.Permute, layers.Rescaling, layers.Normalization),
    *(layers.Add, layers.Subtract, layers.Average, layers.Concatenate, layers.Identity),
    layers.InputLayer,
)
# Of kerascnn.layers, which this package does not import. Local response normalisation is passed by
# its derivative where it is.
PASSED_BY_NAME = (
    *("LocalResponseNormalization", "ConstantPadding2D", "PartialConv2D", "UntiedBias"),
    *("LayerScale", "StochasticDepth", "AdaptiveAveragePooling2D"),
)
# Operations between layers, and those that are linear with a number but not with another tensor.
OPERATIONS = (
    *("Relu", "Relu6", "Add", "Subtract", "Negative", "Concatenate", "Reshape", "Transpose"),
    *("Mean", "GetItem", "Cast", "Squeeze", "ExpandDims", "Flip", "Pad", "MaxPool"),
)
SCALINGS = ("Multiply", "TrueDivide", "Divide")
RELUS = (keras.activations.relu, keras.activations.relu6)


@keras_words()
def deconvnet(
    model: keras.Model,
    images: np.ndarray,
    layer: str,
    units: int | Sequence[int] | None = None,
    *,
    position: tuple[int, int] | str | Sequence[tuple[int, int]] = "strongest",
    batch_size: int = 32,
) -> np.ndarray:
    """Projects activations of a layer back to the pixels.

    All activations of the layer but the chosen ones are set to 0, and go backwards through each
    layer before it: a max pooling puts them where its maxima were ("switches"), a ReLU
    cuts them at 0, a convolution filters them with its transposed kernel. Fully connected layers
    and average poolings are passed by their transpose as well; batch normalisation by its factors,
    as if they were part of the filters before it; local response normalisation by its derivative,
    which is nearly the division it did; dropout, paddings and offsets as if they were not there.
    Sums and concatenations of branches share out what they get, so residual and Inception networks
    are projected too, which the paper did not have.

    It is the backward pass of the unit's value but for the ReLUs, which let pass what is
    positive on the way back instead of what was positive on the way forward (Simonyan, Vedaldi,
    Zisserman, arXiv:1312.6034, section 4).

    Args:
        model: Any model with one image input, whose activations are ReLUs or linear up to the
            layer; nested ones are entered.
        images: `[B, H, W, C]`, as the model takes them.
        layer: Name of the layer.
        units: Channel of the layer, one for all images or one for each; None takes the one with the
            highest activation in each image.
        position: Row and column in the maps, one for all images or one for each; "strongest" takes
            where the unit is highest in each image, "all" projects the whole map.
        batch_size: Images at a time.

    Returns:
        float32 `[B, H, W, C]`; `around_gray` scales it for display.

    Raises:
        InputError: A layer that cannot be passed backwards, named; no such layer, unit or position.
    """
    images = checked_images(model, images)
    target = find_layer(model, layer)
    with giving_logits(model):
        passed = _layers_up_to(model, images, target)
        for each in passed:
            _check(each)
        batches = list(slices(len(images), batch_size))
        outputs = np.concatenate([feature_maps(model, images[b], [layer])[layer] for b in batches])
        starts = outputs * _chosen(outputs, units, position)
        seen: list[Any] = []

        def look(output: Any) -> Any:
            seen[:] = [output]
            return output

        def projected(batch: slice) -> Any:
            start = ops.convert_to_tensor(starts[batch])

            def value(pixels: Any) -> Any:
                model(pixels, training=False)
                return ops.sum(ops.cast(seen[0], "float32") * start)

            found = gradient(value, ops.convert_to_tensor(images[batch].astype("float32")))
            if found is None:
                raise InputError(f"the layer {layer!r} of {model.name!r} depends on no pixel.")
            return ops.convert_to_numpy(found).astype(np.float32)

        with contextlib.ExitStack() as changes:
            for each in passed:
                _relu_backwards(each, changes)
            changes.enter_context(tapped(target, look))
            return np.concatenate([projected(batch) for batch in batches])


def _layers_up_to(model: keras.Model, images: np.ndarray, target: Any) -> list[Any]:
    """Layers and operations in the order they are called, the last one being the target."""
    called: list[Any] = []
    with contextlib.ExitStack() as taps:
        for layer in operations_of(model):
            taps.enter_context(tapped(layer, _recorder(called, layer)))
        model(images[:1], training=False)
    if not any(layer is target for layer in called):
        raise InputError(f"the layer {target.name!r} was not used by the model {model.name!r}.")
    last = max(place for place, layer in enumerate(called) if layer is target)
    return list({id(layer): layer for layer in called[: last + 1]}.values())


def _recorder(called: list[Any], layer: Any) -> Callable[[Any], Any]:
    def record(output: Any) -> Any:
        called.append(layer)
        return output

    return record


def _check(layer: Any) -> None:
    kind = type(layer).__name__
    activation = getattr(layer, "activation", None)
    if not isinstance(layer, keras.Layer):
        passes = kind in OPERATIONS or (kind in SCALINGS and _scales(layer))
    elif isinstance(layer, layers.ReLU):
        passes = not layer.negative_slope and not layer.threshold
    else:
        passes = isinstance(layer, PASSED) or kind in PASSED_BY_NAME
        if activation not in (None, keras.activations.linear, *RELUS):
            passes, kind = False, f"{kind} with {getattr(activation, '__name__', activation)}"
    if not passes:
        raise InputError(
            f"deconvnet cannot go backwards through {layer.name!r} ({kind}): it needs layers that "
            "are linear, ReLU or max pooling. Name a layer before it, or use a model with "
            "ReLUs."
        )


def _scales(operation: Any) -> bool:
    """Whether a product or quotient is that of a tensor and a number."""
    arguments = operation._inbound_nodes[0].arguments
    tensors = arguments.keras_tensors
    first = bool(arguments.args) and arguments.args[0] is tensors[0]
    return len(tensors) == 1 and (first or type(operation).__name__ == "Multiply")


def _relu_backwards(layer: Any, changes: contextlib.ExitStack) -> None:
    if isinstance(layer, layers.ReLU) or type(layer).__name__ in ("Relu", "Relu6"):
        changes.enter_context(replaced(layer, "call", _relu_of_gradients(layer.call)))
    elif getattr(layer, "activation", None) in RELUS:
        changes.enter_context(replaced(layer, "activation", _relu_of_gradients(layer.activation)))


def _relu_of_gradients(forward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same on the way forward; cuts at 0 what comes back."""

    @ops.custom_gradient
    def relu(x: Any) -> Any:
        def back(*args: Any, upstream: Any = None) -> Any:
            return ops.relu(args[0] if upstream is None else upstream)

        return forward(x), back

    return relu


def _chosen(outputs: np.ndarray, units: Any, position: Any) -> np.ndarray:
    """1 where an activation starts the way back, 0 elsewhere."""
    if outputs.ndim not in (2, 4):
        raise InputError(
            f"expected a layer that gives [B, units] or maps [B, h, w, units]. Its shape: "
            f"{outputs.shape}."
        )
    count, channels = len(outputs), outputs.shape[-1]
    spots = outputs.reshape(count, -1, channels)
    if units is None:
        units = spots.max(1).argmax(-1)
    units = np.broadcast_to(np.asarray(units), (count,)) if np.ndim(units) == 0 else units
    units = np.asarray(units)
    if units.shape != (count,) or units.dtype.kind not in "iu" or not _within(units, channels):
        raise InputError(
            f"`units` must be a whole number from 0 to {channels - 1}, or one for each of {count} "
            f"images. Received: {units!r}."
        )
    mask = np.zeros(spots.shape, np.float32)
    rows = np.arange(count)
    if isinstance(position, str) and position == "all":
        mask[rows, :, units] = 1
    elif isinstance(position, str) and position == "strongest":
        mask[rows, spots[rows, :, units].argmax(-1), units] = 1
    else:
        mask[rows, _places(position, outputs), units] = 1
    return mask.reshape(outputs.shape)


def _places(position: Any, outputs: np.ndarray) -> np.ndarray:
    places = np.asarray(position)
    fits = outputs.ndim == 4 and places.dtype.kind in "iu"
    fits = fits and places.shape in ((2,), (len(outputs), 2))
    if not fits or not (
        _within(places[..., 0], outputs.shape[1]) and _within(places[..., 1], outputs.shape[2])
    ):
        raise InputError(
            f'`position` must be "strongest", "all", or row and column in {outputs.shape[1:-1]}, '
            f"one pair or one for each image. Received: {position!r}."
        )
    return np.broadcast_to(places[..., 0] * outputs.shape[2] + places[..., 1], len(outputs))


def _within(values: np.ndarray, size: int) -> bool:
    return bool((values >= 0).all() and (values < size).all())
