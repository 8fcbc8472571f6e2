"""Integrated gradients on their way from the baseline to the image, as frames of an animation."""

import itertools

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.integrated import checked_baseline, integrated_gradients
from kerascnn.visualize.attribution.scores import Classes, choose, float_images
from kerascnn.visualize.pictures.heatmap import heat_map


@keras_words()
def integration_path(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    baseline: float | np.ndarray = 0.0,
    frames: int = 20,
    steps: int = 5,
    batch_size: int = 32,
) -> np.ndarray:
    """What `integrated_gradients` has collected so far, while the image comes out of the baseline.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        baseline: As in `integrated_gradients`.
        frames: Pictures on the way, one after each equal part of it.
        steps: Points of each part at which slopes are taken.
        batch_size: Points at a time.

    Returns:
        float32 `[frames, B * H, 2 * W, 3]` in 0..1, for `save_animation`: on the left each image at
        that point of the way, on the right its attributions up to there, white where large.

    Raises:
        InputError: Images, classes, baseline, frames or steps that do not fit.
    """
    images = float_images(model, images)
    if frames < 1 or images.shape[-1] not in (1, 3):
        raise InputError(
            "expected at least one frame, and images with 1 or 3 channels. Received: "
            f"frames={frames}, images {list(images.shape)}."
        )
    start = checked_baseline(baseline, images.shape)
    chosen = choose(model, images, classes, batch_size).argmax(-1)
    way = [start + np.float32(part / frames) * (images - start) for part in range(frames + 1)]
    parts = [
        integrated_gradients(
            *(model, here, chosen),
            against=against,
            baseline=before,
            steps=steps,
            batch_size=batch_size,
        ).attributions
        for before, here in itertools.pairwise(way)
    ]
    collected = np.cumsum(parts, axis=0)  # [frames, B, H, W, C]
    # Each image against its own end: frames are side by side in one heat map.
    side_by_side = np.concatenate(list(collected), axis=2)
    heat = np.stack(np.split(heat_map(side_by_side, 99.5), frames, axis=2))[..., None]
    low, high = min(images.min(), start.min()), max(images.max(), start.max())
    seen = (np.stack(way[1:]) - low) / max(high - low, np.finfo(np.float32).tiny)
    pictures = np.concatenate([_colored(seen), _colored(heat)], axis=3)
    count, rows, height, width, channels = pictures.shape
    return pictures.reshape(count, rows * height, width, channels).astype(np.float32)


def _colored(pictures: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.clip(pictures, 0, 1), (*pictures.shape[:-1], 3))
