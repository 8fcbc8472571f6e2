"""What can be said of a command's arguments at once, before TensorFlow is loaded."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascnn.errors import DataError, InputError
from kerascnn.files import Kind, refuse_existing, user_path


def check_model(
    path: str, weights: str | None = None, options: Mapping[str, Any] | None = None
) -> None:
    """Raises InputError unless `path` is there, or names an architecture that has the weights.

    Args:
        path: As `kerascnn.predictors.open_predictors` takes it, like the other arguments.
    """
    if user_path(path, "model").exists():
        return
    from kerascnn import catalog
    from kerascnn.catalog import published

    names = {name.lower(): name for name in catalog.list_models()}
    if path.lower() in names:
        entry = catalog.find(path)
        catalog.check_options(entry, options or {})
        if weights is not None:
            published.local_file(entry.name, weights)
        return
    if weights is not None:
        catalog.find(path)  # raises, with near names
    near = difflib.get_close_matches(path.lower(), names, n=1, cutoff=0.8)
    hint = f" Did you mean the architecture {names[near[0]]}?" if near else ""
    raise InputError(f"no such file or folder: {path}.{hint}")


def check_images(paths: Sequence[str]) -> None:
    """Raises DataError where none of the images is there; one that is missing is told later."""
    if not any(user_path(path, "image file").exists() for path in paths):
        raise DataError(f"{paths[0]}: no such file.")


def check_data(source: str | None, task: str = "auto", data_dir: str | None = None) -> None:
    """Raises DataError where there is no such data source."""
    if source is not None:
        from kerascnn import data

        data.check_source(source, task, data_dir)


def check_output(path: str, kind: Kind, overwrite: bool, suffixes: Sequence[str] = ()) -> Path:
    """The path to write, `~` expanded.

    Args:
        path: Of the option --out, or another that names a file to write.
        kind: What will be written.
        overwrite: Whether one of this kind may be replaced.
        suffixes: One of these must end the name, if there are any.

    Raises:
        InputError: Another suffix.
        OutputExistsError: It may not be written.
    """
    found = user_path(path, "path to write")
    if suffixes and found.suffix.lower() not in suffixes:
        raise InputError(f"expected a {' or '.join(suffixes)} file to write. Received: {path}.")
    refuse_existing(found, kind, overwrite)
    return found


def check_apart(outputs: Mapping[str, Path]) -> None:
    """Raises InputError where two options, by their names, mean one place."""
    seen: dict[Path, str] = {}
    for name, path in outputs.items():
        place = path.resolve()
        if place in seen:
            raise InputError(f"--{seen[place]} and --{name} name one place: {path}.")
        seen[place] = name
