"""`kerascnn explain`."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import checks, console, keras_backend, options
from kerascnn.tasks.words import number

if TYPE_CHECKING:
    import numpy as np

    from kerascnn.inference import Predictor

ALL, MOST = "all", 12  # images of a folder


@click.command(short_help="Draw what in images spoke for a class.")
@click.argument("path")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="Repeatable; `all` for every one that the model allows [grad-cam].",
)
@click.option("--layer", metavar="NAME", help="Whose maps are used [the last with maps].")
@click.option(
    "--class",
    "label",
    metavar="NAME|NUMBER",
    help="Of all images: a class, label or quantity [the model's choice; of quantities the first].",
)
@click.option("--against", is_flag=True, help="What speaks against it, or lowers the quantity.")
@click.option(
    "--out",
    "-o",
    metavar="FILE.png|.gif",
    help="The picture [named after image and method]; .gif shows `integrated` at work.",
)
@options.weights
@options.items
@options.pixel_range
@options.overwrite
@options.as_json
def command(
    path: str,
    images: tuple[str, ...],
    methods: tuple[str, ...],
    layer: str | None,
    label: str | None,
    against: bool,
    out: str | None,
    weights: str | None,
    items: tuple[str, ...],
    pixel_range: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw what in each IMAGE spoke for a class, with PATH: a run or a .keras file.

    PATH may also be an architecture with --weights, as in `kerascnn predict`; an IMAGE may be a
    folder, whose first 12 images are taken. The picture has one row per image and one column per
    method: saliency, smooth-grad, guided, deconvnet, integrated, occlusion, cam, grad-cam,
    grad-cam++, score-cam, layer-cam.
    """
    from kerascnn.errors import InputError
    from kerascnn.files import GIF, PNG, atomic_file
    from kerascnn.inference import check_request

    parsed = options.parse_options(items)
    check_request(path, weights=weights, options=parsed)
    checks.check_images(images)
    names = _methods(methods)
    paths = _paths(images)
    target = Path(out or f"{paths[0].stem if len(paths) == 1 else 'explained'}-{_short(names)}.png")
    moving = target.suffix.lower() == ".gif"
    _check_use(names, layer, label)
    if moving and names != ["integrated"]:
        raise InputError("a .gif shows integrated gradients on their way: add --method integrated.")
    target = checks.check_output(str(target), GIF if moving else PNG, overwrite, (".png", ".gif"))
    keras_backend.import_tensorflow()
    from kerascnn.inference import open_predictor
    from kerascnn.visualize import integration_path, plot_attributions, save_animation

    predictor = open_predictor(path, weights=weights, options=parsed)
    predictor = options.with_pixel_range(predictor, pixel_range)
    if predictor.meaning.name == "detection":
        raise InputError(
            f"{path} is an object detector, whose boxes say themselves what was found where: "
            "kerascnn predict draws them (--out). Expected a classifier or a regressor."
        )
    if predictor.model is None:
        raise InputError(
            f"{path} holds no Keras model, and its inner maps and slopes cannot be seen. Give the "
            "run or the .keras file that it was made from."
        )
    pixels = predictor.load_images([str(image) for image in paths])
    arrays = predictor.arrays(pixels)
    predictor = predictor.described(arrays)
    (outputs, *others) = predictor.predictions(arrays).values()
    if others:
        raise InputError(
            f"{path} has {1 + len(others)} outputs, and the score of which one is to be explained? "
            "Give a keras.Model with one of them, saved as .keras."
        )
    chosen = [_class(label, predictor, outputs.shape[1])] * len(paths)
    if label is None and (predictor.outputs or ())[0].decides:
        chosen = outputs.argmax(1).tolist()
    # One label by itself has one output, of which the methods make two classes.
    alone = outputs.shape[1] == 1 and (predictor.outputs or ())[0].decides
    explained = [1] * len(paths) if alone else chosen
    if moving:
        save_animation(
            integration_path(predictor.model, pixels, explained, against=against), target
        )
    else:
        found = _attributions(predictor.model, pixels, names, explained, layer, against)
        names = list(found)
        figure = plot_attributions(pixels, found, _titles(predictor, outputs, chosen))
        with atomic_file(target, PNG, overwrite=overwrite) as temporary:
            figure.savefig(temporary, format="png")
    _show(paths, predictor, outputs, chosen, target, names, as_json)
    if ALL not in methods:
        given = [f"--weights {weights}"] if weights else []
        given += [f"--option {item}" for item in items]
        console.next_steps(" ".join(["kerascnn explain", path, images[0], *given, "--method all"]))


def _methods(given: Sequence[str]) -> list[str]:
    from kerascnn.errors import InputError
    from kerascnn.visualize import METHODS

    if ALL in given:
        return list(METHODS)
    for name in given:
        if name not in METHODS:
            near = difflib.get_close_matches(name, METHODS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InputError(
                f"no method {name!r}.{hint} There are: {', '.join(METHODS)}, and {ALL}."
            )
    return list(dict.fromkeys(given)) or ["grad-cam"]


def _check_use(names: Sequence[str], layer: str | None, label: str | None) -> None:
    """What is asked for must matter to one of the methods."""
    from kerascnn.errors import InputError
    from kerascnn.visualize import METHODS

    chosen = [METHODS[name] for name in names]
    if layer is not None and not any(method.takes_layer for method in chosen):
        usable = ", ".join(name for name, method in METHODS.items() if method.takes_layer)
        raise InputError(f"--layer has no part in {', '.join(names)}. It is for: {usable}.")
    if label is not None and not any(method.takes_classes for method in chosen):
        raise InputError(
            f"--class has no part in {', '.join(names)}, which is about the strongest unit of a "
            "layer. Leave it out, or add another method."
        )


def _short(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else "methods"


def _paths(images: Sequence[str]) -> list[Path]:
    """Files as they are given, and the first images of folders."""
    from kerascnn.data.folders.skipped import looks_like_an_image
    from kerascnn.errors import InputError
    from kerascnn.files import user_path

    found: list[Path] = []
    for image in map(user_path, images):
        if not image.is_dir():
            found.append(image)
            continue
        inside = sorted(file for file in image.iterdir() if looks_like_an_image(file))
        if not inside:
            raise InputError(
                f"{image} has no image files in it. Expected a folder of images, without folders "
                "between."
            )
        if len(inside) > MOST:
            console.note(f"{image}: the first {MOST} of {len(inside)} images")
        found += inside[:MOST]
    return found


def _class(text: str | None, predictor: "Predictor", count: int) -> int:
    from kerascnn.errors import InputError

    if text is None:
        return 0
    labels = predictor.labels or ()
    if text in labels:
        return labels.index(text)
    if text.isdecimal() and int(text) < count:
        return int(text)
    near = difflib.get_close_matches(text, labels, n=3)
    known = f"one of {', '.join(near)}" if near else ", ".join(labels[:8]) or "a number"
    raise InputError(f"no class {text!r}. Expected {known}, or a number from 0 to {count - 1}.")


def _attributions(
    model: Any,
    pixels: "np.ndarray",
    names: Sequence[str],
    classes: list[int],
    layer: str | None,
    against: bool,
) -> "dict[str, np.ndarray]":
    """What each method gives. Of several, those that are not for this model are left out."""
    from kerascnn.errors import InputError
    from kerascnn.visualize import attribute

    found, reasons = {}, []
    for place, name in enumerate(names, 1):
        if len(names) > 1:
            console.note(f"{place}/{len(names)} {name}")
        try:
            found[name] = attribute(model, pixels, name, classes, layer, against=against)
        except InputError as error:
            if len(names) == 1:
                raise
            reasons.append(error)
            console.note(f"without {name}: {error}")
    if not found:
        raise reasons[0]
    return found


def _titles(predictor: "Predictor", outputs: "np.ndarray", classes: Sequence[int]) -> list[str]:
    return [
        f"{predictor.names()[place]}\n{_value(predictor, row[place])}"
        for row, place in zip(outputs, classes, strict=True)
    ]


def _value(predictor: "Predictor", value: float) -> str:
    decides = (predictor.outputs or ())[0].decides
    return console.percent(float(value)) if decides else number(float(value))


def _show(
    paths: Sequence[Path],
    predictor: "Predictor",
    outputs: "np.ndarray",
    classes: Sequence[int],
    target: Path,
    methods: list[str],
    as_json: bool,
) -> None:
    rows = list(zip(paths, outputs, classes, strict=True))
    if as_json:
        explained = [
            {
                "image": str(path),
                "label": predictor.names()[place],
                "output": round(float(row[place]), 6),
            }
            for path, row, place in rows
        ]
        report = {"picture": str(target), "methods": methods, "images": explained}
        console.show_json(report)
        return
    for path, row, place in rows:
        console.say(f"{path}: {predictor.names()[place]} {_value(predictor, row[place])}")
    console.say(f"picture: {target}")
