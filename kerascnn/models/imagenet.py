"""Names for the outputs of a model with ImageNet weights."""

from typing import Any

import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.weights import imagenet


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The best classes of each image, best first, as keras.applications' function of this name.

    Args:
        preds: Scores (images, 1000): probabilities or logits.
        top: How many classes to name.

    Returns:
        For each image `top` times (WordNet id, name, score). Nothing is downloaded.

    Raises:
        InputError: Another shape, or a `top` out of range.
    """
    classes = imagenet.classes()
    scores = np.asarray(ops.convert_to_numpy(preds))
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise InputError(
            f"`preds` must be scores of the {len(classes)} classes of ImageNet, of the shape "
            f"(images, {len(classes)}). Received: {scores.shape}."
        )
    if not 1 <= top <= len(classes):
        raise InputError(f"`top` must be in 1..{len(classes)}. Received: {top}.")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return [
        [(classes[i].id, classes[i].name, float(row[i])) for i in order]
        for row, order in zip(scores, best, strict=True)
    ]
