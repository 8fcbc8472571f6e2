"""`kerascnn summary`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import checks, console, keras_backend, options
from kerascnn.files import SVG, atomic_file, check_file, user_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kerascnn.catalog import Entry
    from kerascnn.profile import LayerProfile


@click.command(short_help="Show a model layer by layer.")
@click.argument("model", metavar="MODEL|FILE.keras|RUN")
@click.option(
    "--option",
    "items",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the architecture, such as alpha=0.5. Repeatable.",
)
@click.option("--image-size", metavar="N|HxW", help="Size of the images (default: the model's).")
@click.option("--svg", metavar="FILE", help="Also draw the model into this SVG file.")
@options.overwrite
@options.as_json
def command(
    model: str,
    items: tuple[str, ...],
    image_size: str | None,
    svg: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show a model layer by layer: an architecture, a .keras file or a run.

    Receptive field is the side of the square of input pixels that one unit depends on, memory that
    of the layer's outputs for one image. MACs are multiply-accumulate operations.
    """
    parsed, size = options.parse_options(items), options.parse_size(image_size)
    place = user_path(model, "model")
    entry = _entry(model, place, parsed, size)
    if svg is not None:
        checks.check_output(svg, SVG, overwrite, (".svg",), "--svg")
    keras_backend.import_tensorflow()
    from kerascnn.profile import profile

    if entry is not None:
        built = _build(entry, parsed, size)
    else:
        built, entry = _open(place)
    rows = profile(built)
    if svg is not None:
        _draw(built, svg, overwrite)
    if as_json:
        _show_json(built, rows, entry)
    else:
        _show_tables(built, rows, entry)


def _entry(
    model: str, place: Path, given: dict[str, Any], size: int | tuple[int, int] | None
) -> "Entry | None":
    """The architecture of this name, or None where it is a file or folder."""
    from kerascnn import catalog
    from kerascnn.errors import InputError

    if not place.exists():
        if place.suffix == ".keras" or len(place.parts) > 1:
            raise InputError(f"no such file or folder: {model}.")
        entry = catalog.find(model)
        if "weights" in given:
            raise InputError("a summary does not depend on weights: leave out --option weights.")
        if size is not None and "input_shape" in given:
            raise InputError("give either --image-size or --option input_shape.")
        catalog.check_options(entry, given)
        return entry
    if given or size is not None:
        raise InputError(
            f"--option and --image-size are for architectures; {model} is a file or folder, whose "
            "model is fixed."
        )
    return None


def _build(entry: "Entry", given: dict[str, Any], size: int | tuple[int, int] | None) -> Any:
    import keras

    from kerascnn import catalog

    if size is not None:
        sides = (size, size) if isinstance(size, int) else size
        given = {**given, "input_shape": (*sides, entry.input_shape[2])}
    if isinstance(given.get("input_shape"), list):
        given = {**given, "input_shape": tuple(given["input_shape"])}
    with keras.StatelessScope(initialize_variables=False):  # shapes only: instant at any size
        return catalog.create_model(entry.name, weights=None, **given)


def _open(path: Path) -> "tuple[Any, Entry | None]":
    from kerascnn import catalog
    from kerascnn.errors import InputError
    from kerascnn.model_file import SUFFIXES as MODEL_SUFFIXES
    from kerascnn.serialization import load_model

    if (path / "config.json").is_file():
        from kerascnn.training import open_run

        run = open_run(path)
        return load_model(run.model_path, compile=False), catalog.find(run.config.model)
    if not path.is_dir() and path.suffix in MODEL_SUFFIXES:
        check_file(path, "model file")
        model = load_model(path, compile=False)
        known = {name.lower(): name for name in catalog.list_models(task=None)}
        name = known.get(model.name.lower())
        return model, catalog.find(name) if name else None
    raise InputError(
        f"cannot show {path}. Expected an architecture (`kerascnn models` lists them), a .keras "
        "or .h5 file or a run folder."
    )


def _draw(built: Any, path: str, overwrite: bool) -> None:
    from kerascnn.visualize import architecture_diagram

    with atomic_file(path, SVG, overwrite=overwrite) as temporary:
        temporary.write_text(architecture_diagram(built), encoding="utf-8")
    console.note(f"drawn: {path}")


def _totals(rows: "Sequence[LayerProfile]") -> dict[str, int]:
    """Sums, and the field of the last layer with maps."""
    maps = [row for row in rows if len(row.output_shape) == 3 and row.output_shape[:2] != (1, 1)]
    return {
        "params": sum(row.params for row in rows),
        "trainable_params": sum(row.trainable_params for row in rows),
        "macs": sum(row.macs for row in rows),
        "activation_bytes": sum(row.activation_bytes for row in rows),
        "receptive_field": maps[-1].receptive_field if maps else 0,
    }


def _show_json(built: Any, rows: "Sequence[LayerProfile]", entry: "Entry | None") -> None:
    from dataclasses import asdict

    console.show_json(
        {
            "model": built.name,
            "input_shape": built.input_shape[1:],
            "layers": [asdict(row) for row in rows],
            "totals": _totals(rows),
            "catalogue": None if entry is None else asdict(entry),
        }
    )


def _show_tables(built: Any, rows: "Sequence[LayerProfile]", entry: "Entry | None") -> None:
    shape = "x".join(map(str, built.input_shape[1:]))
    columns = ("layer", "kind", "output", "parameters", "MACs", "field", "memory")
    layers = [
        (
            row.name,
            row.kind,
            "x".join(map(str, row.output_shape)),
            _number(row.params),
            _number(row.macs),
            str(row.receptive_field),
            console.size(row.activation_bytes),
        )
        for row in rows
    ]
    title = f"{built.name}, images of {shape}"
    optional = ("memory", "field", "kind")
    console.show_table(title, columns, layers, texts=("kind",), optional=optional)
    _show_totals(built, rows, entry)


def _show_totals(built: Any, rows: "Sequence[LayerProfile]", entry: "Entry | None") -> None:
    totals = _totals(rows)
    published = entry is not None
    frozen = totals["params"] - totals["trainable_params"]
    console.show_table(
        "in all",
        ("", "this model", *([f"catalogue: {entry.name}"] if entry else [])),
        [
            (name, value, *([known] if published else []))
            for name, value, known in (
                (
                    "trainable parameters",
                    f"{totals['trainable_params']:,}",
                    f"{entry.params:,}" if entry else "",
                ),
                ("other parameters", f"{frozen:,}", ""),
                ("MACs", f"{totals['macs']:,}", f"{entry.macs:,}" if entry else ""),
                (
                    "input",
                    "x".join(map(str, built.input_shape[1:])),
                    "x".join(map(str, entry.input_shape)) if entry else "",
                ),
                ("receptive field", f"{totals['receptive_field']} pixels", ""),
                ("memory of all outputs", console.size(totals["activation_bytes"]), ""),
            )
        ],
    )
    if entry is not None:
        accuracy = "" if entry.top1 is None else f"; top-1 on ImageNet {entry.top1:.1f} %"
        console.say(f"{entry.paper}, {entry.year}{accuracy}")


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"
