"""`kerascnn export`."""

import click

from kerascnn.cli import console, options


@click.command(short_help="Write a verified bundle.")
@click.argument("path", metavar="RUN|MODEL.keras")
@click.option("--out", "-o", metavar="BUNDLE", required=True, help="Folder to write.")
@click.option("--recipes", default="float32,int8", show_default=True, metavar="A,B,...")
@click.option(
    "--io",
    type=click.Choice(["uint8", "int8", "float32", "int16"]),
    default="uint8",
    show_default=True,
    help="Type of input and output of the integer files.",
)
@click.option("--data", "source", metavar="SOURCE", help="Calibrate and measure on this data.")
@click.option("--samples", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--saved-model", metavar="FOLDER", help="Write a SavedModel too.")
@options.data_dir
@options.overwrite
@options.as_json
def command(
    path: str,
    out: str,
    recipes: str,
    io: str,
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

    Recipes: float32, float16, dynamic_int8, weight_only_int8, int8, int16x8.
    """
    from kerascnn.errors import InputError
    from kerascnn.export import recipes as known
    from kerascnn.files import refuse_existing

    chosen = [name.strip() for name in recipes.split(",") if name.strip()]
    for name in chosen:
        known.get(name)
    from pathlib import Path

    refuse_existing(Path(out), overwrite)
    console.import_tensorflow()
    from kerascnn.export import export_bundle, export_saved_model
    from kerascnn.predictors import open_predictors
    from kerascnn.serialization import load_model

    predictor = open_predictors(path)[0]
    if predictor.path.suffix != ".keras":
        raise InputError(f"{path} is not a Keras model: expected a run folder or a .keras file.")
    if source is not None:
        splits = predictor.load_data(source, data_dir=data_dir)
    elif predictor.run is not None:
        splits = predictor.run.data(**({"data_dir": data_dir} if data_dir else {}))
    else:
        raise InputError(f"{path} does not know its data: say --data FOLDER, tfds:NAME or digits.")
    model = load_model(predictor.path, compile=False)
    images, labels = splits.sample("train", samples, seed=0)
    held_out = "test" if splits.test is not None else "validation"
    if saved_model is not None:
        export_saved_model(model, saved_model, overwrite)
    with console.err.status("exporting") as status:
        result = export_bundle(
            model,
            out,
            recipes=chosen,
            samples=images,
            labels=labels,
            class_names=splits.class_names,
            resize=splits.resize.to_dict(),
            evaluation=splits.arrays(held_out),
            io=io,
            overwrite=overwrite,
            progress=status.update,
        )
    if as_json:
        console.say((result.folder / "report.json").read_text(encoding="utf-8"))
        return
    show_report(result, held_out)
    console.next_steps(
        f"open {result.folder / 'report.html'}",
        f"kerascnn predict {result.folder} IMAGE",
        f"python export/python/run.py --selftest {result.folder}",
    )


def show_report(result, split: str) -> None:  # type: ignore[no-untyped-def]
    """Prints the table of a bundle: one line per file."""
    report = result.report
    rows = [("Keras model", console.percent(report.keras.accuracy), "-", "-", "-", "-")]
    rows += [
        (
            file.recipe,
            console.percent(file.score.accuracy),
            console.percent(file.agreement),
            console.size(file.bytes),
            f"{file.median_ms:.3f} ms",
            str(file.delegate_partitions),
        )
        for file in report.files
    ]
    console.show_table(
        f"{report.model} on {report.images} held-out images ({split}), verified",
        ("file", "accuracy", "agreement", "size", "latency", "partitions"),
        rows,
    )
    console.say(f"bundle: {result.folder}")
