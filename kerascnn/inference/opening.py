"""From a path, or the name of an architecture, to what predicts: one opener for each kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerascnn.errors import InputError
from kerascnn.files import PathLike
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
    """Opens a run folder, a `.keras` file, a SavedModel, a `.tflite` file or a bundle.

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
    path = Path(path)
    if (path / "manifest.json").is_file():
        from kerascnn.inference.bundle import open_files

        _refuse(path, weights, options, None, pixel_range)
        (found,) = open_files(path, recipe, most=1)
    else:
        found = _open(path, recipe, weights, options, pixel_range)
    return found.of_task(task)


def open_predictors(
    path: PathLike,
    *,
    recipe: str | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> tuple[Predictor, ...]:
    """As `open_predictor`, but every file of a bundle unless `recipe` names one."""
    path = Path(path)
    if (path / "manifest.json").is_file() and recipe is None:
        from kerascnn.inference.bundle import open_files

        _refuse(path, None, None, None, pixel_range)
        return open_files(path)
    return (open_predictor(path, recipe=recipe, pixel_range=pixel_range),)


def _open(
    path: Path,
    recipe: str | None,
    weights: str | None,
    options: Mapping[str, Any] | None,
    pixel_range: tuple[float, float] | None,
) -> Predictor:
    if not path.exists() and (weights is not None or _is_architecture(path)):
        from kerascnn.inference.catalogue import open_architecture

        return open_architecture(str(path), weights, options or {})
    _refuse(path, weights, options, recipe, pixel_range)
    if (path / "config.json").is_file():
        from kerascnn.inference.run import open_run_folder

        return open_run_folder(path)
    if (path / "saved_model.pb").is_file():
        from kerascnn.inference.saved_model import open_saved_model_folder

        return open_saved_model_folder(path)
    if path.is_file() and path.suffix == ".keras":
        from kerascnn.inference.keras_file import open_keras_file

        return open_keras_file(path)
    if path.is_file() and path.suffix == ".tflite":
        from kerascnn.inference.tflite_file import open_tflite_file

        return open_tflite_file(path, pixel_range)
    raise _unknown(path)


def _refuse(
    path: Path,
    weights: str | None,
    options: Mapping[str, Any] | None,
    recipe: str | None,
    pixel_range: tuple[float, float] | None,
) -> None:
    """What is given must have a use for this path."""
    if weights is not None or options:
        raise InputError(
            f"weights and options are for architectures; {path} is a file or folder, which has its "
            "own."
        )
    if recipe is not None:
        raise InputError(f"a recipe can be chosen from a bundle only; {path} is none.")
    if pixel_range is not None and path.suffix != ".tflite":
        raise InputError(f"a pixel range is for .tflite files; {path} says itself what it takes.")


def _unknown(path: Path) -> InputError:
    if not path.exists():
        return InputError(f"no such file or folder: {path}.")
    if path.is_file() and path.name.endswith(_WEIGHTS):
        return InputError(
            f"{path} holds weights without the model they belong to. Name its architecture: "
            f"kerascnn predict ARCHITECTURE --weights {path} IMAGE (`kerascnn models` lists them), "
            "or give the run or the .keras file."
        )
    return InputError(
        f"cannot tell what {path} is. Expected a run folder, a bundle, a SavedModel folder, a "
        ".keras file or a .tflite file."
    )


def _is_architecture(path: Path) -> bool:
    from kerascnn import catalog

    return str(path).lower() in {name.lower() for name in catalog.list_models()}
