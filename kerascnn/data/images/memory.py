"""How much memory decoding an image takes, and how much of it is taken at one time."""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator

from PIL import Image

# Bytes that decoding may hold at one time, of one image or of several in different threads. A file
# of a few kB can name a size that fills any memory.
MOST = 2**29
THREADS = min(16, 2 * (os.cpu_count() or 1))  # that decode
_BLOCK = 2**26  # glibc's mallopt(3): M_MMAP_THRESHOLD grows to 32 MiB by itself
# Bytes of a pixel in Pillow's own storage; every other mode has four.
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
# Bytes of a pixel that the decoders of whole images hold beside Pillow's, measured with
# resource.getrusage on 48 megapixels.
_BESIDE = {"AVIF": 6, "HEIF": 4, "JPEG2000": 16, "WEBP": 12}


def needed(image: Image.Image, *, scale: int, turned: bool, twice: bool, grey: bool) -> int:
    """Returns about how many bytes it takes to decode `image` and bring it to 8 bits.

    Args:
        image: Opened and not loaded.
        scale: Each side is decoded at 1/scale (a JPEG; else 1).
        turned: Whether it has to be turned upright.
        twice: Whether it is decoded twice, for both bytes of its colours.
        grey: Whether it becomes grey.
    """
    stored = _STORED.get(image.mode, 4)
    result = 1 if grey else 4
    kept = image.mode == ("L" if grey else "RGB")
    decoded = stored * (1 + turned + twice) + (0 if kept else result)
    beside = _BESIDE.get(image.format or "", 0)
    return int(image.width * image.height * (decoded / scale**2 + beside))


@functools.cache
def give_back_at_once() -> None:
    """Has Pillow take its memory in blocks so large that freed ones leave the process.

    The C library keeps smaller ones for each thread; with Pillow's own 16 MiB, threads that decode
    one large image after another keep several times what any of them needs.
    """
    Image.core.set_block_size(_BLOCK)


class Budget:
    """So many bytes that threads share: one waits until there is room for what it asks for."""

    def __init__(self, most: int):
        self._most = self._free = most
        self._freed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Holds `count` bytes, or all of them if it is more, while the block runs."""
        count = min(count, self._most)
        with self._freed:
            self._freed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._freed:
                self._free += count
                self._freed.notify_all()


DECODING = Budget(MOST)
