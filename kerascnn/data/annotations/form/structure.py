"""The one form of all annotations: pictures with their objects, whatever file they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from kerascnn.data.annotations.form.mask_table import IGNORED_PIXEL, MaskTable
from kerascnn.data.annotations.form.orientation import turn
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import shown

Task = Literal["detection", "segmentation"]
Box = tuple[float, float, float, float]
SPLITS = ("train", "validation", "test")
BACKGROUND = "background"
IGNORED = -1  # the label of a region that is to be ignored, in segmentation only


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """An object in a picture.

    Attributes:
        label: Its class, a place in `AnnotationSet.class_names`; IGNORED for a region that is to be
            ignored (in segmentation only).
        box: (x0, y0, x1, y1): left, top, right, bottom edge in pixels of the decoded, upright
            picture, from its top left corner. The first pixel reaches from 0 to 1; fractions occur.
            0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height.
        crowd: Whether it is a group of objects (COCO's `iscrowd`), to be left out of the score.
        difficult: Whether it is hard to recognise (Pascal VOC's `difficult`).
        area: Its pixels, where the source says; else None.
        outline: Its pixels as polygons or runs, where the source has them; else None.
    """

    label: int
    box: Box
    crowd: bool = False
    difficult: bool = False
    area: float | None = None
    outline: Polygons | Rle | None = None

    def mask(self, height: int, width: int) -> np.ndarray | None:
        """Returns its pixels as uint8 `[height, width]` of 0 and 1; None without an outline."""
        if isinstance(self.outline, Polygons):
            return self.outline.mask(height, width)
        return None if self.outline is None else self.outline.mask()

    @property
    def size(self) -> float:
        """Its area in pixels: as the source says, or else that of its runs or its box."""
        if self.area is not None:
            return self.area
        if isinstance(self.outline, Rle):
            return float(self.outline.area)
        x0, y0, x1, y1 = self.box
        return (x1 - x0) * (y1 - y0)


@dataclass(frozen=True, slots=True)
class MaskFile:
    """An image file that holds a class for each pixel of a picture.

    Attributes:
        path: The file.
        classes: The classes that its pixels have.
        orientation: The EXIF orientation of the picture, if the mask was drawn before it was
            applied; else 1.
        foreground: The class of pixels of class 1 in this picture, None for class 1 itself.
    """

    path: Path
    classes: tuple[int, ...]
    orientation: int = 1
    foreground: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """A picture and what is in it.

    Attributes:
        path: Its file.
        key: Its path below the source, with "/": a name for drawing splits.
        height: Rows of pixels once decoded and upright (EXIF orientation applied).
        width: Columns, likewise.
        objects: In the order of the source; none is background.
        split: "train", "validation" or "test" where the source says, else None.
        mask: Its file of pixel classes, if the source has them.
    """

    path: Path
    key: str
    height: int
    width: int
    objects: tuple[AnnotatedObject, ...] = ()
    split: str | None = None
    mask: MaskFile | None = None

    @property
    def boxes(self) -> np.ndarray:
        """The boxes of all objects, float32 `[n, 4]`, as `AnnotatedObject.box`."""
        return np.array([o.box for o in self.objects], np.float32).reshape(-1, 4)

    @property
    def labels(self) -> np.ndarray:
        """The classes of all objects, int32 `[n]`."""
        return np.array([o.label for o in self.objects], np.int32)

    @property
    def crowds(self) -> np.ndarray:
        """Which objects are crowds, bool `[n]`."""
        return np.array([o.crowd for o in self.objects], bool)

    @property
    def difficult(self) -> np.ndarray:
        """Which objects are difficult, bool `[n]`."""
        return np.array([o.difficult for o in self.objects], bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotationSet:
    """Annotated pictures of one source.

    Attributes:
        images: The usable pictures, in the order split, path.
        class_names: What labels stand for. In segmentation they name the values of masks, and
            class 0 of objects drawn as outlines is "background".
        task: "detection" or "segmentation".
        format: The format that was read, one of `FORMATS`.
        source: What was read.
        skipped: Files that are not used, with the reason.
        notes: What was decided, mended or dropped, with counts and the first places.
        pixel_counts: Pixels of each class in all masks, where the source has mask files.
    """

    images: tuple[AnnotatedImage, ...]
    class_names: tuple[str, ...]
    task: Task
    format: str
    source: str
    skipped: tuple[SkippedFile, ...] = ()
    notes: tuple[str, ...] = ()
    pixel_counts: tuple[int, ...] = ()
    _table: MaskTable | None = field(default=None, repr=False)
    _kept: Any = field(default=None, repr=False)  # a temporary folder that lives as long as this

    @property
    def official(self) -> dict[str, np.ndarray]:
        """The rows of each split that the source makes itself; "train" has those without one."""
        places = np.array([image.split or "train" for image in self.images], object)
        rows = {split: np.flatnonzero(places == split) for split in SPLITS}
        return {split: found for split, found in rows.items() if len(found)}

    @property
    def object_counts(self) -> tuple[int, ...]:
        """Objects of each class."""
        labels = [o.label for image in self.images for o in image.objects if o.label >= 0]
        return tuple(np.bincount(labels, minlength=len(self.class_names)).tolist())

    def subset(self, rows: Sequence[int] | np.ndarray) -> "AnnotationSet":
        """Returns the set with some of its pictures, in the order of `rows`."""
        return replace(self, images=tuple(self.images[int(row)] for row in rows))

    def semantic_mask(self, row: int) -> np.ndarray:
        """Returns the class of each pixel of a picture, uint8 `[height, width]`; 255 is ignored.

        Read from the picture's mask file, resized to the picture by nearest neighbour where it has
        another size; or drawn from the outlines of its objects: crowds first, then in the order of
        the source, so that the later of two overlapping objects is on top.

        Raises:
            DataError: The set was not read for segmentation, or a mask file can no longer be read.
        """
        if self.task != "segmentation":
            raise DataError(
                f"{shown(self.source)} was read for {self.task}, whose labels are no values of "
                'masks. Read it with task="segmentation".'
            )
        image = self.images[row]
        if image.mask is not None and self._table is not None:
            return read_mask(image.mask, self._table, image.height, image.width)
        out = np.zeros((image.height, image.width), np.uint8)
        for thing in sorted(image.objects, key=lambda o: not o.crowd):
            mask = thing.mask(image.height, image.width)
            if mask is not None:
                out[mask > 0] = IGNORED_PIXEL if thing.label == IGNORED else thing.label
        return out

    def instance_masks(self, row: int) -> np.ndarray:
        """Returns the pixels of each object of a picture, uint8 `[n, height, width]` of 0 and 1.

        An object without an outline has the pixels of its box.
        """
        image = self.images[row]
        out = np.zeros((len(image.objects), image.height, image.width), np.uint8)
        for plane, thing in zip(out, image.objects, strict=True):
            mask = thing.mask(image.height, image.width)
            if mask is None:
                x0, y0, x1, y1 = (round(edge) for edge in thing.box)
                plane[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = 1
            else:
                plane[...] = mask
        return out


def read_mask(file: MaskFile, table: MaskTable, height: int, width: int) -> np.ndarray:
    """Returns a mask file as classes of the pixels of an upright picture, uint8."""
    classes = turn(table.read(file.path), file.orientation)
    if classes.shape != (height, width):
        resized = Image.fromarray(np.ascontiguousarray(classes)).resize(
            (width, height), Image.Resampling.NEAREST
        )
        classes = np.asarray(resized)
    if file.foreground is None:
        return classes
    return np.where(classes == 1, np.uint8(file.foreground), classes)
