"""Does shifting the image shift the feature maps, and nothing else?"""

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.profile import profile
from kerascnn.properties.outputs import outputs_of


def equivariance_error(
    model: keras.Model,
    images: np.ndarray,
    shift: tuple[int, int],
    layer: str | None = None,
    jump: int | None = None,
    border: int = 0,
) -> float:
    """How far the maps of shifted images are from the shifted maps of the images.

    |f(shift(x)) - shift(f(x))| / |shift(f(x))|, Euclidean norms over all images: 0 where f is
    equivariant. Images and maps are rolled: what leaves on one side comes back on the other. A
    convolution is equivariant except where it sees past the border (the zeros of its padding are
    not part of the image), which `border` leaves out. After a step of S only shifts by multiples of
    S pixels can be equivariant.

    Args:
        model: Any model with one image input.
        images: `[B, H, W, C]`, as the model takes them.
        shift: Pixels down and to the right, multiples of the jump.
        layer: Name of the layer, also inside nested models, that gives maps `[B, h, w, c]`; the
            model's own output if None.
        jump: Pixels between two neighbouring units of that layer; `kerascnn.profile` tells if None.
        border: Positions of the maps left out on each side: the half of the receptive field, in
            jumps, plus the shift.

    Returns:
        0 or more; about 1.4 for maps that have nothing to do with each other.

    Raises:
        InputError: No maps, a shift by parts of a position, nothing left inside the border, maps
            that are 0 everywhere, or a model whose jump is not known.
    """
    images = checked_images(model, images)
    step = _jump(model, layer) if jump is None else jump
    if step < 1 or step != int(step) or any(pixels % step for pixels in shift):
        raise InputError(
            f"`shift` must be a multiple of the {step} pixels between two units. Received: {shift}."
        )
    maps = outputs_of(model, images, layer)
    if maps.ndim != 4:
        raise InputError(
            f"equivariance needs maps [B, h, w, c]; {layer or model.name!r} gives {maps.shape}."
        )
    if border < 0 or min(maps.shape[1:3]) <= 2 * border:
        raise InputError(
            f"`border` must leave some of the {maps.shape[1]}x{maps.shape[2]} positions. Received: "
            f"{border}."
        )
    inside = np.s_[:, border : maps.shape[1] - border, border : maps.shape[2] - border]
    positions = [int(pixels // step) for pixels in shift]
    wanted = np.roll(maps, positions, axis=(1, 2))[inside]
    found = outputs_of(model, np.roll(images, shift, axis=(1, 2)), layer)[inside]
    size = float(np.linalg.norm(wanted))
    if size == 0:
        raise InputError(f"the maps of {layer or model.name!r} are 0 everywhere: nothing to shift.")
    return float(np.linalg.norm(found - wanted)) / size


def _jump(model: keras.Model, layer: str | None) -> float:
    try:
        rows = profile(model)
    except InputError as error:
        raise InputError(f"`jump` must be given, it cannot be worked out: {error}") from error
    for row in reversed(rows):
        if layer in (None, row.name):
            return row.jump
    raise InputError(f"no layer {layer!r} in the model {model.name!r}.")
