"""The size of the images that a `.tflite` file takes."""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.errors import InputError

ONLY_TIMED = "`kerascnn benchmark` times any file."


def image_shape(shape: Sequence[int], path: Path) -> tuple[int, int, int]:
    """(height, width, channels) of an input [1, height, width, channels] of known size."""
    sizes = tuple(int(size) for size in shape[1:])
    first = len(sizes) == 3 and sizes[0] in (1, 3) and sizes[2] not in (1, 3)
    if first:
        raise InputError(
            f"{path} takes images of the shape {list(shape)}, channels first (NCHW), as PyTorch "
            "arranges them. Expected channels last, [1, height, width, channels]: convert the "
            f"model again with its input permuted. {ONLY_TIMED}"
        )
    if len(sizes) != 3 or min(sizes) < 1:
        raise InputError(
            f"{path} must take one image of a known size, [1, height, width, channels]. Its input "
            f"shape is {tuple(shape)}. {ONLY_TIMED}"
        )
    return sizes[0], sizes[1], sizes[2]
