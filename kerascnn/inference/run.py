"""Run folders of `kerascnn train`."""

from pathlib import Path
from typing import Any

from kerascnn.errors import InputError
from kerascnn.files import json_object
from kerascnn.inference.keras_file import open_keras_file
from kerascnn.inference.predictor import Predictor


def open_run_folder(path: Path, model: Any = None) -> Predictor:
    """The trained model of a run, loaded unless given, with its task, classes and resize rule."""
    from kerascnn.data import ResizeRule
    from kerascnn.names import same_form
    from kerascnn.training import open_run
    from kerascnn.training.run_folder import METRICS

    run = open_run(path)
    predictor = open_keras_file(
        run.model_path,
        model,
        labels=tuple(map(same_form, run.config.class_names)),  # older runs kept NFD
        resize=ResizeRule.from_dict(run.config.resize),
        run=run,
        task=run.config.task,
        pixel_range=run.config.pixel_range,
        threshold=_threshold(run.folder / METRICS),
    )
    if predictor.input_shape != run.config.input_shape:
        found, said = (
            "x".join(map(str, s)) for s in (predictor.input_shape, run.config.input_shape)
        )
        raise InputError(
            f"{run.model_path} is not the model of this run: it takes images of {found}, and the "
            f"run's configuration says {said}. Put the run's own model.keras back, or give the "
            "file itself instead of the folder."
        )
    return predictor


def _threshold(metrics: Path) -> float | None:
    """The score that suited the validation images best, where the task has one."""
    found = (json_object(metrics) or {}).get("validation")
    value = found.get("threshold") if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
