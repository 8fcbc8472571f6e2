"""Where the pixels of a loaded source are: in memory, or in files decoded when they are needed."""

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kerascnn.data.images.decode import UnreadableImage, decode
from kerascnn.data.images.deep_pixels import PixelRange
from kerascnn.data.images.memory import THREADS
from kerascnn.data.images.resize import ResizeRule
from kerascnn.errors import DataError
from kerascnn.names import shown

CACHE_LIMIT = 2**30  # bytes that cache="auto" takes for decoded images
_ALIGNMENT = 64  # TensorFlow shares an array with NumPy only if it starts on such a boundary


class PixelStore(Protocol):
    """Random access to uint8 `[H, W, C]` images by row number."""

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Returns the images of `rows` as `[len(rows), H, W, C]`, in that order."""
        ...


@dataclass(frozen=True)
class ArrayStore:
    """All images decoded, in one array (in memory, or mapped from a temporary file)."""

    images: np.ndarray

    @property
    def in_memory(self) -> bool:
        """Whether the array is held in memory rather than mapped from a file."""
        return not isinstance(self.images, np.memmap)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Returns a copy of the images of `rows`."""
        return np.asarray(self.images[rows])


@dataclass(frozen=True)
class FileStore:
    """Image files that are decoded each time they are read."""

    paths: Sequence[Path]
    size: tuple[int, int]
    channels: int
    rule: ResizeRule
    pixel_range: PixelRange | None = None
    kept: Any = field(default=None, repr=False)  # whose end would remove the files

    def read_one(self, row: int) -> np.ndarray:
        """Returns one image; raises DataError that names the file if it can no longer be read."""
        path = self.paths[row]
        try:
            return decode(path, self.size, self.channels, self.rule, self.pixel_range)[0]
        except UnreadableImage as error:
            raise DataError(
                f"{shown(path)} could be read when the source was scanned and now cannot: {error}. "
                "Restore or remove the file and load the source again."
            ) from error

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Returns the images of `rows`, decoded by several threads."""
        out = np.empty((len(rows), *self.size, self.channels), np.uint8)
        with ThreadPoolExecutor(THREADS) as pool:
            for place, image in enumerate(pool.map(self.read_one, rows)):
                out[place] = image
        return out


def fits_in_memory(count: int, size: tuple[int, int], channels: int, cache: bool | str) -> bool:
    """Returns whether the decoded images shall be held in memory, by the user's `cache` choice."""
    if isinstance(cache, bool):
        return cache
    return count * size[0] * size[1] * channels <= CACHE_LIMIT


def allocate(count: int, size: tuple[int, int], channels: int, *, in_memory: bool) -> np.ndarray:
    """Returns an unfilled uint8 array `[count, H, W, channels]`.

    With `in_memory` False the array is mapped from a temporary file without a name, which the
    system removes when the array goes, even if the process is killed.

    Raises:
        DataError: the disk of temporary files has too little room.
    """
    shape = (count, *size, channels)
    needed = int(np.prod(shape, dtype=np.int64))
    if in_memory:
        buffer = np.empty(needed + _ALIGNMENT, np.uint8)
        start = -buffer.ctypes.data % _ALIGNMENT
        return buffer[start : start + needed].reshape(shape)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"the decoded images need {needed / 2**30:.1f} GiB in {folder}, where "
            f"{free / 2**30:.1f} GiB are free. Use a smaller image_size, or set TMPDIR to a "
            "folder with more room."
        )
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
