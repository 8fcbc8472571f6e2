"""`kerascnn evaluate`."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import checks, console, figures, keras_backend, options

if TYPE_CHECKING:
    from kerascnn.augment.tta import Views
    from kerascnn.data import Splits
    from kerascnn.predictors import Predictor
    from kerascnn.training.tasks import Measured


@click.command(short_help="Measure accuracy.")
@click.argument("path")
@click.option("--data", "source", metavar="SOURCE", help="Folder, FILE.csv, tfds:NAME or digits.")
@click.option(
    "--split",
    type=click.Choice(["auto", "train", "validation", "test", "all"]),
    default="auto",
    show_default=True,
    help="auto: test where there is one; else a run's validation split, or all of --data.",
)
@click.option("--recipe", metavar="NAME", help="Of a bundle, judge this file only.")
@click.option(
    "--tta",
    type=click.Choice(["flip", "ten-crop"]),
    help="Also judge the mean over views of each image: it and its mirror image, or ten crops of "
    "an image loaded 8/7 as large.",
)
@options.pixels
@click.option(
    "--background",
    is_flag=True,
    help="Of a .tflite file without labels: its first output stands for none of the classes.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the splits.")
@options.pixel_range
@options.data_dir
@options.as_json
def command(
    path: str,
    source: str | None,
    split: str,
    recipe: str | None,
    tta: str | None,
    pixels: str | None,
    background: bool,
    seed: int,
    pixel_range: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Measure the accuracy of PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    A run is judged on its own data unless --data names another source. Where that is a .csv file
    of labels or quantities, precision or errors are measured. A .tflite file may be made elsewhere:
    its metadata say how pixels enter it and what its outputs are called.
    """
    from kerascnn.predictors import check_request

    inputs = options.parse_pixels(pixels)
    check_request(path, recipe=recipe, pixel_range=inputs)
    checks.check_data(source, data_dir=data_dir)
    keras_backend.import_tensorflow()
    from kerascnn.augment import FlipTTA, TenCrop
    from kerascnn.errors import InputError
    from kerascnn.predictors import open_predictors

    predictors = open_predictors(path, recipe=recipe, pixel_range=inputs)
    if background:
        predictors = tuple(predictor.without_first() for predictor in predictors)
    first = options.with_pixel_range(predictors[0], pixel_range)
    size = first.input_shape[:2]

    own = first.run is not None and (source is None or first.run.knows(source))

    def load(image_size: tuple[int, int]) -> "Splits":
        if own and first.run is not None:
            changes = {"data_dir": data_dir} if data_dir else {}
            return first.run.data(
                source=source, image_size=image_size, pixel_range=first.pixel_range, **changes
            )
        if source is not None:
            return first.load_data(source, image_size=image_size, seed=seed, data_dir=data_dir)
        raise InputError(
            f"say what to measure {path} on: --data FOLDER, FILE.csv, tfds:NAME or digits."
        )

    splits = load(size)
    if split == "auto" and splits.test is None:
        split = "validation" if own else "all"
    elif split == "auto":
        split = "test"
    parts = tuple(splits.counts) if split == "all" else (split,)
    results = {p.name: _measure(p, splits, parts) for p in predictors}
    with_views = {}
    if tta is not None:
        views: Views = FlipTTA() if tta == "flip" else TenCrop(size)
        if views.image_size(size) != size:
            splits = load(views.image_size(size))
        with_views = {p.name: _measure(p, splits, parts, views) for p in predictors}
    if as_json:
        report = {"path": path, "split": split, "results": _plain(results)}
        if tta is not None:
            report["tta"] = {"name": tta, "results": _plain(with_views)}
        console.show_json(report)
        return
    images = sum(splits.counts[part] for part in parts)
    shown = {}
    for name, measured in results.items():
        shown[name] = measured
        if tta is not None:
            shown[f"{name}, {tta}"] = with_views[name]
    figures.show(f"{path} on {splits.source}, {split}: {images} images", shown)
    if len(results) == 1:
        figures.show_details(next(iter(results.values())))


def _measure(
    predictor: "Predictor", splits: "Splits", parts: tuple[str, ...], views: "Views | None" = None
) -> "Measured":
    """The figures of a predictor, or of its mean over views of each image."""
    from dataclasses import replace

    import numpy as np

    from kerascnn.errors import InputError
    from kerascnn.training import tasks

    # A file alone does not say what it does, and may know the classes in another order.
    predictor = replace(predictor, task=splits.task).for_classes(splits.class_names)
    batches = [
        (views.predict(predictor.predict, images) if views else predictor.predict(images), labels)
        for part in parts
        for images, labels in splits.batches(part)
    ]
    outputs, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
    if outputs.shape[1] != len(splits.class_names):
        raise InputError(
            f"{predictor.path} gives {outputs.shape[1]} outputs for the {len(splits.class_names)} "
            "classes of the data. Where its first output is a background class, say --background."
        )
    return tasks.find(splits.task).measure(outputs, labels, splits.class_names)


def _plain(results: dict[str, "Measured"]) -> dict[str, object]:
    return {name: metrics.to_dict() for name, metrics in results.items()}
