"""What every kind of source hands over: labelled images, before they are split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn.data.folders.skipped import SkippedFile
from kerascnn.data.plan import Plan
from kerascnn.data.stores import PixelStore
from kerascnn.data.tables.targets import CLASSIFICATION


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Labelled images of one source.

    `official` holds the rows of each split that the source itself makes; it always has "train",
    from which the splits that are missing are drawn. `keys` name the images for that drawing.
    `task` says what `labels` are, as in `Splits`. `paths` are their files, none if the source is
    neither a folder nor a table. `notes` say what was decided without being asked, `warnings` what
    of it must not be missed.
    """

    store: PixelStore
    labels: np.ndarray
    keys: Sequence[str]
    class_names: tuple[str, ...]
    plan: Plan
    official: dict[str, np.ndarray]
    task: str = CLASSIFICATION
    skipped: tuple[SkippedFile, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    paths: Sequence[Path] = ()
