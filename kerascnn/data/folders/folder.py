"""Finding the images of a folder: which class and which split each file belongs to."""

from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.folders.layout import ARRANGEMENT, check_nesting, find_layout
from kerascnn.data.folders.skipped import SkippedFile, looks_like_an_image
from kerascnn.data.folders.tree import children, may_be_an_image, walk, why_not_a_file
from kerascnn.errors import DataError
from kerascnn.names import alike_but_for_case, class_names, same_form, shown

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


@dataclass(frozen=True)
class Candidate:
    """A file that may be an image of a class. `key` is its path below the split, with "/"."""

    path: Path
    key: str
    split: str  # "train" for a folder that is not split yet
    label: int


@dataclass(frozen=True)
class Listing:
    """The files of a folder of class folders, in the order split, class, path."""

    class_names: tuple[str, ...]
    splits: tuple[str, ...]  # ("train",) for a folder that is not split yet
    candidates: tuple[Candidate, ...]
    strays: tuple[SkippedFile, ...]
    folders: frozenset[tuple[str, int]] = frozenset()  # split and label of each class folder
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def list_folder(root: Path) -> Listing:
    """Returns the files in the class folders of `root`, without opening any.

    Raises:
        DataError: `root` is missing, a file, empty, without class folders or with only one; its
            folders are neither clearly splits nor clearly classes; or a split has classes that the
            training set lacks.
    """
    if not root.is_dir():
        remedy = ARRANGEMENT
        if root.suffix.lower() in _ARCHIVES:
            remedy = "Unpack the archive, and make the folder the source."
        elif root.suffix.lower() in _WORKBOOKS:
            remedy = "Save the table as CSV (UTF-8), and make that the source."
        raise DataError(
            f"{shown(root)} is a file, a folder of class folders was expected. {remedy}"
        )
    layout = find_layout(root)
    strays: list[SkippedFile] = []
    for folder in dict.fromkeys((root, *layout.splits.values())):
        strays += [SkippedFile(path, "outside the class folders") for path in children(folder)[1]]
    notes, warnings = [*layout.notes], [*layout.warnings]
    classes: tuple[str, ...] = ()
    candidates: list[Candidate] = []
    folders: set[tuple[str, int]] = set()
    for split, folder in layout.splits.items():
        class_folders, files = children(folder)
        _check_folders(folder, class_folders, files, least=2 if split == "train" else 1)
        names = class_names(class_folders)
        if split == "train":
            classes = tuple(sorted(names, key=lambda name: (name.casefold(), name)))
        elif extra := [name for name in names if name not in classes]:
            raise DataError(
                f"{shown(folder)} does not hold the classes of {shown(layout.splits['train'])}: "
                f"missing {sorted(set(classes) - set(names)) or 'none'}, extra {sorted(extra)}. A "
                "class needs training images. Rename or remove the extra folders."
            )
        elif missing := [name for name in classes if name not in names]:
            warnings.append(f"{split} has no folder of the class(es) {', '.join(missing[:5])}")
        places = {name: place for place, name in enumerate(classes)}
        present = dict(sorted(zip(names, class_folders, strict=True), key=lambda p: places[p[0]]))
        folders |= {(split, places[name]) for name in present}
        inner: list[frozenset[str]] = []
        direct: list[bool] = []
        for name, class_folder in present.items():
            found = _files_below(class_folder, strays)
            for path in found:
                key = same_form(path.relative_to(folder).as_posix())
                candidates.append(Candidate(path, key, split, places[name]))
            images = [path for path in found if may_be_an_image(path.name)]
            direct.append(any(path.parent == class_folder for path in images))
            below = (path.relative_to(class_folder).parts for path in images)
            inner.append(frozenset(parts[0] for parts in below if len(parts) > 1))
        said = check_nesting([path.name for path in present.values()], inner, direct, folder)
        notes += said[0]
        warnings += said[1]
    warnings += [
        f"the classes {first!r} and {second!r} differ only in upper and lower case"
        for first, second in alike_but_for_case(classes)[:3]
    ]
    return Listing(
        classes,
        tuple(layout.splits),
        tuple(candidates),
        tuple(strays),
        frozenset(folders),
        tuple(notes),
        tuple(warnings),
    )


def _check_folders(folder: Path, class_folders: list[Path], files: list[Path], least: int) -> None:
    if not class_folders and not files:
        raise DataError(f"{shown(folder)} is empty. {ARRANGEMENT}")
    if not class_folders:
        images = sum(looks_like_an_image(path) for path in files)
        tables = [path.name for path in files if path.suffix.lower() in (".csv", ".tsv")]
        remedy = (
            f"If {shown(tables[0])} names them, make {shown(folder / tables[0])} the source."
            if tables
            else ARRANGEMENT
        )
        raise DataError(
            f"{shown(folder)} has no class folders; {images} image file(s) lie directly in it. "
            f"{remedy}"
        )
    if len(class_folders) < least:
        raise DataError(
            f"{shown(folder)} has only one class folder, {shown(class_folders[0].name)!r}; at "
            f"least two classes are needed. {ARRANGEMENT}"
        )


def _files_below(class_folder: Path, strays: list[SkippedFile]) -> list[Path]:
    """Returns the regular files of a class folder; other entries join `strays`."""
    children(class_folder)  # one that may not be read is an error, not an empty class
    found = []
    for parent, names in walk(class_folder, strays):
        for name in names:
            reason = why_not_a_file(parent / name)
            if reason is None:
                found.append(parent / name)
            else:
                strays.append(SkippedFile(parent / name, reason))
    return found
