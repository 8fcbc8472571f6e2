"""The options a network was built with, in the name of a layer that does nothing.

Weights fit only the network they were trained in: the padding, epsilon or pixels that `style`
chooses have no array of their own. Every format of Keras keeps the names of all layers, so what
differs from the default is the name of a layer: `options__style-torch__norm-group`. It is an
`Activation("linear")` behind the preprocessing, which costs nothing and which any Keras can load.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import keras

PREFIX, BETWEEN = "options__", "__"
# Options that change what a network computes and not the shapes of its weights. Those of training
# alone, such as dropout, and those that ask for another output, such as pooling, are the caller's.
RECORDED = ("style", "norm", "activation", "pool", "output_stride", "classifier_activation")
# Of these, the ones that may differ from the file's: another output of the same weights, or other
# steps over them.
FREE = frozenset({"classifier_activation", "output_stride"})
# Beside the options: scale and offset of the pixels, where a file of keras.applications had others.
PIXELS = "pixels"
# A function that has no name of its own, such as one of the user's.
CUSTOM = "custom"


def name_of(options: Mapping[str, Any]) -> str | None:
    """The name of the layer that records these options; None if there are none."""
    parts = [
        f"{option}-{_joined(value) if option == PIXELS else _text(value)}"
        for option, value in options.items()
    ]
    return PREFIX + BETWEEN.join(parts) if parts else None


def is_record(name: str) -> bool:
    """Whether a layer of this name records options."""
    return name.startswith(PREFIX)


def options_in(layers: Iterable[str]) -> dict[str, Any]:
    """The options that the layers of a file record."""
    found: dict[str, Any] = {}
    for name in layers:
        if is_record(name):
            for part in name.removeprefix(PREFIX).split(BETWEEN):
                option, _, text = part.partition("-")
                found[option] = _numbers(text) if option == PIXELS else _value(text)
    return found


def same(first: Any, second: Any) -> bool:
    """Whether two values of an option mean the same."""
    return _text(first) == _text(second)


def _text(value: Any) -> str:
    """A value in the characters that names of layers may have."""
    text = str(value) if value is None or isinstance(value, (str, int)) else _function(value)
    text = "None" if text == "linear" else text
    return text if re.fullmatch(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*", text) else CUSTOM


def _function(value: Any) -> str:
    """The name of a function of Keras; others are the user's, whatever their names are."""
    name = getattr(value, "__name__", CUSTOM)
    return name if getattr(keras.activations, name, None) is value else CUSTOM


def _value(text: str) -> Any:
    if text == "None":
        return None
    return int(text) if text.isdecimal() else text


def _joined(numbers: Iterable[float]) -> str:
    return "_".join(f"{number:.9g}" for number in numbers)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split("_"))
