"""Decoding every file of a folder once, so that a bad one shows now and not in the third epoch."""

import logging
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from kerascnn.data.decode import Header, UnreadableImage, decode, read_header
from kerascnn.data.folder import Candidate, Listing, SkippedFile, looks_like_an_image
from kerascnn.data.plan import Plan, Request, make_plan
from kerascnn.data.stores import (
    THREADS,
    ArrayStore,
    FileStore,
    PixelStore,
    allocate,
    fits_in_memory,
)
from kerascnn.errors import DataError

logger = logging.getLogger("kerascnn.data")
T = TypeVar("T")


@dataclass(frozen=True)
class Scan:
    """The readable images of a folder, with the pixels in memory or at hand in their files."""

    store: PixelStore
    candidates: tuple[Candidate, ...]  # row i of the store is candidate i
    plan: Plan
    skipped: tuple[SkippedFile, ...]


def scan(listing: Listing, request: Request) -> Scan:
    """Decodes every candidate; what cannot be read is listed as skipped and warned about.

    Raises:
        DataError: no file of some class can be read.
    """
    candidates = listing.candidates
    paths = [candidate.path for candidate in candidates]
    headers = _each(paths, lambda row: read_header(paths[row]))
    while True:
        # Sizes and colours of the readable files decide the plan. Which files are readable is
        # known only after decoding, so a plan spoilt by a bad file is made again, once.
        plan = _plan(request, headers)
        images, decoded = _decode_all(paths, headers, plan, request.cache)
        if _plan(request, decoded) == plan:
            break
        headers = decoded
    good = [row for row, header in enumerate(decoded) if isinstance(header, Header)]
    skipped = listing.strays + tuple(
        SkippedFile(paths[row], str(reason))
        for row, reason in enumerate(decoded)
        if isinstance(reason, UnreadableImage)
    )
    _warn(skipped, len(paths))
    kept = tuple(candidates[row] for row in good)
    _check_classes(listing, kept, skipped)
    store: PixelStore
    if images is None:
        store = FileStore([paths[row] for row in good], plan.size, plan.channels, plan.rule)
    else:
        for place, row in enumerate(good):
            if place != row:
                images[place] = images[row]
        store = ArrayStore(images[: len(good)])
    return Scan(store, kept, plan, skipped)


def _decode_all(
    paths: Sequence[Path],
    headers: Sequence[Header | UnreadableImage],
    plan: Plan,
    cache: bool | str,
) -> tuple[np.ndarray | None, list[Header | UnreadableImage]]:
    """Returns the pixels (None if they are not to be kept) and each file's header or its fault."""
    images = None
    if fits_in_memory(len(paths), plan.size, plan.channels, cache):
        images = allocate(len(paths), plan.size, plan.channels, in_memory=True)

    def read(row: int) -> Header:
        known = headers[row]
        if isinstance(known, UnreadableImage):
            raise known
        pixels, header = decode(paths[row], plan.size, plan.channels, plan.rule)
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
            return error

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


def _warn(skipped: Sequence[SkippedFile], total: int) -> None:
    """Warns of image files that cannot be used; a licence text beside them is no cause for that."""
    bad = [file for file in skipped if looks_like_an_image(file.path)]
    if bad:
        logger.warning(
            "%d of %d files skipped; the first: %s (%s)",
            len(bad),
            total,
            bad[0].path,
            bad[0].reason,
        )


def _check_classes(
    listing: Listing, kept: Sequence[Candidate], skipped: Sequence[SkippedFile]
) -> None:
    alive = {(candidate.split, candidate.label) for candidate in kept}
    for split in listing.splits:
        for label, name in enumerate(listing.class_names):
            if (split, label) in alive:
                continue
            files = [c for c in listing.candidates if (c.split, c.label) == (split, label)]
            where = f"class {name!r}" + (f" of {split!r}" if len(listing.splits) > 1 else "")
            if not files:
                raise DataError(f"{where} is empty. Add images or remove its folder.")
            reason = next(file.reason for file in skipped if file.path == files[0].path)
            raise DataError(
                f"{where} has no readable image: all of its {len(files)} file(s) were skipped; the "
                f"first: {files[0].path} ({reason}). Add images or remove its folder."
            )
