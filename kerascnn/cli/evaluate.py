"""`kerascnn evaluate`."""

import click

from kerascnn.cli import console, options


@click.command(short_help="Measure accuracy.")
@click.argument("path")
@click.option("--data", "source", metavar="SOURCE", help="Folder, tfds:NAME or digits.")
@click.option(
    "--split",
    type=click.Choice(["auto", "train", "validation", "test", "all"]),
    default="auto",
    show_default=True,
    help="auto: test where there is one; else a run's validation split, or all of --data.",
)
@click.option("--recipe", metavar="NAME", help="Of a bundle, judge this file only.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the splits.")
@options.data_dir
@options.as_json
def command(
    path: str,
    source: str | None,
    split: str,
    recipe: str | None,
    seed: int,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Measure the accuracy of PATH: a run, a bundle, a .keras, a .tflite or a SavedModel.

    A run is judged on its own data unless --data names another source.
    """
    console.import_tensorflow()
    import numpy as np

    from kerascnn.errors import InputError
    from kerascnn.predictors import open_predictors
    from kerascnn.training.metrics import classification_metrics

    predictors = open_predictors(path, recipe=recipe)
    first = predictors[0]
    if source is not None:
        splits = first.load_data(source, seed=seed, data_dir=data_dir)
    elif first.run is not None:
        splits = first.run.data(**({"data_dir": data_dir} if data_dir else {}))
    else:
        raise InputError(f"say what to measure {path} on: --data FOLDER, tfds:NAME or digits.")
    if split == "auto" and splits.test is None:
        split = "validation" if source is None else "all"
    elif split == "auto":
        split = "test"
    parts = tuple(splits.counts) if split == "all" else (split,)
    results = {}
    for predictor in predictors:
        batches = [
            (predictor.predict(images), labels)
            for part in parts
            for images, labels in splits.batches(part)
        ]
        probabilities, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
        results[predictor.name] = classification_metrics(probabilities, labels, splits.class_names)
    if as_json:
        scores = {name: metrics.to_dict() for name, metrics in results.items()}
        console.show_json({"path": path, "split": split, "results": scores})
        return
    images = sum(splits.counts[part] for part in parts)
    rows = []
    for name, metrics in results.items():
        top5 = console.percent(metrics.top5_accuracy)
        wrong = metrics.images - round(metrics.accuracy * metrics.images)
        rows.append(
            (name, console.percent(metrics.accuracy), top5, f"{metrics.loss:.4f}", str(wrong))
        )
    console.show_table(
        f"{path} on {splits.source}, {split}: {images} images",
        ("file", "accuracy", "top-5", "loss", "wrong"),
        rows,
    )
    if len(results) == 1:
        metrics = next(iter(results.values()))
        per_class = [
            (name, *(console.percent(v) for v in (row.precision, row.recall)), str(row.images))
            for name, row in metrics.per_class.items()
        ]
        console.show_table("per class", ("class", "precision", "recall", "images"), per_class)
