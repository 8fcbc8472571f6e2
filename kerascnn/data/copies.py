"""Files that are the same byte for byte: between splits a leak, between classes an error."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from kerascnn.files import open_regular
from kerascnn.names import shown

_CHUNK = 2**20


def find_copies(
    paths: Sequence[Path], labels: np.ndarray, rows: Mapping[str, np.ndarray]
) -> tuple[str, ...]:
    """Returns a warning for copies across splits, and one for copies with different labels.

    Only files of one length are read.

    Args:
        paths: Of all images; none of a source without files.
        labels: Of all images.
        rows: The images of each split.
    """
    if not paths:
        return ()
    split_of = {int(row): split for split, part in rows.items() for row in part}
    across, differ = [], []
    for copies in _groups(paths):
        splits = {split_of[row] for row in copies if row in split_of}
        if len(splits) > 1:
            across.append(copies)
        if any((labels[row] != labels[copies[0]]).any() for row in copies):
            differ.append(copies)
    warnings = []
    if across:
        warnings.append(
            f"{len(across)} image(s) lie in more than one of {', '.join(rows)} as copies of one "
            f"file, so that scores come out too good; the first: {_pair(paths, across[0])}"
        )
    if differ:
        warnings.append(
            f"{len(differ)} image(s) have copies with another label; the first: "
            f"{_pair(paths, differ[0])}"
        )
    return tuple(warnings)


def _groups(paths: Sequence[Path]) -> list[list[int]]:
    """Returns the rows of each content that more than one file has."""
    lengths: defaultdict[int, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        try:
            lengths[path.stat().st_size].append(row)
        except OSError:
            continue  # gone since it was read: whoever reads it next says so
    contents: defaultdict[bytes, list[int]] = defaultdict(list)
    for group in lengths.values():
        for row in group if len(group) > 1 else ():
            try:
                contents[_digest(paths[row])].append(row)
            except OSError:
                continue
    return [group for group in contents.values() if len(group) > 1]


def _digest(path: Path) -> bytes:
    digest = blake2b(digest_size=16)
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _pair(paths: Sequence[Path], copies: Sequence[int]) -> str:
    first, second = paths[copies[0]], paths[copies[1]]
    return f"{shown(second)} = {shown(first)}"
