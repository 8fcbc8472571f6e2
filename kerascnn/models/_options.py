"""Options of the factories: what they are, what they may be, and which style weights ask for."""

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from kerascnn import arguments
from kerascnn.errors import InputError, received

Tensor = Any
Weights = str | os.PathLike[str] | None  # the tag of published weights, or a file
Shape = tuple[int | None, int | None, int]
# Normalisations that every family with a `norm` option takes; some take others too.
NormKind = Literal["batch", "group", "layer"]
# Above these, memory ends before the model is built.
MOST_CLASSES, LARGEST_SIDE, LARGEST_ALPHA = 1_000_000, 65_536, 100


class ModelOptions(TypedDict, total=False):
    """Options of every model, beside `include_top` and `weights`; the meaning is that of Keras.

    Attributes:
        input_tensor: A Keras tensor to build upon, instead of a new input.
        input_shape: (height, width, channels) of the images, without the batch.
        pooling: With `include_top=False`: None for feature maps, "avg" or "max" for a vector.
        classes: Number of classes, with `include_top=True`.
        classifier_activation: "softmax", another activation, or None for logits.
        name: Name of the model.
        include_preprocessing: Take raw pixels in 0..255 and prepare them inside the model. With
            False, the caller does it.
        dropout: Rate before the last layer, in [0, 1). None is the paper's own.
    """

    input_tensor: Tensor
    input_shape: Shape | None
    pooling: str | None
    classes: int
    classifier_activation: str | None
    name: str | None
    include_preprocessing: bool
    dropout: float | None


DEFAULTS: ModelOptions = {
    "input_tensor": None,
    "input_shape": None,
    "pooling": None,
    "classes": 1000,
    "classifier_activation": "softmax",
    "name": None,
    "include_preprocessing": True,
    "dropout": None,
}


def choose(option: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """Returns `value` if it is one of `choices`; otherwise an InputError that lists them."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise InputError(f"`{option}` must be one of {choices}. Received: {received(value)}.")


@dataclass(frozen=True)
class Styles:
    """Which library's details a network follows: padding, epsilon, place of the step, pixels.

    Published networks of one name differ there, and weights only fit the details they were
    trained with.

    Attributes:
        default: The style without weights: a name, or a function of the options.
        choices: All of them.
        keras_marks: Parts of the names of weights, tags or files, that came from TensorFlow.
        torch_marks: Parts of the names of others that follow PyTorch's; all by default.
    """

    default: str | Callable[[Mapping[str, Any]], str] = "keras"
    choices: tuple[str, ...] = ("keras", "torch")
    keras_marks: tuple[str, ...] = ("timm/tf_",)
    torch_marks: tuple[str, ...] = ("",)

    def choose(self, options: Mapping[str, Any], origin: str = "", torch: bool = False) -> str:
        """The option `style` if given, else what the weights ask for, else the default.

        Args:
            options: Of the factory.
            origin: Tag or path of the weights.
            torch: They are of torchvision or timm.
        """
        if options["style"] is not None:
            return str(choose("style", options["style"], self.choices))
        if origin == "imagenet" or any(mark in origin for mark in self.keras_marks):
            return "keras"
        if torch and any(mark in origin for mark in self.torch_marks):
            return "torch"
        return self.default if isinstance(self.default, str) else self.default(options)


def check_widths(value: Any) -> tuple[int, ...]:
    """The widths of dense layers, at least one, or an InputError."""
    if not isinstance(value, Iterable) or isinstance(value, str) or not (found := tuple(value)):
        arguments.refuse("hidden", "the widths of dense layers, such as (300, 100)", value)
    return tuple(arguments.whole("hidden", width, most=MOST_CLASSES) for width in found)


def _shape(name: str, value: Any) -> Shape:
    try:
        height, width, channels = value
    except (TypeError, ValueError):
        arguments.refuse(
            name,
            "(height, width, channels) of the images, channels last, without the batch, such as "
            "(224, 224, 3)",
            value,
        )
    sides = [
        None if side is None else arguments.whole(f"{name}: {what}", side, most=LARGEST_SIDE)
        for what, side in (("height", height), ("width", width))
    ]
    what = "channels, the last of (height, width, channels),"
    return sides[0], sides[1], arguments.whole(f"{name}: {what}", channels, most=LARGEST_SIDE)


def _name(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value or "/" in value:
        arguments.refuse(name, 'a text without "/"', value)
    return value


def _activation(name: str, value: Any) -> Any:
    arguments.activation(name, value)
    return value


def _alpha(name: str, value: Any) -> float:
    expected = f"a number above 0, at most {LARGEST_ALPHA}"
    return arguments.number(name, value, expected, lambda alpha: 0 < alpha <= LARGEST_ALPHA)


# Checks of options: each returns the value, or raises an InputError that names the option.
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "include_top": arguments.flag,
    "input_shape": _shape,
    "classes": functools.partial(arguments.whole, most=MOST_CLASSES),
    "classifier_activation": _activation,
    "name": _name,
    "include_preprocessing": arguments.flag,
    "dropout": arguments.rate,
    "activation": _activation,
    "alpha": _alpha,
    "depth_multiplier": functools.partial(arguments.whole, most=LARGEST_SIDE),
    "minimalistic": arguments.flag,
    "lite": arguments.flag,
    "aux": arguments.flag,
    "drop_connect_rate": arguments.rate,
    "drop_path_rate": arguments.rate,
    "layer_scale_init_value": arguments.number,
}
# Of these, None is a value of its own.
OPTIONAL = ("input_shape", "name", "dropout", "layer_scale_init_value")


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with numbers of NumPy as Python's.

    Raises:
        InputError: One that cannot be used; the message names it, what it must be, and the value.
    """
    found = {
        name: value
        if name not in CHECKS or (value is None and name in OPTIONAL)
        else CHECKS[name](name, value)
        for name, value in options.items()
    }
    choose("pooling", found.get("pooling"), (None, "avg", "max"))
    return found
