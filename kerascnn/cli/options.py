"""Options that several commands share, and how their text becomes values."""

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kerascnn.errors import InputError

if TYPE_CHECKING:
    from kerascnn.inference import Predictor


class Number(click.types.FloatParamType):
    """A number; `nan` and infinity are none here."""

    def convert(self, value: Any, parameter: Any, context: Any) -> float:
        number: float = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", parameter, context)
        return number


class NumberInRange(Number, click.FloatRange):
    """A number in a range, in which `nan` otherwise is, whatever the range."""


def parse_options(items: tuple[str, ...]) -> dict[str, Any]:
    """Turns "key=value" texts into options; values are JSON where they can be, else text.

    Raises:
        InputError: A text without "=", or one key twice.
    """
    options: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise InputError(f"--option takes key=value, such as activation=relu. Received: {item}")
        if key in options:
            raise InputError(f"--option {key} is given twice.")
        try:
            options[key] = json.loads(
                {"True": "true", "False": "false", "None": "null"}.get(text, text)
            )
        except json.JSONDecodeError:
            options[key] = text
    return options


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Turns "64" or "48x64" (height x width) into a size."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise InputError(f"--image-size takes a number or HEIGHTxWIDTH. Received: {text}")
    sizes = [int(part) for part in parts]
    return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


def parse_duration(text: str | None) -> float | None:
    """Turns "90", "90s", "10m" or "1.5h" into seconds."""
    if text is None:
        return None
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:].lower())
    try:
        seconds = float(text if unit is None else text[:-1]) * (unit or 1.0)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InputError(f"--time-budget takes a duration such as 90s, 10m or 1h. Received: {text}")
    return seconds


def parse_pixels(text: str | None) -> tuple[float, float] | None:
    """Turns "0,1" or "-1,1" into what the pixel values 0 and 255 become."""
    return _parse_pair(text, "--pixels", "0,1")


def parse_pixel_range(text: str | None) -> tuple[float, float] | None:
    """Turns "0,4095" into the pixel values that become 0 and 255."""
    from kerascnn.data.images.deep_pixels import check_pixel_range

    return check_pixel_range(_parse_pair(text, "--pixel-range", "0,4095"))


def with_pixel_range(predictor: "Predictor", text: str | None) -> "Predictor":
    """The predictor with what --pixel-range says, where it is given."""
    pixel_range = parse_pixel_range(text)
    return predictor if pixel_range is None else replace(predictor, pixel_range=pixel_range)


def _parse_pair(text: str | None, option: str, example: str) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} takes two numbers, such as {example}. Received: {text[:60]}"
        ) from None
    return low, high


def check_task(context: Any, parameter: Any, value: str | None) -> str | None:
    """A name of the registry, so that a task that was registered is known here too."""
    from kerascnn import tasks

    return value if value in (None, "auto") else tasks.get(value).name


task = click.option(
    "--task",
    metavar="NAME",
    callback=check_task,
    help="Of a file that does not say: what its outputs are, such as classification, multi_label "
    "or regression [classification].",
)
weights = click.option(
    "--weights", metavar="FILE|TAG", help="Of an architecture: a weight file or published weights."
)
items = click.option(
    "--option",
    "items",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of an architecture, such as alpha=0.25. Repeatable.",
)
pixels = click.option(
    "--pixels",
    metavar="LOW,HIGH",
    help="Of a .tflite file that does not say it: what pixels 0 and 255 become, such as -1,1.",
)
pixel_range = click.option(
    "--pixel-range",
    metavar="LOW,HIGH",
    help="Of images with more than 8 bits: the values that become 0 and 255, such as 0,4095.",
)
data_dir = click.option(
    "--data-dir", metavar="FOLDER", help="Where TensorFlow Datasets keeps its data [TFDS_DATA_DIR]."
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
