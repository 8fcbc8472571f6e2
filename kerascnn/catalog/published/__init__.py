"""Published weights: which exist for a model, where they are, and what they were trained with."""

import difflib
from pathlib import Path

from kerascnn.catalog.published import keras_files, torch_files
from kerascnn.catalog.published.locations import HubRepository as HubRepository
from kerascnn.catalog.published.locations import KerasFile as KerasFile
from kerascnn.catalog.published.locations import Published as Published
from kerascnn.catalog.published.locations import Request as Request
from kerascnn.catalog.published.locations import TorchFile as TorchFile
from kerascnn.errors import InputError
from kerascnn.files import PathLike, check_file, user_path

# Of each variant, those of keras.applications first.
TABLE: dict[str, tuple[Published, ...]] = {
    variant: (*keras_files.TABLE.get(variant, ()), *torch_files.TABLE.get(variant, ()))
    for variant in (keras_files.TABLE | torch_files.TABLE)
}


def tags(variant: str) -> tuple[str, ...]:
    """Tags of the published weights of a model, which is named like its factory."""
    return tuple(published.tag for published in TABLE.get(variant, ()))


def local_file(variant: str, weights: PathLike) -> Path | None:
    """The weight file that `weights` names; None where it is the tag of published weights.

    Raises:
        InputError: Neither a file nor a tag of this model.
    """
    known = tags(variant)
    if weights in known:
        return None
    path = user_path(weights, "weight file")
    if path.exists():
        return check_file(path, "weight file")
    listed = ", ".join(map(repr, known)) or "none"
    if path.suffix or len(path.parts) > 1:
        raise InputError(f"no such weight file: {path}. Published weights of {variant}: {listed}.")
    near = difflib.get_close_matches(str(weights), known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"{variant} has no weights {str(weights)!r}. {hint}Published ones: {listed}. Otherwise "
        "give the path of a weight file."
    )
