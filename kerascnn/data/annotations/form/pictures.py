"""Opening the pictures of a source: their true size, and which cannot be used."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kerascnn.data.annotations.form.orientation import exif_orientation
from kerascnn.data.images.decode import UnreadableImage, decode, read_header
from kerascnn.data.images.memory import THREADS
from kerascnn.data.images.resize import ResizeRule

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """Size of a picture once upright, and the EXIF orientation (1 to 8) that made it so."""

    width: int
    height: int
    orientation: int


def open_pictures(paths: Sequence[Path], decode_pixels: bool) -> list[Picture | UnreadableImage]:
    """Returns the size of each picture, or why it cannot be used.

    Args:
        paths: The files.
        decode_pixels: Whether all pixels are decoded, which finds damaged and truncated files.
    """

    def look(path: Path) -> Picture | UnreadableImage:
        if not path.is_file():  # to open a named pipe is to wait for it
            return UnreadableImage("not a regular file, or a broken link")
        try:
            header = decode(path, 1, 1, ResizeRule())[1] if decode_pixels else read_header(path)
        except UnreadableImage as error:
            return error
        size = header.width, header.height
        return Picture(*size, exif_orientation(path, size))

    return in_threads(look, paths)


def in_threads(function: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Returns function(item) of each item, from several threads."""
    with warnings.catch_warnings():
        # Pillow warns of oddities (a strange EXIF block, a large image) that are no fault here.
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(function, items))
