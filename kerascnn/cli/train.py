"""`kerascnn train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import console, export, figures, keras_backend, options, targets

if TYPE_CHECKING:
    from kerascnn.training import RunResult
    from kerascnn.training.finish import Finished


@click.command(short_help="Train a model.")
@click.argument("source", required=False)
@click.option("--model", "-m", metavar="NAME", help="Architecture, such as LeNet5.")
@click.option(
    "--task",
    metavar="NAME",
    callback=options.check_task,
    default="auto",
    help="What the columns of a .csv file are for, such as classification, multi_label or "
    "regression [what they look like]; detection, of pictures with boxes.",
)
@click.option("--out", "-o", metavar="RUN", default="run", show_default=True, help="Run folder.")
@click.option("--epochs", type=int, help="Passes over the data.")
@click.option("--batch-size", type=int, help="Images per step.")
@click.option("--learning-rate", type=options.Number(), help="Peak of the schedule.")
@click.option("--image-size", metavar="N|HxW", help="Size images are brought to.")
@click.option(
    "--resize",
    type=click.Choice(["auto", "stretch", "crop", "pad"]),
    default="auto",
    help="How images of other sizes are made to fit.",
)
@click.option(
    "--validation-split",
    type=options.Number(),
    help="Share held out [a fifth, 5,000 images at most].",
)
@click.option("--patience", type=int, help="Stop after so many epochs without progress.")
@click.option(
    "--augment",
    metavar="NAME",
    help="Augmentation of the training images, such as light, standard, strong or randaugment "
    "[none; with --fine-tune: standard; with --task detection: detection].",
)
@click.option(
    "--fine-tune",
    is_flag=True,
    help="Keep the backbone of --weights [imagenet], give it a new head, and train in phases. "
    "--model is MobileNetV2 if not given; --weights none starts from random ones.",
)
@click.option(
    "--head",
    metavar="NAME",
    default="linear",
    show_default=True,
    help="With --fine-tune: the new head: linear, mlp, conv, concat_pool or cosine.",
)
@click.option("--find-lr", is_flag=True, help="With --fine-tune: learning rates by a range test.")
@click.option(
    "--time-budget", metavar="10m", help="With --fine-tune: fit the plan to this time, and stop."
)
@click.option(
    "--export",
    "recipes",
    metavar="A,B,...",
    help="Then write a verified bundle of these recipes, such as int8, to RUN-bundle.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "mixed_float16", "mixed_bfloat16"]),
    default="auto",
    show_default=True,
    help="Of the arithmetic; auto: mixed where the hardware gains by it.",
)
@click.option(
    "--quantize-aware",
    type=click.IntRange(min=1),
    metavar="EPOCHS",
    help="Then so many epochs with the rounding of 8 bits, for int8 exports that lose less.",
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
@options.pixel_range
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
    augment: str | None,
    fine_tune: bool,
    head: str,
    find_lr: bool,
    time_budget: str | None,
    recipes: str | None,
    precision: str,
    quantize_aware: int | None,
    seed: int,
    weights: str | None,
    items: tuple[str, ...],
    resume: bool,
    pixel_range: str | None,
    data_dir: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a model on SOURCE and write a run folder.

    SOURCE is a folder with one folder of images per class, a .csv file that names images and their
    classes, labels or quantities, tfds:NAME (TensorFlow Datasets), or digits (embedded). With
    --task detection it is a folder of pictures with boxes or an annotation file: COCO, Pascal VOC,
    YOLO, CSV, LabelMe, VIA, CVAT.
    `kerascnn augment SOURCE --policy NAME --out FILE.png` shows what an augmentation does to it.

    \b
    From a folder of photos to a file for a device:
    kerascnn train PHOTOS --fine-tune --export int8 --out RUN
    """
    detects = task == "detection"
    if not resume and (source is None or (model is None and not fine_tune and not detects)):
        missing = (
            "SOURCE (a folder, FILE.csv, tfds:NAME or digits)" if source is None else "--model NAME"
        )
        raise click.UsageError(f"missing {missing}. See `kerascnn train --help`.")
    tuning = {"head": head != "linear", "find-lr": find_lr, "time-budget": time_budget}
    for name, given in tuning.items():
        if given and not fine_tune:
            raise click.UsageError(f"--{name} goes with --fine-tune.")
    if recipes and as_json:
        raise click.UsageError("--export and --json exclude each other.")
    from kerascnn.training import FineTune
    from kerascnn.training.checks import check_new, check_resumed

    size, budget = options.parse_size(image_size), options.parse_duration(time_budget)
    plan = FineTune(head=head, find_learning_rate=find_lr, time_budget=budget)
    request: dict[str, Any] = {
        "task": task,
        "augment": augment,
        "quantize_aware": quantize_aware or 0,
        "pixel_range": options.parse_pixel_range(pixel_range),
    }
    fresh: dict[str, Any] = {
        "options": options.parse_options(items),
        "weights": weights,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "image_size": size,
        "validation_split": validation_split,
        "resize": resize,
        "patience": patience,
        "fine_tune": plan if fine_tune else False,
        "seed": seed,
        "data_dir": data_dir,
        "overwrite": overwrite,
    }
    if resume:
        check_resumed(out, source, model, precision=precision, **request)
    else:
        check_new(source, model, out, **request, **fresh)
    bundle = _check_bundle(recipes, out, overwrite) if recipes else None
    keras_backend.import_tensorflow()
    from kerascnn.cli.progress import TrainingProgress
    from kerascnn.training.run import train_and_keep

    progress = TrainingProgress()
    try:
        result, finished = train_and_keep(
            source, model, out, request, fresh, precision, resume, [progress]
        )
    finally:
        progress.close()
    if as_json:
        scores = {name: metrics.to_dict() for name, metrics in result.metrics.items()}
        eight_bits = {"eight_bits": result.eight_bits.to_dict()} if result.eight_bits else {}
        console.show_json({"folder": str(result.folder), "metrics": scores, **eight_bits})
        return
    seconds = sum(row["seconds"] for row in result.history)
    for name, metrics in result.metrics.items():
        console.say(f"{name}: {metrics.headline()}")
    if result.eight_bits is not None:
        console.say(figures.eight_bits(result.eight_bits))
    look = f"; look at {result.folder / 'report.html'}"
    console.say(
        f"{len(result.history)} epochs in {seconds:.0f} s, kept epoch {result.best_epoch}. "
        f"Everything is in {result.folder}{look}"
    )
    if bundle is not None:
        from kerascnn.errors import ExportError

        try:
            export.export_finished(result.folder, finished, str(bundle), str(recipes), overwrite)
        except ExportError:
            console.note(f"The run is complete: {_export_command(result, finished)}")
            raise
        return
    console.next_steps(
        _export_command(result, finished),
        f"kerascnn predict {result.folder} IMAGE",
    )


def _check_bundle(recipes: str, out: str, overwrite: bool) -> Path:
    """The bundle that --export writes, after what can be said of it before training."""
    from kerascnn.export.contract.manifest import BUNDLE
    from kerascnn.files import refuse_existing, user_path

    targets.choose(None, recipes, None, single=False)
    run = user_path(out, "run folder")
    if run.name in ("", ".."):
        run = run.resolve()
    bundle = run.with_name(f"{run.name}-bundle")
    refuse_existing(bundle, BUNDLE, overwrite)
    return bundle


def _export_command(result: "RunResult", finished: "Finished") -> str:
    """What to export a run with."""
    from kerascnn import tasks

    recipes = ",".join(tasks.get(finished.splits.task).recipes)
    return f"kerascnn export {result.folder} --recipes {recipes} --out {result.folder}-bundle"
