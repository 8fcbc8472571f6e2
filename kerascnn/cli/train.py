"""`kerascnn train`."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import console, figures, options

if TYPE_CHECKING:
    from kerascnn.training import RunResult


@click.command(short_help="Train a model.")
@click.argument("source", required=False)
@click.option("--model", "-m", metavar="NAME", help="Architecture, such as LeNet5.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "multi_label", "regression"]),
    default="auto",
    help="What the columns of a .csv file are for [what they look like].",
)
@click.option("--out", "-o", metavar="RUN", default="run", show_default=True, help="Run folder.")
@click.option("--epochs", type=int, help="Passes over the data.")
@click.option("--batch-size", type=int, help="Images per step.")
@click.option("--learning-rate", type=float, help="Peak of the schedule.")
@click.option("--image-size", metavar="N|HxW", help="Size images are brought to.")
@click.option(
    "--resize",
    type=click.Choice(["auto", "stretch", "crop", "pad"]),
    default="auto",
    help="How images of other sizes are made to fit.",
)
@click.option(
    "--validation-split", type=float, help="Share held out [a fifth, 5,000 images at most]."
)
@click.option("--patience", type=int, help="Stop after so many epochs without progress.")
@click.option(
    "--augment",
    metavar="NAME",
    default="none",
    show_default=True,
    help="Augmentation of the training images, such as light, standard, strong or randaugment.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--weights",
    metavar="FILE|TAG",
    help="Weights to start from: a file, or a published tag such as imagenet.",
)
@click.option(
    "--option",
    "items",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the architecture, such as activation=relu. Repeatable.",
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out.")
@options.data_dir
@options.overwrite
@options.as_json
def command(
    source: str | None,
    model: str | None,
    task: str,
    out: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    image_size: str | None,
    resize: str,
    validation_split: float | None,
    patience: int | None,
    augment: str,
    seed: int,
    weights: str | None,
    items: tuple[str, ...],
    resume: bool,
    data_dir: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a model on SOURCE and write a run folder.

    SOURCE is a folder with one folder of images per class, a .csv file that names images and their
    classes, labels or quantities, tfds:NAME (TensorFlow Datasets), or digits (embedded).
    `kerascnn augment SOURCE --policy NAME --out FILE.png` shows what an
    augmentation does to it.
    """
    if not resume and (source is None or model is None):
        missing = (
            "SOURCE (a folder, FILE.csv, tfds:NAME or digits)" if source is None else "--model NAME"
        )
        raise click.UsageError(f"missing {missing}. See `kerascnn train --help`.")
    if model is not None:
        from kerascnn import catalog

        catalog.find(model)
    parsed, size = options.parse_options(items), options.parse_size(image_size)
    console.import_tensorflow()
    from kerascnn.cli.progress import TrainingProgress
    from kerascnn.training import train

    progress = TrainingProgress()
    try:
        result = train(
            source,
            model,
            out,
            task=task,
            options=parsed,
            weights=weights,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            image_size=size,
            validation_split=validation_split,
            resize=resize,
            patience=patience,
            augment=augment,
            seed=seed,
            data_dir=data_dir,
            resume=resume,
            overwrite=overwrite,
            callbacks=[progress],
        )
    finally:
        progress.close()
    if as_json:
        scores = {name: metrics.to_dict() for name, metrics in result.metrics.items()}
        console.show_json({"folder": str(result.folder), "metrics": scores})
        return
    seconds = sum(row["seconds"] for row in result.history)
    for name, metrics in result.metrics.items():
        console.say(f"{name}: {figures.headline(metrics)}")
    report = result.folder / "report.html"
    look = f"; look at {report}" if report.is_file() else ""
    console.say(
        f"{len(result.history)} epochs in {seconds:.0f} s, kept epoch {result.best_epoch}. "
        f"Everything is in {result.folder}{look}"
    )
    console.next_steps(
        f"kerascnn export {result.folder} {_export_options(result)}",
        f"kerascnn predict {result.folder} IMAGE",
    )


def _export_options(result: "RunResult") -> str:
    """What to export a run with: a bundle is for classifiers."""
    from kerascnn.training.metrics import Metrics

    if all(isinstance(metrics, Metrics) for metrics in result.metrics.values()):
        return f"--recipes float32,int8 --out {result.folder}-bundle"
    return f"--recipes float16 --out {result.folder}.tflite"
