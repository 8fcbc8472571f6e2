"""Naming single images of a source, all of them or an even sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn import tasks
from kerascnn.data.splits import Splits
from kerascnn.errors import InputError
from kerascnn.names import shown

MOST = 20_000  # of larger sources, an even sample of each split is looked at


@dataclass(frozen=True)
class ImageReference:
    """One image of a source.

    Attributes:
        split: "train", "validation" or "test".
        position: Its place in the order of `Splits.arrays`.
        label: Its class; None where images have several labels or quantities.
        path: Its file, None if the source is no folder.
    """

    split: str
    position: int
    label: int | None
    path: Path | None

    @property
    def name(self) -> str:
        """The name of the file, with that of its folder, or the place of the image."""
        if self.path is None:
            return f"{self.split} {self.position}"
        return shown(f"{self.path.parent.name}/{self.path.name}")


def references(splits: Splits, most: int = MOST) -> Iterator[ImageReference]:
    """The images in the order training, validation, test; of more than `most`, a sample."""
    for split, positions in sampled(splits, most):
        paths, labels = splits.paths(split), tasks.get(splits.task).strata(splits.labels(split))
        classes = labels if labels is not None and labels.ndim == 1 else None
        for position in positions.tolist():
            path = paths[position] if paths else None
            label = None if classes is None else int(classes[position])
            yield ImageReference(split, position, label, path)


def sampled(splits: Splits, most: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each split and the positions of its images; of more than `most` images, a sample."""
    if most < len(splits.counts):
        raise InputError(f"`most` must be at least {len(splits.counts)}. Received: {most}.")
    total = sum(splits.counts.values())
    for split, count in splits.counts.items():
        wanted = count if total <= most else max(1, count * most // total)
        yield split, np.linspace(0, count - 1, wanted).round().astype(np.int64)
