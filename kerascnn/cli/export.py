"""`kerascnn export`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import console, layer_errors, options, score_calibration, targets

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

    from kerascnn.data import Splits
    from kerascnn.inference import Predictor
    from kerascnn.tasks import Metrics


_JUDGED = 1000  # validation images at most that decide for --recipes auto


@click.command(short_help="Write a verified bundle.")
@click.argument("path", metavar="RUN|MODEL.keras")
@click.option(
    "--out",
    "-o",
    metavar="BUNDLE|FILE.tflite",
    required=True,
    help="Folder to write, or one file, of one recipe.",
)
@targets.option
@click.option("--recipes", metavar="A,B,...", help="[the target's, or float32,int8]")
@click.option(
    "--accuracy-drop",
    type=click.FloatRange(min=0, max=1),
    default=0.01,
    show_default=True,
    help="With --recipes auto: the most accuracy that may be lost.",
)
@click.option(
    "--io",
    type=click.Choice(["uint8", "int8", "float32", "int16"]),
    help="Type of input and output of the integer files [the target's, or uint8].",
)
@click.option(
    "--calibration",
    type=click.Choice(["auto", "minmax", "percentile", "mse"]),
    default="auto",
    show_default=True,
    help="How the integer files set the ranges of activations.",
)
@click.option(
    "--clusters",
    type=click.IntRange(min=4, max=255),
    help="Values that the 8-bit weights of a layer share: with 16, files zip a third smaller.",
)
@click.option(
    "--sensitivity",
    metavar="FILE.png",
    help="Also measure which layers lose accuracy in int8: a table, and a picture here.",
)
@score_calibration.option
@click.option("--data", "source", metavar="SOURCE", help="Calibrate and measure on this data.")
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--saved-model", metavar="FOLDER", help="Write a SavedModel too.")
@options.data_dir
@options.overwrite
@options.as_json
def command(
    path: str,
    out: str,
    target: str | None,
    recipes: str | None,
    accuracy_drop: float,
    io: str | None,
    calibration: str,
    clusters: int | None,
    sensitivity: str | None,
    calibrate_scores: bool,
    source: str | None,
    samples: int,
    saved_model: str | None,
    data_dir: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Turn a run or a .keras file into a bundle: verified .tflite files and what a device needs.

    Calibration images are drawn from the training split of the run's own data; accuracy is
    measured on its test split, or on its validation split where it has no test split.

    Recipes: float32, float16, dynamic_int8, weight_only_int8, int8, int16x8; for a single file
    also auto, the smallest and fastest file that loses no more than --accuracy-drop.
    """
    from kerascnn.errors import InputError
    from kerascnn.export import recipes as known
    from kerascnn.files import refuse_existing

    chosen, io = targets.choose(target, recipes, io)
    from pathlib import Path

    single = Path(out).suffix == ".tflite"
    if single and recipes is None and target is not None:
        chosen = chosen[:1]
    for name in chosen:
        if name == known.AUTO and not single:
            raise InputError("the recipe auto is for a single file: --out FILE.tflite")
        if name != known.AUTO:
            known.get(name)
    refuse_existing(Path(out), overwrite)
    if sensitivity is not None:
        refuse_existing(Path(sensitivity), overwrite)
    if single and len(chosen) != 1:
        raise InputError(f"{out} is one file: choose one recipe for it, such as --recipes int8.")
    console.import_tensorflow()
    from kerascnn import tasks
    from kerascnn.export import convert_float, export_bundle, export_saved_model
    from kerascnn.inference import open_predictor
    from kerascnn.serialization import load_model

    predictor = open_predictor(path)
    if predictor.path.suffix != ".keras":
        raise InputError(f"{path} is not a Keras model: expected a run folder or a .keras file.")
    if calibrate_scores and target == "serving":
        raise InputError("--calibrate-scores does not go with --target serving.")
    if target == "serving":
        targets.write_serving(predictor, out, overwrite, as_json)
        return
    if source is not None:
        splits = predictor.load_data(source, data_dir=data_dir)
    elif predictor.run is not None:
        splits = predictor.run.data(**({"data_dir": data_dir} if data_dir else {}))
    else:
        raise InputError(
            f"{path} does not know its data: say --data FOLDER, FILE.csv, tfds:NAME or digits."
        )
    task = tasks.get(splits.task)
    model = load_model(model_path(predictor, chosen, clusters), compile=False)
    if calibrate_scores:
        model = score_calibration.calibrated(model, splits)
    images, labels = splits.sample("train", samples, seed=0)
    held_out = "test" if splits.test is not None else "validation"
    if saved_model is not None:
        export_saved_model(model, saved_model, overwrite)
    float_model = None
    if sensitivity is not None:
        float_model = convert_float(model)
        layer_errors.show(model, images, float_model, sensitivity, as_json)
    if single:
        options: dict[str, Any] = {
            "io": io,
            "calibration": calibration,
            "clusters": clusters,
            "accuracy_drop": accuracy_drop,
            "float_model": float_model,
            "target": target,
        }
        if chosen[0] == known.AUTO:  # judged on images that did not set its ranges
            options["evaluation"] = splits.sample("validation", _JUDGED, seed=0)
        _write_file(model, out, chosen[0], splits, images, labels, options, overwrite, as_json)
        return
    with console.err.status("exporting") as status:
        result = export_bundle(
            model,
            out,
            recipes=chosen,
            samples=images,
            labels=labels if task.accuracy else None,
            class_names=splits.class_names,
            resize=splits.resize.to_dict(),
            evaluation=splits.arrays(held_out),
            task=splits.task,
            io=io,
            target=target,
            calibration=calibration,
            clusters=clusters,
            overwrite=overwrite,
            progress=status.update,
        )
    sources = targets.add_sources(result, target)
    if as_json:
        console.say((result.folder / "report.json").read_text(encoding="utf-8"))
        return
    show_report(result, held_out)
    targets.show(result, sources)
    console.next_steps(
        f"open {result.folder / 'report.html'}",
        f"kerascnn predict {result.folder} IMAGE",
        f"python export/python/run.py --selftest {result.folder}",
    )


def model_path(
    predictor: "Predictor", recipes: Sequence[str], clusters: int | None = None
) -> "Path":
    """The model of a run, or its quantisation-aware one where an int8 file is made of it."""
    from kerascnn.export import recipes as known

    aware = predictor.run.quantize_aware_path if predictor.run is not None else None
    rounded = any(name == known.AUTO or known.get(name).activations == "int8" for name in recipes)
    if aware is None or not rounded:
        return predictor.path
    if clusters is not None:
        console.note("--clusters rounds weights anew: exporting the float model of the run")
        return predictor.path
    console.note(f"exporting the quantisation-aware model of the run, {aware}")
    return aware


def _write_file(
    model: "keras.Model",
    out: str,
    recipe: str,
    splits: "Splits",
    images: "np.ndarray",
    labels: "np.ndarray",
    settings: dict[str, Any],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Writes and verifies one `.tflite` file, of any task."""
    from kerascnn import tasks
    from kerascnn.export import export_tflite

    task = tasks.get(splits.task)
    result = export_tflite(
        model,
        out,
        recipe,
        images,
        labels if task.accuracy else None,
        overwrite=overwrite,
        task=task.name,
        class_names=splits.class_names if task.roles == ("scores",) else None,
        **settings,
    )
    for trial in result.trials:
        console.note(str(trial))
    checks = result.report.metrics if result.report else ()
    if as_json:
        found = {metric.name: {"value": metric.value, "limit": metric.limit} for metric in checks}
        console.show_json(
            {"path": out, "recipe": result.recipe, "bytes": result.bytes, "checks": found}
        )
        return
    console.say(
        f"{out}: {result.recipe}, {console.size(result.bytes)}, verified on {len(images)} images"
    )
    for metric in checks:
        console.say(f"  {metric}")
    _show_outside(result.recipe, result)
    console.next_steps(
        f"kerascnn evaluate {out} --data {splits.source}",
        f"kerascnn predict {out} --task {task.name} IMAGE",
    )


def show_report(result, split: str) -> None:  # type: ignore[no-untyped-def]
    """Prints the table of a bundle: one line per file."""
    report = result.report
    rows = [("Keras model", _score(report.keras), "-", "-", "-", "-")]
    rows += [
        (
            file.recipe,
            _score(file.score),
            console.percent(file.agreement),
            console.size(file.bytes),
            f"{file.median_ms:.3f} ms",
            str(file.delegate_partitions),
        )
        for file in report.files
    ]
    score = "accuracy" if report.keras is None else report.keras.title
    console.show_table(
        f"{report.model} on {report.images} held-out images ({split}), verified",
        ("file", score, "agreement", "size", "latency", "partitions"),
        rows,
    )
    for file in report.files:
        _show_outside(file.recipe, file)
    console.say(f"bundle: {result.folder}")


def _show_outside(name: str, file) -> None:  # type: ignore[no-untyped-def]
    """Says why a file does not run in one piece."""
    from kerascnn.export.delegate import sentences

    if file.delegate_partitions == 1:
        return
    pieces = f"{name}: {file.delegate_partitions or 'no'} pieces in the CPU delegate; outside it"
    for line in sentences(file.undelegated_reasons):
        console.say(f"{pieces} stay {line}")


def _score(score: "Metrics | None") -> str:
    """The share that is right, or the error of each quantity."""
    if score is None:
        return "-"
    return console.percent(score.share) if score.share is not None else "\n".join(score.lines())
