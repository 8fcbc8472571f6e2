"""From a path, or the name of an architecture, to what predicts: one opener for each kind."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerascnn import model_file
from kerascnn.errors import InputError
from kerascnn.files import PathLike, check_file, user_path
from kerascnn.inference.predictor import Predictor

_WEIGHTS = (".weights.h5", ".safetensors", ".npz", ".pth", ".pt", ".ckpt")


def open_predictor(
    path: PathLike,
    *,
    task: str | None = None,
    recipe: str | None = None,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> Predictor:
    """Opens a run folder, a `.keras` or `.h5` file, a SavedModel, a `.tflite` file or a bundle.

    Args:
        path: The file or folder, or the name of an architecture with `weights`.
        task: What its outputs are, for a file that does not say it.
        recipe: Of a bundle, which of its files; the first by default.
        weights: Of an architecture: a weight file, or the tag of published weights.
        options: Of an architecture.
        pixel_range: For a `.tflite` file made elsewhere that does not say how pixels enter it: what
            0 and 255 become, such as (0, 1) or (-1, 1).

    Raises:
        InputError: Nothing there that can be opened; weights or options for a file or folder, no
            weights for an architecture, a pixel range for what says its own, or another task.
        BundleError: A damaged bundle or `.tflite` file.
    """
    place = check_request(
        path, recipe=recipe, weights=weights, options=options, pixel_range=pixel_range
    )
    if (place / "manifest.json").is_file():
        from kerascnn.inference.bundle import open_files

        (found,) = open_files(place, recipe, most=1)
    else:
        found = _open(place, weights, options or {}, pixel_range)
    return found.of_task(task)


def open_predictors(
    path: PathLike,
    *,
    recipe: str | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> tuple[Predictor, ...]:
    """As `open_predictor`, but every file of a bundle unless `recipe` names one."""
    place = check_request(path, recipe=recipe, pixel_range=pixel_range)
    if (place / "manifest.json").is_file() and recipe is None:
        from kerascnn.inference.bundle import open_files

        return open_files(place)
    return (open_predictor(path, recipe=recipe, pixel_range=pixel_range),)


def check_request(
    path: PathLike,
    *,
    recipe: str | None = None,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> Path:
    """The file or folder to open, or the name of an architecture; nothing is loaded yet.

    Arguments are those of `open_predictor`.

    Raises:
        InputError: What can be said at once of arguments that do not go together.
    """
    place = user_path(path, "model")
    if not place.exists():
        _check_architecture(str(path), weights, options or {})
        return place
    if weights is not None or options:
        raise InputError(
            f"weights and options are for architectures; {path} is a file or folder, which has its "
            "own."
        )
    if recipe is not None and not (place / "manifest.json").is_file():
        raise InputError(f"a recipe can be chosen from a bundle only; {path} is none.")
    if pixel_range is not None and place.suffix != ".tflite":
        raise InputError(f"a pixel range is for .tflite files; {path} says itself what it takes.")
    return place


def _check_architecture(name: str, weights: str | None, options: Mapping[str, Any]) -> None:
    """Raises InputError unless this is an architecture with options and weights that it has."""
    from kerascnn import catalog
    from kerascnn.catalog import published

    known = {model.lower(): model for model in catalog.list_models(task=None)}
    if weights is None and name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
        hint = f" Did you mean the architecture {known[near[0]]}?" if near else ""
        raise InputError(f"no such file or folder: {name}.{hint}")
    entry = catalog.find(name)
    catalog.check_options(entry, options)
    if weights is None:
        tags = ", ".join(entry.weights) or "none"
        raise InputError(
            f"{entry.name} is an architecture, and names nothing without weights: give a weight "
            f"file, or published weights ({tags})."
        )
    published.local_file(entry.name, weights)


def _open(
    path: Path,
    weights: str | None,
    options: Mapping[str, Any],
    pixel_range: tuple[float, float] | None,
) -> Predictor:
    if not path.exists() and weights is not None:
        from kerascnn.inference.catalogue import open_architecture

        return open_architecture(str(path), weights, options)
    if (path / "config.json").is_file():
        from kerascnn.inference.run import open_run_folder

        return open_run_folder(path)
    if (path / "saved_model.pb").is_file():
        from kerascnn.inference.saved_model import open_saved_model_folder

        return open_saved_model_folder(path)
    if path.is_file() and path.suffix == ".tflite":
        from kerascnn.inference.tflite_file import open_tflite_file

        return open_tflite_file(path, pixel_range)
    if path.is_file() and path.suffix in model_file.SUFFIXES and not _is_weights(path):
        from kerascnn.inference.keras_file import open_keras_file

        return open_keras_file(path)
    if not path.is_dir():
        check_file(path, "model file")
    raise _unknown(path)


def _is_weights(path: Path) -> bool:
    return path.name.endswith(_WEIGHTS)


def _unknown(path: Path) -> InputError:
    if _is_weights(path):
        return InputError(
            f"{path} holds weights without the model they belong to. Name its architecture: "
            "kerascnn predict ARCHITECTURE --weights FILE IMAGE (`kerascnn models` lists them), "
            "or give the run or the .keras file."
        )
    return InputError(
        f"cannot tell what {path} is. Expected a run folder, a bundle, a SavedModel folder, a "
        ".keras or .h5 file or a .tflite file."
    )
