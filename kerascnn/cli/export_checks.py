"""What can be said of an export before TensorFlow is loaded."""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.cli import checks
from kerascnn.errors import InputError
from kerascnn.files import PNG, TFLITE, check_file, user_path
from kerascnn.model_file import SUFFIXES as MODEL_SUFFIXES


def is_file(out: str) -> bool:
    """Whether one file is written, not a bundle."""
    return Path(out).suffix.lower() == ".tflite"


def check_model(path: str, source: str | None, data_dir: str | None, *, needs_data: bool) -> None:
    """Raises unless `path` is a finished run or a .keras file, and there is data for it.

    Args:
        path: The run or file.
        source: Other data than the run's own.
        data_dir: Of TensorFlow Datasets.
        needs_data: Whether the export calibrates and measures.

    Raises:
        InputError: Something else, or no data to measure on.
        DataError: No such data.
    """
    from kerascnn.training import open_run
    from kerascnn.training.run_folder import CONFIG, require_data

    place = user_path(path, "model")
    if not place.exists():
        raise InputError(f"no such file or folder: {path}.")
    checks.check_data(source, data_dir=data_dir)
    if (place / CONFIG).is_file():
        run = open_run(place)
        check_file(run.model_path, "model file")
        if source is None and needs_data:
            require_data(run.config)
        return
    if place.is_dir() or place.suffix not in MODEL_SUFFIXES:
        raise InputError(
            f"{path} is not a Keras model: expected a run folder or a .keras or .h5 file."
        )
    check_file(place, "model file")
    if source is None and needs_data:
        raise InputError(
            f"{path} does not know its data: say --data FOLDER, FILE.csv, tfds:NAME or digits."
        )


def check_clusters(clusters: int | None, recipes: Sequence[str]) -> None:
    """Raises InputError where no file has 8-bit weights that could share values."""
    from kerascnn.export import recipes as known
    from kerascnn.export.quantize import weight_levels

    if clusters is None:
        return
    if known.AUTO in recipes:
        raise InputError("--clusters goes with a recipe of 8-bit weights, not with auto.")
    kinds = [known.get(name) for name in recipes]
    rounded = [kind for kind in kinds if kind.weights == "int8"]
    weight_levels.check_clusters(clusters, (rounded or kinds)[0], learned=False)


def check_outputs(
    out: str,
    target: str | None,
    sensitivity: str | None,
    saved_model: str | None,
    overwrite: bool,
) -> list[Path]:
    """The paths that are written.

    Raises:
        InputError: Two of them are one, or a suffix that says something else.
        OutputExistsError: One of them may not be written.
    """
    from kerascnn.export.contract.manifest import BUNDLE
    from kerascnn.export.saved_models.signatures import SAVED_MODEL

    kind = SAVED_MODEL if target == "serving" else TFLITE if is_file(out) else BUNDLE
    found = {"out": checks.check_output(out, kind, overwrite)}
    if sensitivity:
        found["sensitivity"] = checks.check_output(
            sensitivity, PNG, overwrite, (".png",), "--sensitivity"
        )
    if saved_model is not None:
        found["saved-model"] = checks.check_output(saved_model, SAVED_MODEL, overwrite)
    checks.check_apart(found)
    return [*found.values()]
