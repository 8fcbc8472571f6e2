"""`kerascnn export`."""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import (
    bundle_table,
    console,
    export_checks,
    keras_backend,
    layer_errors,
    options,
    score_calibration,
    targets,
)
from kerascnn.cli.optional_value import OptionalValue

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

    from kerascnn.data import Splits
    from kerascnn.inference import Predictor
    from kerascnn.tasks import Arrays
    from kerascnn.training.finish import Finished


_JUDGED = 1000  # validation images at most that decide for --recipes auto
_SAMPLES = 200  # training images that calibrate and verify


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
    type=options.NumberInRange(min=0, max=1),
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
    "--layout",
    type=click.Choice(["objects", "raw"]),
    help="Of a detector: finished objects, or boxes and scores of all points "
    "[objects where the target and --io allow it].",
)
@click.option(
    "--sensitivity",
    cls=OptionalValue,
    metavar="[FILE.png]",
    help="Also measure which layers lose accuracy in int8: a table, and a picture if one is named.",
)
@score_calibration.option
@click.option("--data", "source", metavar="SOURCE", help="Calibrate and measure on this data.")
@click.option("--samples", type=click.IntRange(min=1), default=_SAMPLES, show_default=True)
@click.option("--saved-model", metavar="FOLDER", help="Write a SavedModel too.")
@options.pixel_range
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
    layout: str | None,
    sensitivity: str | None,
    calibrate_scores: bool,
    source: str | None,
    samples: int,
    saved_model: str | None,
    pixel_range: str | None,
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
    from kerascnn.files import claim
    from kerascnn.inference import open_predictor

    single = export_checks.is_file(out)
    chosen, io = targets.choose(target, recipes, io, single=single)
    export_checks.check_model(path, source, data_dir, needs_data=target != "serving")
    export_checks.check_clusters(clusters, chosen)
    if layout is not None and target == "serving":
        raise click.UsageError("--layout does not go with --target serving.")
    if calibrate_scores and target == "serving":
        raise click.UsageError("--calibrate-scores does not go with --target serving.")
    outputs = export_checks.check_outputs(out, target, sensitivity, saved_model, overwrite)
    keras_backend.import_tensorflow()
    with contextlib.ExitStack() as stack:
        for output in outputs:
            stack.enter_context(claim(output))
        predictor = options.with_pixel_range(open_predictor(path), pixel_range)
        if target == "serving":
            targets.write_serving(predictor, out, overwrite, as_json)
            return
        _export(
            predictor,
            _data(predictor, source, data_dir),
            out,
            chosen,
            {
                "io": io,
                "target": target,
                "calibration": calibration,
                "clusters": clusters,
                "overwrite": overwrite,
                "layout": layout,
            },
            accuracy_drop=accuracy_drop,
            sensitivity=sensitivity,
            calibrate_scores=calibrate_scores,
            samples=samples,
            saved_model=saved_model,
            as_json=as_json,
        )


def export_finished(
    run: "Path", finished: "Finished", out: str, recipes: str, overwrite: bool
) -> None:
    """Writes the bundle of a run that has just ended: with its model, its data and its outputs."""
    from kerascnn.files import claim
    from kerascnn.inference.run import open_run_folder

    chosen, io = targets.choose(None, recipes, None, single=False)
    (place,) = export_checks.check_outputs(out, None, None, None, overwrite)
    with claim(place):
        _export(
            open_run_folder(run, finished.model),
            finished.splits,
            out,
            chosen,
            {"io": io, "target": None, "clusters": None, "overwrite": overwrite},
            known=finished.outputs,
        )


def _export(
    predictor: "Predictor",
    splits: "Splits",
    out: str,
    chosen: list[str],
    settings: dict[str, Any],
    *,
    accuracy_drop: float = 0.01,
    sensitivity: str | None = None,
    calibrate_scores: bool = False,
    samples: int = _SAMPLES,
    saved_model: str | None = None,
    as_json: bool = False,
    known: "Mapping[str, Arrays] | None" = None,
) -> None:
    """Does what was checked; `settings` go to `export_tflite` and `export_bundle`.

    `known` are the outputs of the predictor's model for whole splits, where they were computed.
    """
    from kerascnn.export import convert_float, export_saved_model
    from kerascnn.export.recipes import AUTO
    from kerascnn.serialization import load_model

    if predictor.pixel_range is not None:
        low, high = predictor.pixel_range
        console.note(
            f"the model saw pixels of {low:g} to {high:g} as 0 to 255: clients must bring images "
            "of more than 8 bits to 0 to 255 in the same way"
        )
    model, place = predictor.model, model_path(predictor, chosen, settings["clusters"])
    if place != predictor.path:
        model = load_model(place, compile=False)
    if calibrate_scores:
        model = score_calibration.calibrated(model, splits)
    sample = splits.sample("train", samples, seed=0)
    if saved_model is not None:
        export_saved_model(model, saved_model, settings["overwrite"])
    float_model = None
    if sensitivity is not None:
        float_model = convert_float(model)
        layer_errors.show(model, sample[0], float_model, sensitivity, as_json)
    if export_checks.is_file(out):
        settings |= {"accuracy_drop": accuracy_drop, "float_model": float_model}
        if chosen[0] == AUTO:  # judged on images that did not set its ranges
            settings["evaluation"] = splits.sample("validation", _JUDGED, seed=0)
        _write_file(model, out, chosen[0], splits, sample, settings, as_json)
        return
    if predictor.threshold is not None:
        settings["threshold"] = predictor.threshold
    known = known if model is predictor.model else None
    _write_bundle(model, out, chosen, splits, sample, settings, as_json, known)


def _data(predictor: "Predictor", source: str | None, data_dir: str | None) -> "Splits":
    """The data to calibrate and measure on: the run's own, wherever it is now, or another."""
    run, changes = predictor.run, {"data_dir": data_dir} if data_dir else {}
    if run is not None and (source is None or run.knows(source)):
        return run.data(source=source, pixel_range=predictor.pixel_range, **changes)
    if source is None:  # checked before
        raise click.UsageError("say on what data: --data FOLDER, FILE.csv, tfds:NAME or digits.")
    return predictor.load_data(source, data_dir=data_dir)


def _write_bundle(
    model: "keras.Model",
    out: str,
    recipes: Sequence[str],
    splits: "Splits",
    sample: "tuple[np.ndarray, np.ndarray]",
    settings: dict[str, Any],
    as_json: bool,
    known: "Mapping[str, Arrays] | None",
) -> None:
    """Writes and shows a bundle."""
    from kerascnn import tasks
    from kerascnn.export import export_bundle

    held_out = "test" if splits.test is not None else "validation"
    with console.err.status("exporting") as status:
        result = export_bundle(
            model,
            out,
            recipes=recipes,
            samples=sample[0],
            labels=sample[1] if tasks.get(splits.task).accuracy else None,
            class_names=splits.class_names,
            resize=splits.resize.to_dict(),
            evaluation=splits.arrays(held_out),
            evaluation_outputs=None if known is None else known[held_out],
            task=splits.task,
            progress=status.update,
            **settings,
        )
    sources = targets.add_sources(result, settings["target"])
    if as_json:
        console.say((result.folder / "report.json").read_text(encoding="utf-8"))
        return
    bundle_table.show_report(result, held_out)
    targets.show(result, sources)
    folder = shlex.quote(str(result.folder))
    console.next_steps(
        f"open {shlex.quote(str(result.folder / 'report.html'))}",
        f"kerascnn predict {folder} IMAGE",
        f"kerascnn selftest {folder}",
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
    sample: "tuple[np.ndarray, np.ndarray]",
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Writes and verifies one `.tflite` file, of any task."""
    from kerascnn import tasks
    from kerascnn.export import export_tflite

    task, (images, labels) = tasks.get(splits.task), sample
    result = export_tflite(
        model,
        out,
        recipe,
        images,
        labels if task.accuracy else None,
        task=task.name,
        class_names=splits.class_names if task.roles[0] == "scores" else None,
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
    bundle_table.show_outside(result.recipe, result)
    console.next_steps(
        f"kerascnn evaluate {shlex.quote(out)} --data {shlex.quote(splits.source)}",
        f"kerascnn predict {shlex.quote(out)} --task {task.name} IMAGE",
    )
