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
@options.as_json
def command(
    path: str, images: tuple[str, ...], top: int, recipe: str | None, as_json: bool
) -> None:
    """Name what is in each IMAGE, with PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    Image files are taken as they are: nothing has to be resized or normalised.
    """
    console.import_tensorflow()
    from kerascnn.predictors import open_predictors

    predictor = open_predictors(path, recipe=recipe)[0]
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
