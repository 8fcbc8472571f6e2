"""What the readers of formats hand over, before pictures are opened and boxes are checked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.form.class_file import ClassEntry
from kerascnn.data.annotations.form.mask_table import MaskTable
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import Box, Task
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.folders.folder import SkippedFile


@dataclass(slots=True)
class RawObject:
    """An object as its file states it.

    Attributes:
        name: Its class.
        box: (x0, y0, x1, y1) in the units of `RawImage`; None to take that of the outline.
        outline: In the same units.
        where: For messages: "annotation 17", "line 3".
    """

    name: str
    box: Box | None
    outline: Polygons | Rle | None = None
    crowd: bool = False
    difficult: bool = False
    area: float | None = None
    where: str = ""


@dataclass(slots=True)
class RawImage:
    """A picture as its annotation states it.

    Attributes:
        path: Its file.
        where: The annotation file, for messages.
        stated: Width and height as the annotation says, None if it does not.
        fractions: Whether coordinates are shares 0..1 of width and height, rather than pixels.
    """

    path: Path
    where: str
    objects: list[RawObject] = field(default_factory=list)
    split: str | None = None
    stated: tuple[float, float] | None = None
    fractions: bool = False
    mask: Path | None = None
    mask_size: tuple[int, int] | None = None  # width and height
    mask_classes: tuple[int, ...] = ()
    foreground: str | None = None  # the class of the mask's foreground in this picture


@dataclass
class RawSet:
    """Everything a reader found.

    Attributes:
        images: One for each record; two of one file become one later.
        names: The classes in their order, None to sort those that objects have.
        unnamed: Whether objects have no class names: all are called `names.UNNAMED`.
        note_unused: Whether pictures beside the annotated ones are worth a note.
        remedy: What to do if no object can be used.
        table: For mask files, how their values become classes; `names` are then those of values.
        pixel_counts: For mask files, the pixels of each class.
        misfits: Masks that do not fit their picture.
        kept: What must live as long as the set, such as a temporary folder.
    """

    images: list[RawImage] = field(default_factory=list)
    names: tuple[str, ...] | None = None
    skipped: list[SkippedFile] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    notes: list[str] = field(default_factory=list)
    unnamed: bool = False
    note_unused: bool = True
    remedy: str = ""
    table: MaskTable | None = None
    pixel_counts: tuple[int, ...] = ()
    misfits: list[str] = field(default_factory=list)
    kept: Any = None


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the caller of `read_annotations` asked for, checked.

    Attributes:
        task: What labels are for.
        pictures: The folder of the pictures, None to look beside the annotations.
        classes: Names of classes in their order, and mask values or colours of theirs; None to
            take those of the source.
        ignore: Mask values to ignore, None to find them.
        foreground: What the foreground of two-valued masks is: see `read_annotations`.
        decode: Whether every picture is decoded, so that a truncated one is found now.
    """

    task: Task
    pictures: Path | None = None
    classes: tuple[ClassEntry, ...] | None = None
    ignore: tuple[int, ...] | None = None
    foreground: str | Callable[[str], str] | None = None
    decode: bool = True

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of `classes`."""
        return None if self.classes is None else tuple(entry.name for entry in self.classes)
