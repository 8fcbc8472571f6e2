"""Paths as users write them."""

import os
from pathlib import Path

from kerascnn.errors import InputError

PathLike = str | os.PathLike[str]


def user_path(path: PathLike, what: str = "path") -> Path:
    """The path that a user means: `~` and `~name` at its start are home folders.

    Args:
        path: As it was given.
        what: What to call it in the message.

    Raises:
        InputError: An empty path, one with a null character, or not a path at all.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"expected a {what}, as text or pathlib.Path. Received: {path!r}.")
    text = os.fsdecode(path)
    if not text or "\0" in text:
        reason = "it is empty" if not text else "it holds a null character"
        raise InputError(f"not a {what}: {reason}. Received: {text!r}.")
    return Path(os.path.expanduser(text))
