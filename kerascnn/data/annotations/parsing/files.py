"""Finding files below a folder, and the pictures that annotations name."""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.folders.skipped import looks_like_an_image
from kerascnn.data.folders.split_names import WORDS
from kerascnn.errors import DataError
from kerascnn.names import shown

_SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})
# What may stand beside the name of a split in that of a folder or file: "train_images", "val2017".
_BESIDE_SPLITS = frozenset(
    {
        *("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "label"),
        *("labels", "annotation", "annotations", "annot", "mask", "masks", "set", "split", "data"),
        *("instances", "coco", "via", "region", "json", "labelme", "voc", "yolo", "annotated"),
    }
)
# Folders of annotations: pictures may lie beside the folder.
ANNOTATION_FOLDERS = frozenset(
    {"annotations", "annotation", "labels", "label", "xmls", "xml", "json", "jsons", "data"}
)


def walk(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields each folder at or below `top` and its files, both in the order of their names.

    Hidden entries are left out. Links to folders are followed; each real folder is visited once,
    so that links in a circle end.
    """
    visited: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        raise DataError(f"{shown(error.filename)} cannot be read: {error.strerror}.") from error

    for parent, folders, files in os.walk(top, followlinks=True, onerror=refuse):
        status = os.stat(parent)
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            folders.clear()
            continue
        visited.add(identity)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SYSTEM_FOLDERS
        )
        yield Path(parent), sorted(name for name in files if not name.startswith("."))


def split_of(folder: Path, root: Path) -> str | None:
    """Returns the split that the name of a folder or of one above it, below `root`, says, or None.

    The innermost decides: "train", "val2017", "test_images".
    """
    for part in reversed(folder.relative_to(root).parts):
        if split := split_of_name(part):
            return split
    return None


def split_of_file(path: Path, root: Path) -> str | None:
    """Returns the split of a file that annotates many pictures, by its name or else its folder.

    Other words in its name do not matter: "instances_train2017.json", "birds-test.csv".
    """
    return split_of_name(path.stem, strict=False) or split_of(path.parent, root)


def split_of_name(name: str, strict: bool = True) -> str | None:
    """Returns the split that a single name says, or None; if strict, with no other words beside."""
    letters = "".join(letter if letter.isalpha() else " " for letter in name.lower())
    words = [word.removesuffix("annot") or word for word in letters.split()]  # CamVid: "trainannot"
    splits = {WORDS[word] for word in words if word in WORDS}
    others = [word for word in words if word not in WORDS and word not in _BESIDE_SPLITS]
    return splits.pop() if len(splits) == 1 and not (strict and others) else None


def same_name(name: str) -> str:
    """Returns a name in the form in which names are compared: NFC, without case."""
    return unicodedata.normalize("NFC", name).casefold()


class Pictures:
    """Finds the file that an annotation means by a name, a path of another machine, or a stem."""

    def __init__(self, roots: Iterable[Path], tally: Tally, split: str | None = None) -> None:
        """Looks below `roots`, first in their folders of the split."""
        roots = list(dict.fromkeys(roots))
        self._folders = [*(_split_folders(roots, split) if split else []), *roots]
        self._roots = [root for root in roots if not any(other in root.parents for other in roots)]
        self._tally = tally
        self._by_stem: dict[str, list[Path]] | None = None

    def find(self, name: str, near: Sequence[Path] = ()) -> Path | None:
        """Returns the picture called `name`, None if there is none or it cannot be told which.

        A name is tried as it stands below the folders of `near` and the roots. Otherwise the
        picture of the same stem is taken whose folders agree best, whatever the case, the
        separator, the Unicode form and the suffix of the name.
        """
        name = name.strip().replace("\\", "/")
        if not name or "\0" in name:
            return None
        for folder in (*near, *self._folders):
            path = folder / name
            if os.path.isfile(path):  # which a name too long for the system is not
                return Path(os.path.normpath(path)) if ".." in path.parts else path
        return self._by_likeness(name, near)

    def _by_likeness(self, name: str, near: Sequence[Path]) -> Path | None:
        parts = [same_name(part) for part in name.split("/") if part not in ("", ".", "..")]
        if not parts:
            return None
        wanted = [*parts[:-1], _stem(parts[-1])]
        candidates = self._index().get(wanted[-1], []) + self._index().get(parts[-1], [])
        preferred = {*near, *self._folders}
        ranked: dict[tuple[bool, int, bool], list[Path]] = {}
        for path in dict.fromkeys(candidates):
            own = [same_name(part) for part in path.parts]
            agreed = 0
            while agreed < len(wanted) - 1 and agreed + 2 <= len(own):
                if own[-2 - agreed] != wanted[-2 - agreed]:
                    break
                agreed += 1
            rank = own[-1] == parts[-1], agreed, path.parent in preferred
            ranked.setdefault(rank, []).append(path)
        best = ranked.get(max(ranked), []) if ranked else []
        if len(best) != 1 or not best[0].is_file():
            return None
        if best[0].name != name.rsplit("/", 1)[-1]:
            self._tally.add(
                "pictures named with other case, suffix or Unicode form than their file, found",
                name,
            )
        return best[0]

    def _index(self) -> dict[str, list[Path]]:
        if self._by_stem is None:
            self._by_stem = {}
            for root in self._roots:
                for folder, files in walk(root):
                    for file in files:
                        path = folder / file
                        if looks_like_an_image(path):
                            self._by_stem.setdefault(_stem(same_name(file)), []).append(path)
        return self._by_stem


def _split_folders(roots: Iterable[Path], split: str) -> list[Path]:
    """Returns the folders of a split: ROOT/train, ROOT/images/train, ROOT/train/images."""
    found = []
    for root in roots:
        for parent in (root, root / "images"):
            if parent.is_dir():
                children = sorted(path for path in parent.iterdir() if path.is_dir())
                found += [path for path in children if split_of_name(path.name) == split]
    return [folder for path in found for folder in (path, path / "images")]


def _stem(name: str) -> str:
    """A name without the suffix of an image; other dots belong to the name."""
    path = Path(name)
    return path.stem if looks_like_an_image(path) else name


def picture_stems(folder: Path) -> dict[str, list[Path]]:
    """Returns the pictures of a folder (not of those below) by their stem, in comparable form."""
    found: dict[str, list[Path]] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if looks_like_an_image(path) and not path.name.startswith(".") and path.is_file():
                found.setdefault(same_name(path.stem), []).append(path)
    return found
