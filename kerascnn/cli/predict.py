"""`kerascnn predict`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import checks, console, figures, keras_backend, options

if TYPE_CHECKING:
    import numpy as np


@click.command(short_help="Name what is in images.")
@click.argument("path")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--task",
    type=click.Choice(["classification", "multi_label", "regression"]),
    help="Of a file that does not say: what its outputs are [classification].",
)
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--recipe", metavar="NAME", help="Of a bundle, use this file (default: the first).")
@options.weights
@options.items
@options.pixels
@options.pixel_range
@options.as_json
def command(
    path: str,
    images: tuple[str, ...],
    task: str | None,
    top: int,
    recipe: str | None,
    weights: str | None,
    items: tuple[str, ...],
    pixels: str | None,
    pixel_range: str | None,
    as_json: bool,
) -> None:
    """Name what is in each IMAGE, with PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    PATH may also be an architecture, with --weights: `kerascnn predict MobileNet --weights
    imagenet photo.jpg`. The 1000 outputs of such weights are ImageNet's classes. Image files are
    taken as they are: nothing has to be resized or normalised, for .tflite files made elsewhere
    neither, where their metadata say how. A multi-label run names the labels
    above 50 %, a regressor the values.
    """
    from kerascnn.predictors import check_request

    parsed, inputs = options.parse_options(items), options.parse_pixels(pixels)
    check_request(path, recipe=recipe, weights=weights, options=parsed, pixel_range=inputs)
    checks.check_images(images)
    keras_backend.import_tensorflow()
    from kerascnn.errors import InputError
    from kerascnn.predictors import open_predictors

    predictor = open_predictors(
        path,
        recipe=recipe,
        weights=weights,
        options=parsed,
        pixel_range=inputs,
    )[0]
    predictor = options.with_pixel_range(predictor, pixel_range)
    if task not in (None, predictor.task) and predictor.task is not None:
        raise InputError(f"{path} is of the task {predictor.task}, not {task}.")
    task = task or predictor.task or "classification"
    outputs = replace(predictor, task=task).predict(predictor.load_images(images))
    kind = "target" if task == "regression" else "class"
    thresholds = predictor.thresholds or (0.5,) * outputs.shape[1]
    labels = predictor.labels or tuple(f"{kind} {i}" for i in range(outputs.shape[1]))
    if as_json:
        pairs = zip(images, outputs, strict=True)
        console.show_json(
            [{"image": image, **_plain(task, row, labels, top)} for image, row in pairs]
        )
        return
    for image, row in zip(images, outputs, strict=True):
        console.say(f"{image}: {_in_words(task, row, labels, thresholds, top)}")


def _plain(task: str, row: "np.ndarray", labels: Sequence[str], top: int) -> dict[str, Any]:
    """The answer for one image as JSON: of labels, all; of classes, the first."""
    if task == "regression":
        return {"values": {name: float(value) for name, value in zip(labels, row, strict=True)}}
    return {
        "predictions": [
            {"label": labels[i], "probability": round(float(row[i]), 6)}
            for i in _best(row, len(labels) if task == "multi_label" else top)
        ]
    }


def _in_words(
    task: str, row: "np.ndarray", labels: Sequence[str], thresholds: Sequence[float], top: int
) -> str:
    if task == "regression":
        pairs = zip(labels, row, strict=True)
        return "  ".join(f"{name} {figures.number(value)}" for name, value in pairs)
    best = _best(row, top)
    if task == "multi_label":
        given = [i for i in _best(row, len(labels)) if row[i] > thresholds[i]]
        if not given:
            first = f"{labels[best[0]]} {console.percent(row[best[0]])}"
            least = f"{100 * min(thresholds):g} %" if len(set(thresholds)) == 1 else "its threshold"
            return f"no label above {least} (first: {first})"
        best = given
    return "  ".join(f"{labels[i]} {console.percent(row[i])}" for i in best)


def _best(row: "np.ndarray", count: int) -> list[int]:
    return row.argsort()[::-1][:count].tolist()
