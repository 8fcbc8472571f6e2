"""Pictures one after the other, as an animated GIF."""

from collections.abc import Sequence

import numpy as np

from kerascnn.errors import InputError
from kerascnn.files import GIF, PathLike, atomic_file
from kerascnn.inputs.arrays import numbers


def save_animation(
    frames: np.ndarray | Sequence[np.ndarray],
    path: PathLike,
    *,
    seconds: float = 0.2,
    scale: int = 1,
) -> None:
    """Writes an animated GIF that repeats for ever.

    Args:
        frames: `[F, H, W, 1 or 3]` of one size: uint8, or floating point in 0..1.
        path: The GIF file to write; a GIF image there is replaced, nothing else.
        seconds: Of one frame; the last one stays four times as long.
        scale: Each pixel is drawn as a square of so many.

    Raises:
        InputError: No frames, or arrays of another shape or range.
    """
    from PIL import Image

    if scale < 1 or seconds <= 0:
        raise InputError(
            f"expected a scale of at least 1 and seconds above 0. Received: scale={scale}, "
            f"seconds={seconds}."
        )
    if isinstance(frames, list | tuple) and len({np.shape(frame) for frame in frames}) > 1:
        raise InputError("the frames have several sizes: give all of them one size.")
    frames = numbers(frames, "the frames")
    if frames.ndim != 4 or not len(frames) or frames.shape[-1] not in (1, 3):
        raise InputError(f"expected frames [F, H, W, 1 or 3]. Received the shape {frames.shape}.")
    if frames.dtype != np.uint8:
        if not 0 <= frames.min() <= frames.max() <= 1:
            raise InputError(
                f"expected frames of uint8, or of values in 0..1. Received: {frames.dtype} in "
                f"{frames.min():.3g}..{frames.max():.3g}."
            )
        frames = np.round(255 * frames).astype(np.uint8)
    frames = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    pictures = [Image.fromarray(f[..., 0] if f.shape[-1] == 1 else f) for f in frames]
    times = [round(1000 * seconds)] * (len(pictures) - 1) + [round(4000 * seconds)]
    with atomic_file(path, GIF, overwrite=True) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=times,
            loop=0,
        )
