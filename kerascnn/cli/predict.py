"""`kerascnn predict`."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import console, options

if TYPE_CHECKING:
    import numpy as np


@click.command(short_help="Name what is in images.")
@click.argument("path")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--recipe", metavar="NAME", help="Of a bundle, use this file (default: the first).")
@click.option(
    "--weights", metavar="FILE|TAG", help="Of an architecture: a weight file or published weights."
)
@click.option(
    "--option",
    "items",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of an architecture, such as alpha=0.25. Repeatable.",
)
@options.as_json
def command(
    path: str,
    images: tuple[str, ...],
    top: int,
    recipe: str | None,
    weights: str | None,
    items: tuple[str, ...],
    as_json: bool,
) -> None:
    """Name what is in each IMAGE, with PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    PATH may also be an architecture, with --weights: `kerascnn predict MobileNet --weights
    imagenet photo.jpg`. The 1000 outputs of such weights are ImageNet's classes. Image files are
    taken as they are: nothing has to be resized or normalised.
    """
    parsed = options.parse_options(items)
    console.import_tensorflow()
    from kerascnn.predictors import open_predictors

    predictor = open_predictors(path, recipe=recipe, weights=weights, options=parsed)[0]
    probabilities = predictor.predict(predictor.load_images(images))
    labels = predictor.labels or tuple(f"class {i}" for i in range(probabilities.shape[1]))
    if as_json:
        console.show_json(
            [
                {
                    "image": image,
                    "predictions": [
                        {"label": labels[i], "probability": round(float(row[i]), 6)}
                        for i in _best(row, top)
                    ],
                }
                for image, row in zip(images, probabilities, strict=True)
            ]
        )
        return
    for image, row in zip(images, probabilities, strict=True):
        guesses = "  ".join(f"{labels[i]} {console.percent(row[i])}" for i in _best(row, top))
        console.say(f"{image}: {guesses}")


def _best(row: "np.ndarray", count: int) -> list[int]:
    return row.argsort()[::-1][:count].tolist()
