"""What may be wrong with the images of a source: copies, and images smaller than the input."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from kerascnn.data.decode import UnreadableImage, read_header
from kerascnn.data.perceptual_hash import SIDE, frequencies, signs
from kerascnn.data.splits import Splits
from kerascnn.data.stores import THREADS
from kerascnn.errors import DataError, InputError

MOST = 20_000  # images that are compared; of larger sources, an even sample of each split
# Two images count as near copies if at most so many bits of their hashes differ, and if their
# frequencies are as parallel as this: the hash alone takes some simple shapes for one another.
MOST_BITS = 8
LEAST_LIKENESS = 0.93
# Pixels of the shorter side. Smaller images are compared for exact copies only: of the digits of
# MNIST, 28x28, two in five have a stranger that looks the same to a hash.
SMALLEST = 32
_BLOCK = 512


@dataclass(frozen=True)
class ImageReference:
    """One image of a source.

    Attributes:
        split: "train", "validation" or "test".
        position: Its place in the order of `Splits.arrays`.
        label: Its class.
        path: Its file, None if the source is no folder.
    """

    split: str
    position: int
    label: int
    path: Path | None

    @property
    def name(self) -> str:
        """The name of the file, with that of its folder, or the place of the image."""
        if self.path is None:
            return f"{self.split} {self.position}"
        return f"{self.path.parent.name}/{self.path.name}"


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


@dataclass(frozen=True)
class SmallImage:
    """An image whose file is smaller than what the network takes: (height, width) of the file."""

    image: ImageReference
    height: int
    width: int


def find_duplicates(splits: Splits, *, most: int = MOST) -> Duplicates:
    """Finds copies and near copies of images, within splits and across them.

    Near copies are the same picture in another file: compressed again, resized, a little brighter
    or darker. Mirrored, turned or cropped pictures are not found. Each image is in the place of
    `second` once at most: with the closest image of an earlier split, else of its own.

    Args:
        splits: A loaded source.
        most: Larger sources are sampled, evenly from each split, to so many images.
    """
    references = list(_references(splits, most))
    near = min(splits.own_size or splits.image_shape[:2]) >= SMALLEST
    digests: list[bytes] = []
    values = [np.empty((0, SIDE * SIDE), np.float32)]
    for images in _pixels(splits, most):
        digests += [blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        if near:
            values.append(frequencies(images))
    pairs = _exact(references, digests)
    if near:
        copies = {pair.second for pair in pairs}
        rest = [row for row, reference in enumerate(references) if reference not in copies]
        pairs += _near([references[row] for row in rest], np.concatenate(values)[rest])
    pairs.sort(
        key=lambda pair: (not pair.across, not pair.labels_differ, not pair.exact, pair.bits)
    )
    return Duplicates(tuple(pairs), sum(splits.counts.values()), len(references), near)


def find_small_images(
    splits: Splits, *, factor: float = 2.0, most: int = MOST
) -> tuple[SmallImage, ...]:
    """Finds images that are enlarged by `factor` or more on a side: there is little in them to see.

    Where images differ in size, the headers of their files say how large they are, which is fast.

    Args:
        splits: A loaded source.
        factor: Above 1.
        most: Larger sources are sampled, evenly from each split, to so many images.

    Raises:
        DataError: A file that could be read when the source was loaded now cannot.
    """
    if factor <= 1:
        raise InputError(f"`factor` must be above 1. Received: {factor}.")
    height, width = splits.image_shape[:2]

    def enlarged(small: SmallImage) -> bool:
        return max(height / small.height, width / small.width) >= factor

    if splits.own_size is not None:
        everything = (SmallImage(image, *splits.own_size) for image in _references(splits, most))
        return tuple(small for small in everything if enlarged(small))
    images = [image for image in _references(splits, most) if image.path is not None]
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(small for small in pool.map(_measured, images) if enlarged(small))


def _measured(image: ImageReference) -> SmallImage:
    path = Path(str(image.path))
    try:
        header = read_header(path)
    except UnreadableImage as error:
        raise DataError(f"{path} can no longer be read: {error}.") from error
    return SmallImage(image, header.height, header.width)


def _references(splits: Splits, most: int) -> Iterator[ImageReference]:
    for split, positions in _sampled(splits, most):
        paths, labels = splits.paths(split), splits.labels(split)
        for position in positions.tolist():
            path = paths[position] if paths else None
            yield ImageReference(split, position, int(labels[position]), path)


def _sampled(splits: Splits, most: int) -> Iterator[tuple[str, np.ndarray]]:
    if most < len(splits.counts):
        raise InputError(f"`most` must be at least {len(splits.counts)}. Received: {most}.")
    total = sum(splits.counts.values())
    for split, count in splits.counts.items():
        wanted = count if total <= most else max(1, count * most // total)
        yield split, np.linspace(0, count - 1, wanted).round().astype(np.int64)


def _pixels(splits: Splits, most: int) -> Iterator[np.ndarray]:
    """The images of `_references`, many at a time."""
    for split, positions in _sampled(splits, most):
        for start in range(0, len(positions), _BLOCK):
            yield splits.take(split, positions[start : start + _BLOCK])[0]


def _exact(references: list[ImageReference], digests: list[bytes]) -> list[DuplicatePair]:
    first: dict[bytes, ImageReference] = {}
    pairs = []
    for reference, digest in zip(references, digests, strict=True):
        if digest in first:
            pairs.append(DuplicatePair(first[digest], reference, exact=True, bits=0))
        else:
            first[digest] = reference
    return pairs


def _near(references: list[ImageReference], values: np.ndarray) -> list[DuplicatePair]:
    begin: dict[str, int] = {}  # where each split begins
    for row, reference in enumerate(references):
        begin.setdefault(reference.split, row)
    begins = np.array([begin[reference.split] for reference in references])
    hashes = np.where(signs(values), np.float32(1), np.float32(-1))
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions = values / np.where(lengths > 0, lengths, 1)  # 0 for an image of one colour
    pairs = []
    for start in range(0, len(references), _BLOCK):
        block = hashes[start : start + _BLOCK]
        bits = (SIDE * SIDE - block @ hashes[: start + len(block)].T) / 2
        rows, columns = np.nonzero(bits <= MOST_BITS)
        rows, columns = rows[columns < rows + start], columns[columns < rows + start]
        likeness = (directions[rows + start] * directions[columns]).sum(axis=1)
        alike = likeness >= LEAST_LIKENESS
        rows, columns, likeness = rows[alike], columns[alike], likeness[alike]
        # An image of an earlier split comes before all of the own, then the closest one.
        order = np.lexsort((-likeness, columns >= begins[rows + start], rows))
        _, first = np.unique(rows[order], return_index=True)
        pairs += [
            DuplicatePair(
                references[column],
                references[row + start],
                exact=False,
                bits=int(bits[row, column]),
            )
            for row, column in zip(rows[order][first], columns[order][first], strict=True)
        ]
    return pairs
