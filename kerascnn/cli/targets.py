"""What `kerascnn export` does and says about device clients."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import console

if TYPE_CHECKING:
    from kerascnn.export import BundleResult, TFLMSources
    from kerascnn.inference import Predictor

NAMES = ("mediapipe", "litert-js", "android", "tflm", "coral", "serving")

option = click.option(
    "--target",
    type=click.Choice(NAMES),
    help="Export for one kind of client: its recipes and io, its rules checked.",
)


def choose(
    target: str | None, recipes: str | None, io: str | None, *, single: bool
) -> tuple[list[str], str]:
    """The recipes and io to export: those given, else the target's, else float32 and int8.

    Args:
        target: Name of a device client.
        recipes: Names, with commas between them.
        io: Input and output type of the integer files.
        single: Whether one file is written, not a bundle.

    Raises:
        InputError: An unknown recipe, none, one listed twice, more than one for a single file, or
            one whose input the target does not take.
    """
    from kerascnn.errors import InputError
    from kerascnn.export import recipes as recipe_table
    from kerascnn.export import targets

    known = None if target in (None, "serving") else targets.find(str(target))
    if target == "serving" and (recipes or io):
        raise InputError(
            f"--{'recipes' if recipes else 'io'} does not go with --target serving, which writes a "
            "SavedModel, not .tflite files. Leave it out."
        )
    texts = recipes if recipes is not None else ",".join(known.recipes) if known else "float32,int8"
    given = [name.strip() for name in texts.split(",") if name.strip()]
    is_auto = {name: name.lower() == recipe_table.AUTO for name in given}
    names = [recipe_table.AUTO if is_auto[n] else recipe_table.get(n).name for n in given]
    if recipes is None and single and known:
        names = names[:1]
    if not names:
        raise InputError(
            "--recipes names no recipe. Expected one or more, with commas between them, of: "
            f"{', '.join(recipe_table.RECIPES)}."
        )
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"recipe {name!r} is listed twice.")
    if recipe_table.AUTO in names and not single:
        raise InputError("the recipe auto is for a single file: --out FILE.tflite")
    if single and len(names) > 1:
        raise InputError("--out names one file: choose one recipe for it, such as --recipes int8.")
    io = io or (known.io if known else "uint8")
    for name in names if known and recipe_table.AUTO not in names else ():
        kind = recipe_table.get(name).choose_io(io)
        if known and kind not in known.inputs:
            raise InputError(
                f"a file of recipe {name} takes {kind}, and {known.title} takes "
                f"{' or '.join(known.inputs)}. Leave --recipes and --io to --target {target}."
            )
    return names, io


def add_sources(result: "BundleResult", target: str | None) -> "TFLMSources | None":
    """Adds C++ sources to a bundle for microcontrollers; None for every other target."""
    if target != "tflm":
        return None
    import numpy as np

    from kerascnn.export import write_tflm_sources

    first = result.manifest.files[0]
    with np.load(result.folder / result.manifest.golden.path) as golden:
        image = golden["inputs"][0]
    return write_tflm_sources(result.folder / first.path, result.folder / "tflm", image=image)


def write_serving(predictor: "Predictor", out: str, overwrite: bool, as_json: bool) -> None:
    """Writes the SavedModel with two signatures; a run knows its resize rule and classes."""
    from kerascnn.export import export_serving

    # Its signatures give the best class, which other tasks do not have.
    classes = predictor.meaning.name == "classification"
    result = export_serving(
        predictor.model,
        out,
        resize=None if predictor.resize is None else predictor.resize.to_dict(),
        class_names=predictor.labels if classes else None,
        overwrite=overwrite,
    )
    if as_json:
        sizes = {"input_shape": list(result.input_shape), "bytes": result.bytes}
        console.show_json({"path": out, "signatures": list(result.signatures), **sizes})
        return
    fit = "stretch" if predictor.resize is None else predictor.resize.fit
    console.say(f"{out}: SavedModel, {console.size(result.bytes)}, verified against the model")
    console.say(f"  {result.signatures[0]}: image, raw pixels {list(result.input_shape)}")
    console.say(
        f"  {result.signatures[1]}: image_bytes, JPEG, PNG, GIF or BMP; resize rule {fit!r}"
    )
    console.next_steps(f"saved_model_cli show --dir {out} --all")


def show(result: "BundleResult", sources: "TFLMSources | None") -> None:
    """Prints which clients run each file; the report says why not."""
    files = result.report.files
    names = [verdict.target for verdict in files[0].runs_on]
    rows = [
        (file.recipe, *("yes" if verdict.runs else "no" for verdict in file.runs_on))
        for file in files
    ]
    console.show_table("runs on (reasons in report.html)", ("file", *names), rows)
    if sources is not None:
        arena = sources.arena
        origin = "measured" if arena.measured else "estimated; pip install --pre tflite-micro"
        console.say(
            f"C++ for tflite-micro: {sources.folder}, {len(sources.operators)} operators, "
            f"arena {console.size(arena.bytes)} ({origin})"
        )
