"""How much an answer changes when the image is shifted, turned or scaled.

Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014,
arXiv:1311.2901, figure 5. Networks are not invariant; pooling and training make small changes count
less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import as_images, slices
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.properties.outputs import outputs_of

Transform = Literal["shift", "rotation", "scale"]
Fill = Literal["reflect", "nearest", "wrap", "constant"]


@dataclass(frozen=True)
class InvarianceCurve:
    """What each amount of a change does to an output.

    Attributes:
        transform: "shift", "rotation" or "scale".
        amounts: Pixels, degrees or factors.
        distances: float64 `[amounts]`: mean Euclidean distance from the output for the image as it
            is, divided by the mean length of these outputs. 0 is invariance.
        agreement: Share of the images whose largest output stays the same, 0..1, `[amounts]`; None
            for outputs other than `[B, classes]`.
    """

    transform: Transform
    amounts: tuple[float, ...]
    distances: np.ndarray
    agreement: np.ndarray | None


def invariance_curve(
    model: keras.Model,
    images: np.ndarray,
    transform: Transform,
    amounts: Sequence[float],
    layer: str | None = None,
    fill: Fill = "reflect",
    batch_size: int = 32,
) -> InvarianceCurve:
    """Measures how an output moves as images are changed more and more.

    Args:
        model: Any model with one image input.
        images: `[B, H, W, C]`, in the range the model takes; given to it as float32.
        transform: "shift" by pixels to the right, "rotation" by degrees counterclockwise about the
            centre, "scale" by a factor about the centre, above 1 larger.
        amounts: How much; parts of pixels are interpolated.
        layer: Name of the layer to look at, also inside nested models; the model's output if None.
        fill: What appears from outside the image: its mirror image, its border, itself, or 0.
        batch_size: Images at a time.

    Raises:
        InputError: An unknown transform or fill, no amounts, a factor that is not positive, no such
            layer, or outputs that are all 0.
    """
    _check(transform, amounts, fill)
    images = checked_images(model, images).astype(np.float32, copy=False)
    still = outputs_of(model, images, layer, batch_size)
    length = _lengths(still).mean()
    if length == 0:
        raise InputError(f"the outputs of {layer or model.name!r} are 0 for all images.")
    distances, agreement = [], []
    for amount in amounts:
        moved = _outputs_of_moved(model, images, transform, amount, layer, fill, batch_size)
        distances.append(_lengths(moved - still).mean() / length)
        agreement.append(np.mean(moved.argmax(-1) == still.argmax(-1)))
    classes = still.ndim == 2 and still.shape[1] > 1
    return InvarianceCurve(
        transform=transform,
        amounts=tuple(float(amount) for amount in amounts),
        distances=np.array(distances),
        agreement=np.array(agreement) if classes else None,
    )


def transformed(
    images: np.ndarray, transform: Transform, amount: float, fill: Fill = "reflect"
) -> np.ndarray:
    """Images shifted, rotated or scaled as `invariance_curve` does it, float32 `[B, H, W, C]`."""
    _check(transform, (amount,), fill)
    images = as_images(images).astype(np.float32, copy=False)
    height, width = images.shape[1:3]
    # From the coordinates of the new image, counted from the centre, to those of the old one.
    turn, move = np.eye(2), np.zeros(2)
    if transform == "shift":
        move = np.array([-amount, 0.0])
    elif transform == "rotation":
        angle = np.deg2rad(amount)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    else:
        turn = turn / amount
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    move = move + centre - turn @ centre
    matrix = np.array([[*turn[0], move[0], *turn[1], move[1], 0.0, 0.0]], np.float32)
    result = ops.image.affine_transform(
        images,
        np.repeat(matrix, len(images), axis=0),
        interpolation="bilinear",
        fill_mode=fill,
        data_format="channels_last",
    )
    return ops.convert_to_numpy(result)


def _outputs_of_moved(
    model: keras.Model,
    images: np.ndarray,
    transform: Transform,
    amount: float,
    layer: str | None,
    fill: Fill,
    batch_size: int,
) -> np.ndarray:
    batches = (
        transformed(images[rows], transform, amount, fill)
        for rows in slices(len(images), batch_size)
    )
    return np.concatenate([outputs_of(model, batch, layer, batch_size) for batch in batches])


def _lengths(outputs: np.ndarray) -> np.ndarray:
    return np.linalg.norm(outputs.reshape(len(outputs), -1).astype(np.float64), axis=1)


def _check(transform: str, amounts: Sequence[float], fill: str) -> None:
    for name, value, choices in (
        ("transform", transform, get_args(Transform)),
        ("fill", fill, get_args(Fill)),
    ):
        if value not in choices:
            raise InputError(f"`{name}` must be one of {', '.join(choices)}. Received: {value!r}.")
    if not len(amounts):
        raise InputError("`amounts` must hold at least one amount.")
    if transform == "scale" and min(amounts) <= 0:
        raise InputError(f"`amounts` of scale must be more than 0. Received: {tuple(amounts)}.")
