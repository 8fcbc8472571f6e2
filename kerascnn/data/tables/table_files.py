"""Finding the image files that a table names, written as people and spreadsheets write names."""

import os
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from kerascnn.data.folders.skipped import looks_like_an_image
from kerascnn.data.folders.tree import walk
from kerascnn.data.tables.table import cell_in_words, first_few
from kerascnn.errors import DataError
from kerascnn.names import same_form, shown


class AmbiguousNameError(DataError):
    """A name that several files could be meant by; the message begins with the name."""


class FileFinder:
    """Finds files by names that are relative to a folder, exactly or nearly.

    Where no file has exactly the name, these are tried in turn, and the first that gives one file
    is taken: another case, Unicode form or kind of slash; an image without its suffix; the end of
    a path from elsewhere; the bare name of an image in any folder below.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def find(self, name: str) -> Path | None:
        """Returns the file that is meant by `name`, None if there is none.

        Raises:
            AmbiguousNameError: Several files are nearly called so.
        """
        exact = self.exactly(name)
        if os.path.exists(exact) and not os.path.isdir(exact):
            return exact
        return self._find_nearly(name)

    def exactly(self, name: str) -> Path:
        """Returns the path that `name` says, whether a file is there or not."""
        return Path(os.path.normpath(self.folder / name))

    def _find_nearly(self, name: str) -> Path | None:
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return None
        for first in range(len(parts)):
            rest = "/".join(parts[first:])
            found = self._by_path[_folded(rest)] or self._by_stem[_folded(rest)]
            if found:
                return _only(name, found)
        bare = _folded(parts[0])
        if len(parts) > 1:
            return None
        return _only(name, self._by_name[bare] or self._by_name_stem[bare])

    @cached_property
    def _files(self) -> list[PurePosixPath]:
        return [
            PurePosixPath(parent.relative_to(self.folder).as_posix(), name)
            for parent, names in walk(self.folder)
            for name in names
            if looks_like_an_image(Path(name))
        ]

    def _index(self, names: Sequence[str]) -> defaultdict[str, list[Path]]:
        index: defaultdict[str, list[Path]] = defaultdict(list)
        for name, file in zip(names, self._files, strict=True):
            index[_folded(name)].append(self.folder / file)
        return index

    @cached_property
    def _by_path(self) -> defaultdict[str, list[Path]]:
        return self._index([str(file) for file in self._files])

    @cached_property
    def _by_stem(self) -> defaultdict[str, list[Path]]:
        return self._index([str(file.with_suffix("")) for file in self._files])

    @cached_property
    def _by_name(self) -> defaultdict[str, list[Path]]:
        return self._index([file.name for file in self._files])

    @cached_property
    def _by_name_stem(self) -> defaultdict[str, list[Path]]:
        return self._index([file.stem for file in self._files])


def _folded(name: str) -> str:
    return same_form(name).casefold()


def _only(name: str, found: Sequence[Path]) -> Path | None:
    if len(found) > 1:
        listed = first_few(shown(path) for path in found)
        raise AmbiguousNameError(f"{cell_in_words(name)} may be any of {listed}")
    return found[0] if found else None
