"""Test-time augmentation of any Keras model: predictions averaged over views of each image."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from kerascnn.augment import FlipTTA
from kerascnn.augment.tta import Views
from kerascnn.errors import DataError, InputError
from kerascnn.inputs.arrays import received
from kerascnn.inputs.images import image_batches
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.model_inputs import check_size, warn_of_scaled_pixels
from kerascnn.transfer.feeding.batches import filled

ACTIVATIONS = ("softmax", "sigmoid", "linear")
# How far float16 probabilities may be beyond 0 and 1.
_ROUNDING = 1e-3


@keras_words()
def predict_tta(
    model: keras.Model,
    images: np.ndarray | Iterable[Any],
    *,
    views: Views | None = None,
    activation: str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """The mean of a model's answers over several views of each image.

    The views are fixed ones, without random draws: the same images give the same answers. What is
    averaged are probabilities, of classes (softmax) or of labels (sigmoid), or quantities. The mean
    of logits is something else, and is refused unless `activation` says what to make of them.

    Args:
        model: Any Keras model with one output `[B, outputs]`; it runs in inference mode.
        images: An array `[n, h, w, C]`, or batches of images or of (images, labels), such as a
            `tf.data.Dataset`; labels are left out. Pixels as the model takes them.
        views: `kerascnn.augment.FlipTTA()` (None means this one: the image and its mirror image) or
            `TenCrop(size)`, for which `images` must be larger than what the model takes. A mirror
            image must mean the same: not so with letters, digits, or positions to be estimated.
        activation: What is done to the outputs before they are averaged: "softmax" for logits of
            classes, "sigmoid" for logits of labels, "linear" (nothing) for quantities. None: the
            model gives probabilities, and an output outside 0..1 is an error.
        batch_size: Images of a batch where `images` is an array; each is answered once per view.

    Returns:
        float32 `[n, outputs]`, in the order of the images.

    Raises:
        InputError: An unknown activation, a model with several outputs or with logits where
            probabilities are expected, or images that do not suit the views.
        DataError: No image.
    """
    if activation is not None and activation not in ACTIVATIONS:
        raise InputError(
            f"`activation` must be None or one of {', '.join(ACTIVATIONS)}. "
            f"Received: {activation!r}."
        )
    if not isinstance(model, keras.Model):
        raise InputError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
    views = FlipTTA() if views is None else views
    if not isinstance(views, Views):
        raise InputError(
            f"`views` must be FlipTTA() or TenCrop(size). Received: {received(views)}."
        )
    answers, largest = [], 0
    for batch in image_batches(images, batch_size):
        largest = max(largest, len(batch))
        # The last batch is filled up: its size would be traced anew.
        mean = views.predict(lambda view: _answer(model, view, activation), filled(batch, largest))
        answers.append(mean[: len(batch)])
    if not answers:
        raise DataError("the data holds no image.")
    return np.concatenate(answers)


def _answer(model: keras.Model, view: np.ndarray, activation: str | None) -> np.ndarray:
    check_size(model, view.shape[1:])
    warn_of_scaled_pixels(model, view)
    outputs = model.predict_on_batch(view)
    if isinstance(outputs, dict | list | tuple):
        raise InputError(
            f"expected a model with one output. {model.name!r} has {len(outputs)}: make a "
            "keras.Model that ends in one of them."
        )
    outputs = np.asarray(outputs, "float32")
    if activation is None:
        if not (outputs.min() >= -_ROUNDING and outputs.max() <= 1 + _ROUNDING):
            raise InputError(
                f"{model.name!r} gives {outputs.min():.3g} to {outputs.max():.3g}, and "
                "probabilities are in 0..1. Are these logits? Their mean over views is not the "
                'mean prediction: pass activation="softmax" (classes) or "sigmoid" (labels); '
                'for quantities "linear".'
            )
        return outputs
    return keras.ops.convert_to_numpy(keras.activations.get(activation)(outputs))
