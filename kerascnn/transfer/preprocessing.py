"""Raw pixels made into what a backbone expects, inside the model."""

from typing import Any

import keras
from keras import layers, ops

from kerascnn.errors import InputError

Tensor = Any

# Names in keras.applications: "tf", "torch" and "caffe"; "unit" has none there.
PREPROCESSING = ("unit", "signed", "imagenet", "caffe")
NAME = "preprocessing"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red


def prepare(images: Tensor, preprocessing: str | keras.layers.Layer) -> Tensor:
    """Adds layers to a graph that prepare raw RGB pixels in 0..255.

    Args:
        images: Symbolic tensor (batch, height, width, channels).
        preprocessing: "unit" (0..1), "signed" (-1..1), "imagenet" (0..1, then the mean and
            deviation of ImageNet's channels, as in torchvision), "caffe" (channels turned to BGR,
            less the mean of ImageNet's), or a layer, which is applied as it is.

    Raises:
        InputError: An unknown name, or images that are not RGB for one that needs RGB.
    """
    if isinstance(preprocessing, layers.Layer):
        return preprocessing(images)
    if preprocessing not in PREPROCESSING:
        raise InputError(
            f"`preprocessing` must be None, one of {PREPROCESSING}, or a Keras layer. "
            f"Received: {preprocessing!r}."
        )
    if preprocessing == "unit":
        return layers.Rescaling(1 / 255, name=NAME)(images)
    if preprocessing == "signed":
        return layers.Rescaling(1 / 127.5, -1.0, name=NAME)(images)
    if images.shape[-1] != 3:
        raise InputError(
            f"preprocessing {preprocessing!r} is for RGB images with 3 channels. The backbone "
            f'takes {images.shape[-1]}: use "unit" or "signed".'
        )
    if preprocessing == "imagenet":
        scale = [1 / (255 * std) for std in _STD]
        offset = [-mean / std for mean, std in zip(_MEAN, _STD, strict=True)]
        return layers.Rescaling(scale, offset, name=NAME)(images)
    offset = [-mean for mean in _CAFFE_MEAN]
    return layers.Rescaling(1.0, offset, name=NAME)(ops.flip(images, axis=-1))
