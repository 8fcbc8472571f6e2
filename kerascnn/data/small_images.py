"""Images with less in them to see than the network takes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.images.decode import UnreadableImage, read_header
from kerascnn.data.images.memory import THREADS
from kerascnn.data.references import MOST, ImageReference, references
from kerascnn.data.splits import Splits
from kerascnn.errors import DataError, InputError
from kerascnn.names import shown


@dataclass(frozen=True)
class SmallImage:
    """An image whose file is smaller than what the network takes: (height, width) of the file."""

    image: ImageReference
    height: int
    width: int


def find_small_images(
    splits: Splits, *, factor: float = 2.0, most: int = MOST
) -> tuple[SmallImage, ...]:
    """Finds images that are enlarged by `factor` or more on a side: there is little in them to see.

    Where images differ in size, the headers of their files say how large they are, which is fast.

    Args:
        splits: A loaded source.
        factor: Above 1.
        most: Larger sources are sampled, evenly from each split, to so many images.

    Raises:
        DataError: A file that could be read when the source was loaded now cannot.
    """
    if factor <= 1:
        raise InputError(f"`factor` must be above 1. Received: {factor}.")
    height, width = splits.image_shape[:2]

    def enlarged(small: SmallImage) -> bool:
        return max(height / small.height, width / small.width) >= factor

    if splits.own_size is not None:
        everything = (SmallImage(image, *splits.own_size) for image in references(splits, most))
        return tuple(small for small in everything if enlarged(small))
    images = [image for image in references(splits, most) if image.path is not None]
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(small for small in pool.map(_measured, images) if enlarged(small))


def _measured(image: ImageReference) -> SmallImage:
    path = Path(str(image.path))
    try:
        header = read_header(path)
    except UnreadableImage as error:
        raise DataError(f"{shown(path)} can no longer be read: {error}.") from error
    return SmallImage(image, header.height, header.width)
