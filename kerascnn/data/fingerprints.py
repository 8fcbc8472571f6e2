"""Knowing a source again where it has moved: by the names and sizes of its files."""

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.annotated_source import DETECTION, annotation_files
from kerascnn.data.csv_source import list_table
from kerascnn.data.folders.folder import list_folder
from kerascnn.data.loading import check_source, is_table_file
from kerascnn.files import PathLike


@dataclass(frozen=True)
class Fingerprint:
    """What a folder or table of images has in common with its copies.

    Attributes:
        files: How many files there are.
        bytes: Their sizes together.
        sha256: Of their names, relative to the source, and sizes.
    """

    files: int
    bytes: int
    sha256: str


def fingerprint(source: PathLike, task: str = "auto") -> Fingerprint | None:
    """The fingerprint of a source, of which no image is opened; None where it is no path.

    Names are compared in Unicode's composed form: file systems differ in that. Of detection an
    annotation file is known by itself, a folder by all its files.

    Args:
        source: As `load` takes it.
        task: Likewise.

    Raises:
        DataError: No such source, or one that `load` would not read.
    """
    path = check_source(source, task)
    if path is None:
        return None
    if task == DETECTION:
        alone = None if path.is_dir() else path
        return _of(path if alone is None else path.parent, annotation_files(path), table=alone)
    if is_table_file(path):
        return _of(path.parent, [path, *list_table(path)], table=path)
    return _of(path, [candidate.path for candidate in list_folder(path).candidates])


def _of(root: Path, files: Iterable[Path], table: Path | None = None) -> Fingerprint:
    rows = []
    for file in files:
        # A table may be renamed.
        name = "" if file == table else Path(os.path.relpath(file, root)).as_posix()
        rows.append((unicodedata.normalize("NFC", name), file.stat().st_size))
    digest = hashlib.sha256()
    for name, size in sorted(rows):
        digest.update(os.fsencode(name) + f"\0{size}\n".encode())
    return Fingerprint(len(rows), sum(size for _, size in rows), digest.hexdigest())
