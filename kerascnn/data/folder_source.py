"""The source that is a folder of class folders."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.collection import Collection
from kerascnn.data.folders.folder import Candidate, Listing, list_folder
from kerascnn.data.folders.skipped import SkippedFile
from kerascnn.data.plan import Request
from kerascnn.data.scan import scan
from kerascnn.errors import DataError
from kerascnn.names import shown


def read_folder(folder: Path, request: Request) -> Collection:
    """Returns the readable images of a folder; each class folder gives one class.

    Raises:
        DataError: No such arrangement, or no file of some class can be read.
    """
    listing = list_folder(folder)
    found = scan([candidate.path for candidate in listing.candidates], request, listing.strays)
    kept = [listing.candidates[row] for row in found.rows]
    _check_classes(listing, kept, found.skipped)
    splits = np.array([candidate.split for candidate in kept])
    return Collection(
        store=found.store,
        labels=np.array([candidate.label for candidate in kept], np.int32),
        keys=[candidate.key for candidate in kept],
        paths=[candidate.path for candidate in kept],
        class_names=listing.class_names,
        plan=found.plan,
        official={split: np.flatnonzero(splits == split) for split in listing.splits},
        skipped=found.skipped,
        notes=(*listing.notes, *found.notes),
        warnings=(*listing.warnings, *found.warnings),
    )


def _check_classes(
    listing: Listing, kept: Sequence[Candidate], skipped: Sequence[SkippedFile]
) -> None:
    alive = {(candidate.split, candidate.label) for candidate in kept}
    for split, label in sorted(listing.folders - alive):
        files = [c for c in listing.candidates if (c.split, c.label) == (split, label)]
        where = f"class {listing.class_names[label]!r}"
        where += f" of {split!r}" if len(listing.splits) > 1 else ""
        if not files:
            raise DataError(f"{where} is empty. Add images or remove its folder.")
        reason = next(file.reason for file in skipped if file.path == files[0].path)
        raise DataError(
            f"{where} has no readable image: all of its {len(files)} file(s) were skipped; the "
            f"first: {shown(files[0].path)} ({reason}). Add images or remove its folder."
        )
