"""Copies of images: in one split a waste, across splits a leak, with other labels an error."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from kerascnn.data.perceptual_hash import SIDE, frequencies, signs
from kerascnn.data.references import MOST, ImageReference, references, sampled
from kerascnn.data.splits import Splits

# Two images count as near copies if at most so many bits of their hashes differ, and if their
# frequencies are as parallel as this: the hash alone takes some simple shapes for one another.
MOST_BITS = 8
LEAST_LIKENESS = 0.93
# Pixels of the shorter side. Smaller images are compared for exact copies only: of the digits of
# MNIST, 28x28, two in five have a stranger that looks the same to a hash.
SMALLEST = 32
_BLOCK = 512


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same.

    Attributes:
        first: The one that comes first, in the order training, validation, test.
        second: The other one.
        exact: Whether all pixels are equal, at the size to which the source was loaded.
        bits: How many of the 64 bits of their perceptual hashes differ.
    """

    first: ImageReference
    second: ImageReference
    exact: bool
    bits: int

    @property
    def across(self) -> bool:
        """Whether they are in different splits, so that one tells the answer to the other."""
        return self.first.split != self.second.split

    @property
    def labels_differ(self) -> bool:
        """Whether they are labelled differently, so that one label at least is wrong."""
        return self.first.label != self.second.label


@dataclass(frozen=True)
class Duplicates:
    """What `find_duplicates` found.

    Attributes:
        pairs: Those across splits first, then those with different labels, then by likeness.
        images: Images of the source.
        compared: Images that were compared; fewer than `images` means a sample.
        near: Whether near copies were looked for, or the images were too small for that.
    """

    pairs: tuple[DuplicatePair, ...]
    images: int
    compared: int
    near: bool


def find_duplicates(splits: Splits, *, most: int = MOST) -> Duplicates:
    """Finds copies and near copies of images, within splits and across them.

    Near copies are the same picture in another file: compressed again, resized, a little brighter
    or darker. Mirrored, turned or cropped pictures are not found. Each image is in the place of
    `second` once at most: with the closest image of an earlier split, else of its own.

    Args:
        splits: A loaded source.
        most: Larger sources are sampled, evenly from each split, to so many images.
    """
    named = list(references(splits, most))
    near = min(splits.own_size or splits.image_shape[:2]) >= SMALLEST
    digests: list[bytes] = []
    values = [np.empty((0, SIDE * SIDE), np.float32)]
    for images in _pixels(splits, most):
        digests += [blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        if near:
            values.append(frequencies(images))
    pairs = _exact(named, digests)
    if near:
        copies = {pair.second for pair in pairs}
        rest = [row for row, reference in enumerate(named) if reference not in copies]
        pairs += _near([named[row] for row in rest], np.concatenate(values)[rest])
    pairs.sort(
        key=lambda pair: (not pair.across, not pair.labels_differ, not pair.exact, pair.bits)
    )
    return Duplicates(tuple(pairs), sum(splits.counts.values()), len(named), near)


def _pixels(splits: Splits, most: int) -> Iterator[np.ndarray]:
    """The images of `references`, many at a time."""
    for split, positions in sampled(splits, most):
        for start in range(0, len(positions), _BLOCK):
            yield splits.take(split, positions[start : start + _BLOCK])[0]


def _exact(named: list[ImageReference], digests: list[bytes]) -> list[DuplicatePair]:
    first: dict[bytes, ImageReference] = {}
    pairs = []
    for reference, digest in zip(named, digests, strict=True):
        if digest in first:
            pairs.append(DuplicatePair(first[digest], reference, exact=True, bits=0))
        else:
            first[digest] = reference
    return pairs


def _near(named: list[ImageReference], values: np.ndarray) -> list[DuplicatePair]:
    begin: dict[str, int] = {}  # where each split begins
    for row, reference in enumerate(named):
        begin.setdefault(reference.split, row)
    begins = np.array([begin[reference.split] for reference in named])
    hashes = np.where(signs(values), np.float32(1), np.float32(-1))
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions = values / np.where(lengths > 0, lengths, 1)  # 0 for an image of one colour
    pairs = []
    for start in range(0, len(named), _BLOCK):
        block = hashes[start : start + _BLOCK]
        end = start + len(block)
        agreement = block @ hashes[:end].T  # equal bits minus different ones
        alike = agreement >= SIDE * SIDE - 2 * MOST_BITS
        alike[:, start:] &= np.tri(len(block), k=-1, dtype=bool)  # each with those before it
        for row in np.flatnonzero(alike.any(axis=1)).tolist():
            columns = np.flatnonzero(alike[row])
            likeness = directions[columns] @ directions[start + row]
            columns, likeness = (v[likeness >= LEAST_LIKENESS] for v in (columns, likeness))
            if not len(columns):
                continue
            # An image of an earlier split comes before all of the own, then the closest one.
            other = columns[np.lexsort((-likeness, columns >= begins[start + row]))[0]]
            bits = (SIDE * SIDE - int(agreement[row, other])) // 2
            pair = named[other], named[start + row]
            pairs.append(DuplicatePair(*pair, exact=False, bits=bits))
    return pairs
