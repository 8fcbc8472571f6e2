"""The score of a class, and its derivative with respect to the pixels: what attribution is made of.

The score is what goes into the softmax, not what comes out of it: a probability also rises when
another class loses (Simonyan et al., arXiv:1312.6034, section 2). It is what goes into a sigmoid,
too: near 0 and 1 the sigmoid has no slope, and every map would be empty.

One sigmoid stands for two classes: the score of the second is its logit, that of the first the
negative of it. Of labels, `classes` counts labels; of quantities, it counts these, and the score is
the value: the maps show what raises it, and with `against` what lowers it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import as_array
from kerascnn.inputs.images import check_batch_size, slices
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.compiled import compiled
from kerascnn.visualize.inside.gradient import gradient
from kerascnn.visualize.inside.taps import ends_in_sigmoid, giving_logits

Tensor = Any
Classes = int | Sequence[int] | np.ndarray | None
WORTH_COMPILING = 4  # batches: compiling takes as long as one or two of them


def float_images(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Images as float32 `[B, H, W, C]` that fit the model, or an InputError."""
    return checked_images(model, images).astype(np.float32, copy=False)


def checked_classes(classes: Any, count: int, outputs: int) -> np.ndarray:
    """One class for each of `count` images, of which one may do for all, or an InputError."""
    chosen = as_array(classes, "`classes`")
    chosen = np.full(count, chosen) if chosen.ndim == 0 else chosen
    fits = chosen.shape == (count,) and np.issubdtype(chosen.dtype, np.integer)
    if not fits or chosen.min() < 0 or chosen.max() >= outputs:
        raise InputError(
            f"`classes` must hold {count} whole numbers, one per image, or be one for all, from 0 "
            f"to {outputs - 1}. Received: {classes!r}."
        )
    return chosen


def class_scores(model: keras.Model, images: Tensor) -> Tensor:
    """float32 `[B, classes]`; what the softmax or sigmoid takes only inside `giving_logits`."""
    scores = model(images, training=False)
    if len(getattr(scores, "shape", ())) != 2:
        raise InputError(
            "expected a model with the output [B, classes]. Its shape: "
            f"{getattr(scores, 'shape', type(scores).__name__)}."
        )
    return two_sided(model, ops.cast(scores, "float32"))


def two_sided(model: keras.Model, scores: Tensor) -> Tensor:
    """The scores of both classes, where the model ends in one sigmoid; else as they are."""
    if scores.shape[-1] == 1 and ends_in_sigmoid(model):
        return ops.concatenate([-scores, scores], axis=-1)
    return scores


def scores_of(model: keras.Model, images: np.ndarray, batch_size: int) -> np.ndarray:
    """Scores before the softmax or sigmoid, float32 `[B, classes]`."""
    with giving_logits(model):
        parts = [
            ops.convert_to_numpy(class_scores(model, images[rows]))
            for rows in slices(len(images), batch_size)
        ]
    return np.concatenate(parts)


def choose(
    model: keras.Model, images: np.ndarray, classes: Classes, batch_size: int, against: bool = False
) -> np.ndarray:
    """Whose score is meant, one-hot `[B, classes]`: the model's choice where `classes` is None.

    With `against` it is the negative of that score, -1 in place of 1.
    """
    scores = scores_of(model, images, batch_size)
    chosen = scores.argmax(-1) if classes is None else classes
    chosen = checked_classes(chosen, len(images), scores.shape[1])
    return signed(against) * np.eye(scores.shape[1], dtype=np.float32)[chosen]


def signed(against: bool) -> np.float32:
    """What a score is multiplied by: 1, or -1 to explain what speaks against it."""
    return np.float32(-1 if against else 1)


def batches(images: int, variations: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Goes through all variations of all images, `size` at a time.

    Every image has its first variation before any has its second. The last batch is filled up with
    its last pair, so that a compiled function meets one shape.

    Yields:
        Numbers of images and of variations.
    """
    check_batch_size(size)
    total = images * variations
    for start in range(0, total, min(size, total)):
        pairs = np.minimum(np.arange(start, start + min(size, total)), total - 1)
        yield pairs % images, pairs // images


def repeated(
    model: keras.Model, function: Callable[..., Tensor], pairs: int, batch_size: int
) -> Callable[..., np.ndarray]:
    """A function of arrays that gives an array, compiled where there are many batches."""
    if pairs >= WORTH_COMPILING * batch_size:
        function = compiled(function, model.variables)
    return lambda *arrays: ops.convert_to_numpy(function(*map(ops.convert_to_tensor, arrays)))


def summed_slopes(
    model: keras.Model,
    shape: tuple[int, ...],
    wanted: np.ndarray,
    vary: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weights: np.ndarray,
    batch_size: int,
) -> np.ndarray:
    """Derivatives of the chosen scores with respect to the pixels, over variations of each image.

    Args:
        model: Whose score.
        shape: Of the images, `[B, H, W, C]`.
        wanted: One-hot `[B, classes]`.
        vary: From numbers of images and of variations to the pixels of these variations.
        weights: Of each variation in the sum.
        batch_size: Variations at a time.

    Returns:
        float32 `[B, H, W, C]`: the weighted sums.

    Raises:
        InputError: A model that takes whole numbers, or whose output does not depend on them.
    """
    _check_differentiable(model)

    def slopes(pixels: Tensor, chosen: Tensor) -> Tensor:
        found = gradient(lambda x: ops.sum(class_scores(model, x) * chosen), pixels)
        if found is None:
            raise InputError(f"the output of {model.name!r} does not depend on the pixels.")
        return found

    images, pairs = shape[0], shape[0] * len(weights)
    compute = repeated(model, slopes, pairs, batch_size)
    total, done = np.zeros(shape, np.float32), 0
    with giving_logits(model):
        for rows, numbers in batches(images, len(weights), batch_size):
            found = compute(vary(rows, numbers).astype(np.float32, copy=False), wanted[rows])
            for row, number, slope in zip(rows, numbers, found, strict=True):
                if done < pairs:  # the rest fills up the last batch
                    total[row] += np.float32(weights[number]) * slope
                    done += 1
    return total


def _check_differentiable(model: keras.Model) -> None:
    for image in getattr(model, "inputs", None) or ():
        if "float" not in keras.backend.standardize_dtype(image.dtype):
            raise InputError(
                f"the model {model.name!r} takes {image.dtype} pixels, and there is no derivative "
                "with respect to whole numbers. Build it with keras.Input(shape), or use "
                "occlusion or a method of feature maps, such as grad_cam."
            )
