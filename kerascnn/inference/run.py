"""Run folders of `kerascnn train`."""

from pathlib import Path

from kerascnn.files import json_object
from kerascnn.inference.keras_file import open_keras_file
from kerascnn.inference.predictor import Predictor


def open_run_folder(path: Path) -> Predictor:
    """The trained model of a run, with its task, its classes and its resize rule."""
    from kerascnn.data import ResizeRule
    from kerascnn.data.names import same_form
    from kerascnn.training import open_run
    from kerascnn.training.run_folder import METRICS

    run = open_run(path)
    return open_keras_file(
        run.model_path,
        labels=tuple(map(same_form, run.config.class_names)),  # older runs kept NFD
        resize=ResizeRule.from_dict(run.config.resize),
        run=run,
        task=run.config.task,
        pixel_range=run.config.pixel_range,
        threshold=_threshold(run.folder / METRICS),
    )


def _threshold(metrics: Path) -> float | None:
    """The score that suited the validation images best, where the task has one."""
    found = (json_object(metrics) or {}).get("validation")
    value = found.get("threshold") if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
