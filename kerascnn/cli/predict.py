"""`kerascnn predict`."""

from typing import Any

import click

from kerascnn.cli import checks, console, drawings, keras_backend, options
from kerascnn.errors import DataError, InputError

_AT_ONCE = 64  # images in memory


@click.command(short_help="Name what is in images.")
@click.argument("path")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@options.task
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--threshold",
    type=float,
    help="The score from which on labels or objects are given [what suited the validation images].",
)
@click.option(
    "--out",
    "-o",
    metavar="FILE|FOLDER",
    help="Of a detector: write the IMAGE with its boxes, or all of them into a folder.",
)
@options.overwrite
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
    threshold: float | None,
    out: str | None,
    overwrite: bool,
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
    neither, where their metadata say how. A multi-label run names the labels above their
    thresholds, a regressor the values, a detector the objects and where they are: with --json in
    shares and in pixels of the IMAGE, with --out drawn on it.

    An IMAGE may be a folder, whose image files are taken, at any depth. One that cannot be read is
    named, and the others are answered; the exit code is 2 only where none could be read.
    """
    from kerascnn.inference import check_request

    parsed, inputs = options.parse_options(items), options.parse_pixels(pixels)
    check_request(path, recipe=recipe, weights=weights, options=parsed, pixel_range=inputs)
    checks.check_images(images)
    images = tuple(checks.image_files(images))
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"--threshold must be in 0..1. Received: {threshold:g}.")
    targets = drawings.targets(out, images, overwrite)
    keras_backend.import_tensorflow()
    import numpy as np

    from kerascnn.inference import open_predictor

    predictor = open_predictor(
        path,
        task=task,
        recipe=recipe,
        weights=weights,
        options=parsed,
        pixel_range=inputs,
    )
    predictor = options.with_pixel_range(predictor, pixel_range)
    if threshold is not None:
        predictor = predictor.with_threshold(threshold)
    detects = predictor.meaning.name == "detection"
    if out is not None and not detects:
        raise InputError(
            f"--out draws boxes, and {path} gives none: it is of the task {predictor.meaning.name}."
        )
    answered: list[str] = []
    unread, parts = {}, []
    for start in range(0, len(images), _AT_ONCE):
        loaded = {}
        for image in images[start : start + _AT_ONCE]:
            try:
                loaded[image] = predictor.load_image(image)
            except (DataError, InputError) as error:
                unread[image] = error
        if loaded:
            answered += loaded
            parts.append(predictor.arrays(np.stack(list(loaded.values()))))
    if not answered:
        raise next(iter(unread.values()))
    arrays = {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}
    predictor = predictor.described(arrays)
    predictions, outputs, names = (
        predictor.predictions(arrays),
        predictor.outputs or (),
        predictor.names(),
    )
    rows = {
        image: {role: values[i] for role, values in predictions.items()}
        for i, image in enumerate(answered)
    }
    meaning = predictor.meaning
    told: dict[str, dict[str, Any]] = {
        image: meaning.as_json(row, outputs, names, top) for image, row in rows.items()
    }
    if detects:
        for image, found in told.items():
            drawings.add_pixels(image, found)
    for image, target in targets.items():
        if image in rows:
            drawings.write(image, target, told[image]["objects"], names, overwrite)
    if as_json:
        console.show_json(
            [
                {"image": image, **told[image]}
                if image in rows
                else {"image": image, "error": str(unread[image])}
                for image in images
            ]
        )
    for image in images:
        if image in unread:
            console.note(f"not answered: {unread[image]}")
        elif not as_json:
            console.say(f"{image}: {meaning.words(rows[image], outputs, names, top)}")
