"""`read_annotations`: one call from a folder, a file or a TFDS set to an AnnotationSet."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.form.class_file import (
    ClassEntry,
    check_entries,
    from_value,
    read_class_file,
)
from kerascnn.data.annotations.form.raw import RawSet, Wish
from kerascnn.data.annotations.form.structure import AnnotationSet, Task
from kerascnn.data.annotations.formats.coco import read_coco
from kerascnn.data.annotations.formats.csv_boxes import read_csv_boxes
from kerascnn.data.annotations.formats.cvat import read_cvat
from kerascnn.data.annotations.formats.finding import PREFERENCE, find_format
from kerascnn.data.annotations.formats.labelme import read_labelme
from kerascnn.data.annotations.formats.masks import read_masks
from kerascnn.data.annotations.formats.tfds_boxes import read_tfds_annotations
from kerascnn.data.annotations.formats.via import read_via
from kerascnn.data.annotations.formats.voc import read_voc
from kerascnn.data.annotations.formats.voc_instances import read_voc_instances
from kerascnn.data.annotations.formats.yolo import read_yolo
from kerascnn.data.annotations.resolve import resolve
from kerascnn.errors import DataError, InputError
from kerascnn.files import PathLike
from kerascnn.names import shown

Reader = Callable[[Sequence[tuple[str | None, Path]], Path, Wish], RawSet]
_READERS: dict[str, Reader] = {
    "coco": read_coco,
    "voc": read_voc,
    "yolo": read_yolo,
    "labelme": read_labelme,
    "via": read_via,
    "cvat": read_cvat,
    "csv": read_csv_boxes,
    "voc_instances": read_voc_instances,
    "masks": read_masks,
}
_TFDS = "tfds:"


def read_annotations(
    source: PathLike,
    task: Task = "detection",
    *,
    format: str | None = None,
    pictures: PathLike | None = None,
    class_names: PathLike | Sequence[str] | Mapping[str, Any] | None = None,
    ignore: Sequence[int] | None = None,
    foreground: str | Callable[[str], str] | None = None,
    decode: bool = True,
    data_dir: PathLike | None = None,
) -> AnnotationSet:
    """Reads the boxes, outlines or masks of pictures, in any of the formats of `FORMATS`.

    What can be mended is mended, what cannot is dropped or skipped, and `notes` and `skipped` of
    the result say so with counts and the first places.

    Args:
        source: A folder of pictures and annotations, an annotation file, or "tfds:NAME".
        task: "detection": objects with boxes, and outlines where there are some. "segmentation":
            the class of each pixel, from mask files or drawn from outlines.
        format: The format to read where there are several, one of `FORMATS`; None decides.
        pictures: The folder of the pictures, where it is not beside the annotations.
        class_names: The classes in their order; None takes those of the source. For masks also a
            mapping from names to values, or to colours (red, green, blue), or a file of any form
            that `read_class_file` knows.
        ignore: Values of masks that are to be ignored; None finds them.
        foreground: For masks of background and one class: the name of that class; "species" or
            "breed" of the Oxford-IIIT Pet set; or a function from the stem of a picture's file
            name to the class of its foreground.
        decode: Whether every picture is decoded once, so that damaged ones are found now. If not,
            only their heads are read.
        data_dir: The folder of prepared TFDS sets.

    Raises:
        DataError: Nothing that can be used, or something that cannot be understood; the message
            says what, and what to do.
        InputError: An argument that cannot be used.
    """
    if task not in PREFERENCE:
        raise InputError(
            f"task must be one of {', '.join(PREFERENCE)}. Received: {shown(repr(task))}."
        )
    wish = Wish(
        task=task,
        pictures=_folder(pictures),
        classes=_classes(class_names),
        ignore=_ignore(ignore),
        foreground=_foreground(foreground),
        decode=decode,
    )
    name = os.fspath(source)
    if name.startswith(_TFDS):
        if format is not None:
            raise InputError("format is for folders and files. Leave it out for a TFDS set.")
        if pictures is not None:
            raise InputError("pictures is for folders and files. Leave it out for a TFDS set.")
        _check_mask_arguments(wish, task == "segmentation")
        folder = data_dir or os.environ.get("TFDS_DATA_DIR") or None
        raw = read_tfds_annotations(name.removeprefix(_TFDS), folder, wish)
        root = raw.kept.path
        return resolve(raw, wish, "tfds", name, root)
    if data_dir is not None:
        raise InputError(f'data_dir belongs to sources "tfds:NAME"; the source is {shown(name)}.')
    found = find_format(source, task, format, wish.pictures)
    _check_mask_arguments(wish, found.format == "masks")
    raw = _READERS[found.format](found.parts, found.root, wish)
    raw.notes[:0] = found.notes
    return resolve(raw, wish, found.format, name, found.root)


def _check_mask_arguments(wish: Wish, has_masks: bool) -> None:
    for name in ("ignore", "foreground"):
        if getattr(wish, name) is not None and not has_masks:
            raise InputError(f"{name} is for mask files, and none are read here. Leave it out.")


def _folder(pictures: PathLike | None) -> Path | None:
    if pictures is None:
        return None
    path = Path(pictures).expanduser()
    if not os.path.isdir(path):
        raise DataError(f"no such folder of pictures: {shown(path)}.")
    return path


def _classes(
    given: PathLike | Sequence[str] | Mapping[str, Any] | None,
) -> tuple[ClassEntry, ...] | None:
    if given is None:
        return None
    if isinstance(given, (str, os.PathLike)):
        path = Path(given).expanduser()
        if not os.path.isfile(path):
            raise InputError(
                f"class_names is {shown(repr(os.fspath(given)))}, which is no file. Expected a "
                "list of names, a mapping, or a file of names."
            )
        return read_class_file(path)
    return check_entries(from_value(given, "class_names"), "class_names")


def _ignore(values: Sequence[int] | None) -> tuple[int, ...] | None:
    if values is None:
        return None
    if isinstance(values, str) or not all(type(value) is int and value >= 0 for value in values):
        raise InputError(
            f"ignore must be a list of values of masks, 0 or more. Received: {shown(repr(values))}."
        )
    return tuple(values)


def _foreground(value: Any) -> str | Callable[[str], str] | None:
    if value is None or callable(value) or (isinstance(value, str) and value.strip()):
        return value
    raise InputError(f"foreground must be a name or a function. Received: {shown(repr(value))}.")
