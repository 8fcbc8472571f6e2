"""Single `.tflite` files, made here or elsewhere."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.errors import InputError
from kerascnn.inference.input_shape import ONLY_TIMED, image_shape
from kerascnn.inference.predictor import Predictor

if TYPE_CHECKING:
    from kerascnn.export import FileSummary, TFLiteModel

_log = logging.getLogger(__name__)
_DETECTOR = "TFLite_Detection_PostProcess"


def open_tflite_file(path: Path, pixel_range: tuple[float, float] | None) -> Predictor:
    """A file of a bundle as its manifest describes it, any other by its operators and metadata."""
    from kerascnn.export import TFLiteModel, inspect
    from kerascnn.export.contract import manifest

    if (path.parent / manifest.FILE_NAME).is_file():
        from kerascnn.inference.bundle import open_files

        for file in manifest.read(path.parent).files:
            if file.path == path.name:
                return open_files(path.parent, file.recipe)[0]
    summary = inspect(path)
    if len(summary.inputs) != 1:
        named = ", ".join(f"{one.name} {list(one.shape)}" for one in summary.inputs) or "none"
        raise InputError(
            f"{path} takes {len(summary.inputs)} inputs ({named}). Expected one image [1, height, "
            f"width, channels]. {ONLY_TIMED}"
        )
    shape = image_shape(summary.input.shape, path)
    model = TFLiteModel(path, pixel_range=pixel_range)
    if not model.pixels.known:
        _log.info(
            "%s does not say how pixels enter it: taken to be %s. Where it wants them scaled, say "
            "so, such as --pixels 0,1 or --pixels -1,1.",
            path.name,
            "stored as pixel - 128" if model.pixels.as_stored else "raw, 0 to 255",
        )
    if model.metadata and model.metadata.calibrates_scores:
        _log.info(
            "%s asks MediaPipe to calibrate its scores; here they are as the model computes them.",
            path.name,
        )
    return Predictor(
        name=path.name,
        path=path,
        input_shape=shape,
        labels=_labels(model, path),
        resize=None,
        compute=model.predict,
        task="detection" if _detects(summary) else None,
        kinds=model.kinds,
        steps=model.steps,
        facts=_facts(summary),
    )


def _detects(summary: "FileSummary") -> bool:
    """Whether it gives what a detector gives: finished objects, or boxes and scores of points."""
    shapes = [one.shape for one in summary.outputs]
    if len(shapes) == 4:
        most = {shape[1] for shape in shapes if len(shape) == 3 and shape[2] == 4}
        rows = [shape for shape in shapes if len(shape) == 2 and shape[1] in most]
        return _DETECTOR in summary.custom_operators or (len(most) == 1 and len(rows) == 2)
    points = [shape[1] for shape in shapes if len(shape) == 3]
    return len(shapes) == len(points) == 2 and len(set(points)) == 1 and shapes[1][2] == 4


def _facts(summary: "FileSummary") -> str:
    """What a file is whose outputs are not one row of numbers; "" of one with such outputs."""
    shapes = [one.shape for one in summary.outputs]
    if len(shapes) == 1 and len(shapes[0]) == 2:
        return ""
    boxes = any(len(shape) == 3 and shape[-1] == 4 for shape in shapes)
    detector = boxes or _DETECTOR in summary.custom_operators
    gives = ", ".join(str(list(one.shape)) for one in summary.outputs)
    looks = "It looks like an object detector: it" if detector else "It"
    return f"{looks} gives outputs {gives}. {ONLY_TIMED}"


def _labels(model: "TFLiteModel", path: Path) -> tuple[str, ...] | None:
    """The labels in the metadata, in NFC; of one sigmoid, both classes."""
    from kerascnn.names import same_form

    if not model.metadata or not model.metadata.labels:
        return None
    labels = tuple(map(same_form, model.metadata.labels))
    if len(model.outputs) != 1:
        return labels if model.metadata.has_boxes else None
    shape = model.output.shape
    count = shape[-1] if shape else 0
    if count == 1 and model.kinds[0] == "independent":
        if len(labels) == 1:
            return f"not {labels[0]}", labels[0]
        count = 2
    if len(labels) != count:
        raise InputError(
            f"{path} has {len(labels)} labels for {count} outputs: expected one for each. Its "
            "metadata belong to another model."
        )
    return labels
