"""Decoding every file of a source once, so that a bad one shows now and not in the third epoch."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from kerascnn.data.folders.skipped import SkippedFile
from kerascnn.data.images.decode import Header, UnreadableImage, decode, read_header
from kerascnn.data.images.memory import THREADS
from kerascnn.data.pixel_notes import of_pixels
from kerascnn.data.plan import Plan, Request, make_plan
from kerascnn.data.stores import (
    ArrayStore,
    FileStore,
    PixelStore,
    allocate,
    fits_in_memory,
)
from kerascnn.names import shown

T = TypeVar("T")


@dataclass(frozen=True)
class Scan:
    """The readable images of a source, with the pixels in memory or at hand in their files.

    `warnings` are what must not be missed, `notes` what else there is to know of the images.
    """

    store: PixelStore
    rows: np.ndarray  # row i of the store is file rows[i]
    plan: Plan
    skipped: tuple[SkippedFile, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def scan(paths: Sequence[Path], request: Request, strays: Sequence[SkippedFile] = ()) -> Scan:
    """Decodes every file; what cannot be read is listed as skipped.

    Args:
        paths: The files.
        request: What the images shall become.
        strays: Files skipped before: they come first in the list.
    """
    headers = _each(paths, lambda row: read_header(paths[row]))
    while True:
        # Sizes and colours of the readable files decide the plan. Which files are readable is
        # known only after decoding, so a plan spoilt by a bad file is made again, once.
        plan = _plan(request, headers)
        images, decoded = _decode_all(paths, headers, plan, request)
        if _plan(request, decoded) == plan:
            break
        headers = decoded
    good = [row for row, header in enumerate(decoded) if isinstance(header, Header)]
    skipped = (
        *strays,
        *(
            SkippedFile(paths[row], str(reason))
            for row, reason in enumerate(decoded)
            if isinstance(reason, UnreadableImage)
        ),
    )
    notes, warned = of_pixels(decoded, request.pixel_range)
    store: PixelStore
    if images is None:
        store = FileStore(
            [paths[row] for row in good], plan.size, plan.channels, plan.rule, request.pixel_range
        )
    else:
        for place, row in enumerate(good):
            if place != row:
                images[place] = images[row]
        store = ArrayStore(images[: len(good)])
    warned += _of_skipped(skipped, len(paths))
    return Scan(store, np.array(good, int), plan, skipped, notes, warned)


def _decode_all(
    paths: Sequence[Path],
    headers: Sequence[Header | UnreadableImage],
    plan: Plan,
    request: Request,
) -> tuple[np.ndarray | None, list[Header | UnreadableImage]]:
    """Returns the pixels (None if they are not to be kept) and each file's header or its fault."""
    images = None
    if fits_in_memory(len(paths), plan.size, plan.channels, request.cache):
        images = allocate(len(paths), plan.size, plan.channels, in_memory=True)

    def read(row: int) -> Header:
        known = headers[row]
        if isinstance(known, UnreadableImage):
            raise known
        pixels, header = decode(
            paths[row], plan.size, plan.channels, plan.rule, request.pixel_range
        )
        if images is not None:
            images[row] = pixels
        return header

    return images, _each(paths, read)


def _each(paths: Sequence[Path], read: Callable[[int], T]) -> list[T | UnreadableImage]:
    """Returns read(row) for each row, or the fault it raised, from several threads."""

    def attempt(row: int) -> T | UnreadableImage:
        try:
            return read(row)
        except UnreadableImage as error:
            return error.alone()

    with warnings.catch_warnings():
        # Pillow warns of oddities (a strange EXIF block, a large image) that are no fault here.
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(attempt, range(len(paths))))


def _plan(request: Request, headers: Sequence[Header | UnreadableImage]) -> Plan:
    readable = [header for header in headers if isinstance(header, Header)]
    sizes = {(header.height, header.width) for header in readable}
    grey = [header.grey for header in readable]
    return make_plan(
        request,
        common_size=sizes.pop() if len(sizes) == 1 else None,
        grey=bool(grey) and all(grey),
        mixed=any(grey) and not all(grey),
    )


def _of_skipped(skipped: Sequence[SkippedFile], total: int) -> tuple[str, ...]:
    """Warns of image files that cannot be used; a licence text beside them is no cause for that."""
    bad = [file for file in skipped if file.matters]
    if not bad:
        return ()
    first = f"{shown(bad[0].path)} ({bad[0].reason})"
    return (f"{len(bad)} of {total} files skipped; the first: {first}",)
