"""Which folders of a source are its splits and which are its classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kerascnn.data.folders.split_names import SPLITS, split_of
from kerascnn.data.folders.tree import children, has_images, holds_images
from kerascnn.errors import DataError
from kerascnn.names import shown

_DEEPEST = 4  # folders in one another that hold nothing but the next one

ARRANGEMENT = (
    "Put the images of each class into a folder of its own: SOURCE/cat/1.jpg, SOURCE/dog/2.jpg "
    "(or SOURCE/train/cat/..., SOURCE/validation/cat/..., SOURCE/test/cat/...)."
)


@dataclass(frozen=True)
class Layout:
    """The folders that hold the class folders: one for each split, or one for all images.

    Attributes:
        splits: By split, its folder; only "train" for a source that is not split yet.
        is_split: Whether the source is split already.
        notes: What was decided without being asked.
        warnings: The same, where it must not be missed.
    """

    splits: dict[str, Path]
    is_split: bool
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class _Said:
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find_layout(root: Path) -> Layout:
    """Returns the splits of a folder, or the folder whose sub-folders are its classes.

    A folder whose name says that it is a split is one if class folders lie in it. A folder that
    holds nothing but another one is passed through.

    Raises:
        DataError: Splits beside other folders of images, without a training set, without class
            folders, or two of one kind: what could only be guessed.
    """
    said = _Said()
    folder = _pass_through(root, said, to_splits=True)
    splits = _find_splits(folder, said)
    is_split = splits is not None
    if splits is None:
        splits = {"train": folder}
    else:
        for split, path in splits.items():
            where = f", in {shown(path.name)}/" if path.name != split else ""
            if split != "train" or where:
                said.notes.append(f"{split}: the source's own{where}")
        splits = {split: _pass_through(path, said) for split, path in splits.items()}
    return Layout(splits, is_split, tuple(said.notes), tuple(said.warnings))


def _pass_through(folder: Path, said: _Said, to_splits: bool = False) -> Path:
    """Returns the first folder at or below `folder` that holds more than one folder of images.

    With `to_splits` it may also hold a training set alone.
    """
    top = folder
    for _ in range(_DEEPEST):
        folders = children(folder)[0]
        if has_images(folder):
            break
        full = [path for path in folders if holds_images(path)]
        inside = [path for path in children(full[0])[0] if holds_images(path)] if full else []
        if len(full) != 1 or not inside or has_images(full[0]):
            break
        if to_splits and split_of(full[0].name) == "train":
            break
        empty = [path.name for path in folders if path != full[0]]
        if empty:
            said.notes.append(f"without images, so not used: {_some(empty)}")
        folder = full[0]
    if folder != top:
        said.notes.append(f"the classes of {shown(top)} are in {shown(folder.relative_to(top))}/")
    return folder


def _find_splits(root: Path, said: _Said) -> dict[str, Path] | None:
    """Returns the folder of each split if `root` is split already, else None."""
    folders = children(root)[0]
    roles = {path: split_of(path.name) for path in folders}
    if not any(roles.values()):
        return None
    full = [path for path in folders if holds_images(path)]
    named = [path for path in full if roles[path]]
    splits = [path for path in named if any(holds_images(inner) for inner in children(path)[0])]
    others = [path for path in full if not roles[path]]
    if not splits:
        _refuse_flat_splits(root, named, others, said)
        return None
    if others:
        raise DataError(
            f"{shown(root)} holds the split folder(s) {_some(path.name for path in splits)} beside "
            f"other folders of images, {_some(path.name for path in others)}. Expected either "
            "splits (such as train, validation, test) or classes. Move the others away, or make "
            "one of the folders the source."
        )
    found: dict[str, Path] = {}
    for path in named:
        role = str(roles[path])
        if role in found:
            raise DataError(
                f"{shown(root)} has two folders for one split: {found[role].name} and {path.name}. "
                "Expected one for each of train, validation and test. Merge them or move one away."
            )
        found[role] = path
    flat = [role for role, path in found.items() if path not in splits]
    for role in flat:
        if role != "train":
            said.warnings.append(
                f"{found[role].name}/ is not used: it has images but no class folders"
            )
            del found[role]
    if "train" not in found or "train" in flat:
        raise DataError(
            f"{shown(root)} holds {_some(path.name for path in splits)}, but no training set with "
            f"class folders. Expected a folder train beside them. {ARRANGEMENT}"
        )
    unused = [path.name for path in folders if path not in full]
    if unused:
        said.notes.append(f"without images, so not used: {_some(unused)}")
    return {split: found[split] for split in SPLITS if split in found}


def _refuse_flat_splits(
    root: Path, named: Sequence[Path], others: Sequence[Path], said: _Said
) -> None:
    """Folders of images that are called as splits are, without class folders in them."""
    names = _some(path.name for path in named)
    if len({split_of(path.name) for path in named}) > 1 or (named and not others):
        raise DataError(
            f"the folders {names} of {shown(root)} hold images, but no class folders. {ARRANGEMENT}"
        )
    if named:
        said.warnings.append(
            f"the folder {names} is taken as a class, like {_some(path.name for path in others)} "
            "beside it, though it bears the name of a split"
        )


def check_nesting(
    classes: Sequence[str], inner: Sequence[frozenset[str]], direct: Sequence[bool], where: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns notes and warnings on class folders with folders in them.

    Args:
        classes: The names of the class folders.
        inner: Of each, the names of the folders of images in it.
        direct: Of each, whether images lie in it directly.
        where: The folder that holds the class folders.

    Raises:
        DataError: Folders that look like splits or classes one level further in.
    """
    nested = [place for place, names in enumerate(inner) if names]
    if not nested:
        return (), ()
    for place in nested:
        roles = sorted(name for name in inner[place] if split_of(name))
        if roles:
            raise DataError(
                f"{shown(where / classes[place])} holds the folder(s) {_some(roles)}, which are "
                f"called as splits are. Expected splits outside and classes inside. {ARRANGEMENT}"
            )
    own = {name.casefold() for name in classes}
    hollow = [place for place in nested if not direct[place]]
    lists = [{name.casefold() for name in inner[place]} for place in hollow]
    repeated = {
        name
        for place, names in enumerate(lists)
        for name in names
        if name in own or any(name in other for other in lists[place + 1 :])
    }
    several = any(len(names) > 1 for names in lists)
    if several and 2 * len(repeated) >= len(set().union(*lists)):
        raise DataError(
            f"{shown(where)}: the folders {_some(classes[place] for place in hollow)} hold no "
            f"images themselves but folders of the same names, {_some(sorted(repeated))}: are "
            "these the classes? Make one of the outer folders the source, or name them train, "
            "validation and test; if the outer ones are the classes, take the images out of the "
            "inner folders."
        )
    count = sum(len(inner[place]) for place in nested)
    if len(hollow) == len(classes):
        return (), (
            f"the {len(classes)} classes are the outer folders {_some(classes)}; they hold only "
            f"folders, whose images were counted to them: {_some(sorted(set().union(*inner)))}",
        )
    if hollow:
        names = _some(classes[place] for place in hollow)
        return (), (
            f"class folder(s) that hold only folders: {names}. Their images were counted to them, "
            "from all folders inside",
        )
    return (f"images in {count} folder(s) inside class folders were counted to the classes",), ()


def _some(names: Iterable[str]) -> str:
    listed = [shown(name) for name in names]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
