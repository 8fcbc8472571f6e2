"""Score-CAM: maps weighted by what the network says when it sees only what they show.

Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu, Score-CAM: Score-Weighted Visual Explanations for
Convolutional Neural Networks, CVPR workshops 2020, arXiv:1910.01279, algorithm 1.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.inputs.keywords import keras_words
from kerascnn.tasks import softmax
from kerascnn.visualize.attribution.layer_maps import map_layer, scaled, seen_by
from kerascnn.visualize.attribution.scores import (
    Classes,
    batches,
    checked_classes,
    class_scores,
    float_images,
    repeated,
    signed,
)
from kerascnn.visualize.inside.taps import find_layer, giving_logits

Tensor = Any


@keras_words()
def score_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    layer: str | None = None,
    *,
    against: bool = False,
    channels: int | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Maps weighted without slopes: each, as a mask, hides the image, and the score tells.

    One pass forward per image and channel. Pixels are multiplied by masks in 0..1, so what is
    hidden is black in models that take raw pixels. The weights are a softmax over the channels;
    the score of the baseline, which the paper takes off first, is the same for all of them and
    changes nothing. Maps that are the same everywhere show no place, and are left out.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        layer: Name of the layer whose maps are used; None as in `grad_cam`.
        channels: Only so many of the maps: those that vary most over the image. None takes all.
        batch_size: Masked images at a time.

    Returns:
        float32 `[B, H, W]` in 0..1, as large as the images; scaled as by `grad_cam`.

    Raises:
        InputError: No such layer, a layer that gives no maps, or images, classes or channels that
            do not fit.
    """
    images = float_images(model, images)
    source = map_layer(model, images) if layer is None else find_layer(model, layer)
    seen = [seen_by(model, source, images[rows]) for rows in slices(len(images), batch_size)]
    maps, scores = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    chosen = scores.argmax(-1) if classes is None else classes
    chosen = checked_classes(chosen, len(images), scores.shape[1])
    wanted = signed(against) * np.eye(scores.shape[1], dtype=np.float32)[chosen]
    maps = maps[np.arange(len(images))[:, None], ..., _most_varied(maps, channels)]  # [B, K, h, w]
    low, high = (pick(maps, axis=(2, 3), keepdims=True) for pick in (np.min, np.max))
    flat = high == low
    masks = (maps - low) / np.where(flat, 1, high - low)
    found = _masked_scores(model, images, masks, wanted, batch_size)
    weights = softmax(np.where(flat[..., 0, 0], -np.inf, found))
    return scaled(np.einsum("bkhw,bk->bhw", maps, weights), images.shape[1:3])


def _most_varied(maps: np.ndarray, channels: int | None) -> np.ndarray:
    """Numbers of the channels to use, `[B, K]`."""
    count = maps.shape[-1] if channels is None else min(channels, maps.shape[-1])
    if count < 1:
        raise InputError(f"`channels` must be at least 1, or None for all. Received: {channels}.")
    order = np.argsort(-maps.std(axis=(1, 2)), axis=-1, kind="stable")
    return order[:, :count]


def _masked_scores(
    model: keras.Model, images: np.ndarray, masks: np.ndarray, wanted: np.ndarray, batch_size: int
) -> np.ndarray:
    """Scores of the chosen classes under each mask, `[B, K]`."""

    def compute(pixels: Tensor, masks: Tensor, chosen: Tensor) -> Tensor:
        masks = ops.image.resize(masks, images.shape[1:3], data_format="channels_last")
        return ops.sum(class_scores(model, pixels * masks) * chosen, axis=-1)

    scores = np.zeros(masks.shape[:2], np.float32)
    run = repeated(model, compute, scores.size, batch_size)
    with giving_logits(model):
        for rows, numbers in batches(len(images), masks.shape[1], batch_size):
            hidden = masks[rows, numbers][..., None].astype(np.float32, copy=False)
            scores[rows, numbers] = run(images[rows], hidden, wanted[rows])
    return scores
