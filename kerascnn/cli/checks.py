"""What can be said of a command's arguments at once, before TensorFlow is loaded."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kerascnn.errors import DataError, InputError
from kerascnn.files import Kind, refuse_existing, user_path


def check_images(paths: Sequence[str]) -> None:
    """Raises DataError where none of the images is there; one that is missing is told later."""
    if not any(user_path(path, "image file").exists() for path in paths):
        raise DataError(f"{paths[0]}: no such file.")


def image_files(images: Sequence[str]) -> list[str]:
    """Files as they are given, and of folders the image files in them, at any depth, by name.

    Raises:
        DataError: A folder has none.
    """
    from kerascnn.data.folders.skipped import looks_like_an_image

    found: list[str] = []
    for image in images:
        folder = user_path(image, "image file")
        if not folder.is_dir():
            found.append(image)
            continue
        inside = sorted(
            os.path.join(place, name)
            for place, _, names in os.walk(folder)  # does not follow links
            for name in names
            if looks_like_an_image(Path(name))
        )
        if not inside:
            raise DataError(f"{image} has no image files in it. Expected a folder with images.")
        found += inside
    return found


def check_data(source: str | None, task: str | None = "auto", data_dir: str | None = None) -> None:
    """Raises DataError where there is no such data source; of a task of None, for any task."""
    if source is not None:
        from kerascnn import data

        data.check_source(source, task, data_dir)


def check_output(
    path: str, kind: Kind, overwrite: bool, suffixes: Sequence[str] = (), option: str = "--out"
) -> Path:
    """The path to write, `~` expanded.

    Args:
        path: As the user gave it.
        kind: What will be written.
        overwrite: Whether one of this kind may be replaced.
        suffixes: One of these must end the name, if there are any.
        option: Which the path is the value of.

    Raises:
        InputError: Another suffix.
        OutputExistsError: It may not be written.
    """
    found = user_path(path, "path to write")
    if suffixes and found.suffix.lower() not in suffixes:
        raise InputError(f"{option} must be a {' or '.join(suffixes)} file. Received: {path}")
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
