"""The checks of the data, each a sentence and whether all is well."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerascnn.data.folders.skipped import looks_like_an_image
from kerascnn.pages import format as page

if TYPE_CHECKING:
    from kerascnn.data import Duplicates, SmallImage, Splits

IMBALANCED = 3.0  # largest class over smallest
SPLITS = {"train": "training", "validation": "validation", "test": "test"}  # in sentences


@dataclass(frozen=True)
class Check:
    """What one look at the data or at the outcome says.

    Attributes:
        well: Whether there is nothing to do.
        text: One or two sentences, plain text.
    """

    well: bool
    text: str


def data_checks(
    splits: "Splits",
    duplicates: "Duplicates",
    small: Sequence["SmallImage"],
    balance: Sequence[Check] = (),
) -> list[Check]:
    """Leaks between splits, contradicting labels, copies, sizes, balance, unusable files."""
    files = bool(splits.paths("train"))
    return [
        *_copies(duplicates),
        *([_small(splits, small)] if files or splits.own_size else []),
        *balance,
        *([_skipped(splits)] if files else []),
    ]


def _copies(found: "Duplicates") -> list[Check]:
    scope = f"{found.compared:,} images"
    if found.compared < found.images:
        scope = f"a sample of {found.compared:,} of {found.images:,} images"
    kind = "copies or near copies" if found.near else "exact copies"
    if not found.pairs:
        small = "" if found.near else " They are too small to tell near copies from likeness."
        return [Check(True, f"No {kind} among {scope}.{small}")]
    checks = []
    leaks = Counter((pair.first.split, pair.second.split) for pair in found.pairs if pair.across)
    for (first, second), count in leaks.items():
        what = SPLITS[first]
        images = f"image is a copy or near copy of a {what} image"
        if count > 1:
            images = f"images are copies or near copies of {what} images"
        checks.append(
            Check(
                False,
                f"{count:,} {second} {images}, so the {second} figures are too good. Keep copies "
                "in one split, or remove them.",
            )
        )
    contradicting = sum(pair.labels_differ for pair in found.pairs)
    if contradicting:
        pairs = "pair of copies has" if contradicting == 1 else "pairs of copies have"
        checks.append(Check(False, f"{contradicting} {pairs} different labels."))
    inside = sum(not pair.across for pair in found.pairs)
    if inside:
        pairs = "pair" if inside == 1 else "pairs"
        checks.append(Check(False, f"{inside} {pairs} of {kind} within one split, among {scope}."))
    return checks


def _small(splits: "Splits", small: Sequence["SmallImage"]) -> Check:
    height, width = splits.image_shape[:2]
    size = f"{width} {page.TIMES} {height}"
    if not small:
        return Check(True, f"No image is less than half as large as the input, {size}.")
    if splits.own_size is not None:
        own = f"{splits.own_size[1]} {page.TIMES} {splits.own_size[0]}"
        which, them = f"All images are {own} pixels and are", "them"
    elif len(small) == 1:
        which, them = "1 image is", "it"
    else:
        which, them = f"{len(small):,} images are", "them"
    return Check(
        False,
        f"{which} enlarged twofold or more to {size}: there is little in {them} to see. Use larger "
        "originals or a smaller image size.",
    )


def class_balance(splits: "Splits") -> Check:
    """Whether the classes have about as many training images."""
    counts = splits.class_counts["train"]
    most, least = max(counts), min(counts)
    largest, smallest = (
        splits.class_names[counts.index(most)],
        splits.class_names[counts.index(least)],
    )
    ratio = most / max(1, least)
    text = (
        f"The largest class, {largest}, has {most:,} training images, the smallest, {smallest}, "
        f"{least:,}: {ratio:.1f} to 1."
    )
    if ratio < IMBALANCED:
        return Check(True, text)
    return Check(False, f"{text} Look at recall of the small classes, not at accuracy alone.")


def _skipped(splits: "Splits") -> Check:
    # A licence text beside the images is no image that is missing.
    count = sum(looks_like_an_image(file.path) for file in splits.skipped)
    if not count:
        return Check(True, "Every image file could be read.")
    return Check(False, f"{count:,} image {'file was' if count == 1 else 'files were'} skipped.")
