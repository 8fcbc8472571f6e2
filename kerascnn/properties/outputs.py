"""What a model, or a layer deep inside it, gives for images."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.taps import find_layer, tapped


def outputs_of(
    model: keras.Model, images: np.ndarray, layer: str | None = None, batch_size: int = 32
) -> np.ndarray:
    """Runs a model on images, in inference mode.

    Args:
        model: Any model with one image input and one output: functional, Sequential, nested or
            subclassed.
        images: `[B, H, W, C]`, as the model takes them.
        layer: Name of the layer whose output is wanted, also inside nested models; the model's own
            output if None. Of a layer that is called several times, its last output.
        batch_size: Images at a time.

    Returns:
        float32 `[B, ...]`.

    Raises:
        InputError: Images that do not fit, no such layer, or one that the model does not use.
    """
    images = checked_images(model, images)
    parts = [_one(model, images[rows], layer) for rows in slices(len(images), batch_size)]
    return np.concatenate(parts)


def _one(model: keras.Model, images: np.ndarray, layer: str | None) -> np.ndarray:
    output = call(model, images, layer)
    return ops.convert_to_numpy(ops.cast(output, "float32"))


def call(model: keras.Model, images: Any, layer: str | None) -> Any:
    """Output of a model, or of a layer of it, as a tensor that derivatives pass through."""
    if layer is None:
        return model(images, training=False)
    seen: list[Any] = []

    def look(output: Any) -> Any:
        seen[:] = [output]
        return output

    source = find_layer(model, layer)
    with tapped(source, look):
        model(images, training=False)
    if not seen:
        raise InputError(f"the layer {layer!r} was not used by the model {model.name!r}.")
    return seen[0]
