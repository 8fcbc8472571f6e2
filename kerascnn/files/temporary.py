"""Temporary folders that do not outlive their process, however it ends."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerascnn.files.claims import claim, real, temporary_name


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder among the machine's temporary files, removed at the end.

    That of a process which was killed is removed by the next process that makes one.
    """
    name = real(Path(tempfile.gettempdir())) / f"kerascnn-{secrets.token_hex(4)}"
    with claim(name):
        folder = temporary_name(name)
        folder.mkdir(mode=0o700)
        owner = os.getpid()
        try:
            yield folder
        finally:
            if os.getpid() == owner:  # not in a process that was forked inside
                shutil.rmtree(folder, ignore_errors=True)
