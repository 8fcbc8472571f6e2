"""`kerascnn evaluate`."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import checks, console, figures, keras_backend, options

if TYPE_CHECKING:
    import numpy as np

    from kerascnn.augment.tta import Views
    from kerascnn.data import Splits
    from kerascnn.inference import Predictor
    from kerascnn.tasks import Metrics


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
@options.task
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
    task: str | None,
    pixels: str | None,
    background: bool,
    seed: int,
    pixel_range: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Measure the accuracy of PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    A run is judged on its own data unless --data names another source. Where that is a .csv file
    of labels or quantities, precision or errors are measured; of a detector the average precision
    of its boxes (mAP), on a folder or file of annotations. A .tflite file may be made elsewhere:
    its metadata say how pixels enter it and what its outputs are called. Where the data lacks some
    of the model's classes, it is judged on those there are, and that is said.
    """
    from kerascnn.inference import check_request

    inputs = options.parse_pixels(pixels)
    check_request(path, recipe=recipe, pixel_range=inputs)
    checks.check_data(source, None, data_dir)
    keras_backend.import_tensorflow()
    from kerascnn.augment import FlipTTA, TenCrop
    from kerascnn.errors import InputError
    from kerascnn.inference import open_predictors

    predictors = open_predictors(path, recipe=recipe, pixel_range=inputs)
    predictors = tuple(predictor.of_task(task) for predictor in predictors)
    if tta is not None and not predictors[0].meaning.averages:
        raise InputError("--tta: boxes of several views have no mean. Leave it out.")
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
    _say_what_lacks(first, splits)
    predictors = tuple(predictor.of_task(splits.task) for predictor in predictors)
    results, with_views, known = {}, {}, {}
    for predictor in predictors:
        known[predictor.name], results[predictor.name] = _measure(predictor, splits, parts)
    if tta is not None:
        views: Views = FlipTTA() if tta == "flip" else TenCrop(size)
        if views.image_size(size) != size:
            splits = load(views.image_size(size))
        for name, predictor in known.items():
            with_views[name] = _with_views(predictor, splits, parts, views)
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


def _say_what_lacks(predictor: "Predictor", splits: "Splits") -> None:
    """Names classes of the model that the data has no images of."""
    from kerascnn.inference.predictor import is_background

    known = [name for name in predictor.labels or () if not is_background(name)]
    missing = [name for name in known if name not in splits.class_names]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        console.note(
            f"{splits.source} has nothing of {len(missing)} of the model's {len(known)} names "
            f"({shown}): judged on the others"
        )


def _measure(
    predictor: "Predictor", splits: "Splits", parts: tuple[str, ...]
) -> "tuple[Predictor, Metrics]":
    """What a predictor's outputs are by all of them, and its figures."""
    import numpy as np

    batches = [
        (predictor.arrays(images), labels)
        for part in parts
        for images, labels in splits.batches(part)
    ]
    arrays, labels = _joined(batches), np.concatenate([labels for _, labels in batches])
    predictor = predictor.described(arrays)
    return predictor, predictor.score(predictor.predictions(arrays), labels, splits.class_names)


def _with_views(
    predictor: "Predictor", splits: "Splits", parts: tuple[str, ...], views: "Views"
) -> "Metrics":
    """The figures of its mean over views of each image."""
    import numpy as np

    batches = []
    for part in parts:
        for images, labels in splits.batches(part):
            found = [predictor.predictions(predictor.arrays(v)) for v in views.views(images)]
            mean = {role: np.mean([one[role] for one in found], axis=0) for role in found[0]}
            batches.append((mean, labels))
    labels = np.concatenate([labels for _, labels in batches])
    return predictor.score(_joined(batches), labels, splits.class_names)


def _joined(batches: "list[tuple[dict[str, np.ndarray], np.ndarray]]") -> "dict[str, np.ndarray]":
    import numpy as np

    roles = batches[0][0]
    return {role: np.concatenate([arrays[role] for arrays, _ in batches]) for role in roles}


def _plain(results: dict[str, "Metrics"]) -> dict[str, object]:
    return {name: metrics.to_dict() for name, metrics in results.items()}
