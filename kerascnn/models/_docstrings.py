"""The docstrings of the factories: each option is described once, where its type is declared."""

import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Iterable
from typing import Any

INCLUDE_TOP = "Build the classifier."
WITHOUT_TOP = " With False, the model ends with the last feature maps."
WEIGHTS = (
    "{published}the path of a weight file (of kerascnn, keras.applications, torchvision or timm), "
    'or None for random values, the default here; that of keras.applications is "imagenet".'
)
END = """
Returns:
    A functional `keras.Model`, not compiled.

Raises:
    UnknownOptionError: There is no such option.
    InputError: A value that cannot be used; the message names the option.
    WeightsError: The weights are missing, damaged or of another network.
"""


def describe(
    function: Callable[..., Any], options: Iterable[str], common: type, tags: tuple[str, ...]
) -> str | None:
    """The docstring of a factory, with a line on each of its options.

    Args:
        function: Builds the network; its own docstring says what is particular to it.
        options: The names of the options, in the order of the signature.
        common: The type that describes the options of all factories.
        tags: Of the published weights.

    Returns:
        None if there are no docstrings (`python -OO`).
    """
    if function.__doc__ is None or common.__doc__ is None:
        return None
    text = inspect.cleandoc(function.__doc__).partition("\nArgs:\n")[0]
    known = {"include_top": INCLUDE_TOP, **_entries(common.__doc__, "Attributes:")}
    for kind in _declared(function):
        known |= _entries(kind.__doc__ or "", "Attributes:")
    known |= _entries(function.__doc__, "Args:")
    known["include_top"] += WITHOUT_TOP
    published = ", ".join(f'"{tag}"' for tag in tags)
    weights = WEIGHTS.format(published=f"published ones ({published}), " if tags else "")
    known["weights"] = weights[0].upper() + weights[1:]
    lines = [
        textwrap.fill(
            f"{name}: {known[name]}", 96, initial_indent="    ", subsequent_indent=" " * 8
        )
        for name in ("include_top", "weights", *options)
        if name in known
    ]
    return "\n".join([text.rstrip("\n"), "", "Args:", *lines, END])


def _declared(function: Callable[..., Any]) -> list[type]:
    """The types that describe the options of a factory's family, the function's own one last."""
    own = typing.get_args(inspect.signature(function).parameters["options"].annotation)
    others = vars(sys.modules[function.__module__]).values()
    return [*(kind for kind in others if typing.is_typeddict(kind)), *own]


def _entries(doc: str, section: str) -> dict[str, str]:
    """Names and texts of a section of a docstring: `    name: text`, longer texts further in."""
    _, _, rest = f"\n{inspect.cleandoc(doc)}\n".partition(f"\n{section}\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line and not line.startswith("    "):
            break
        if line[4:5].strip():
            name, _, text = line.strip().partition(": ")
            found[name] = text
        elif line.strip() and name:
            found[name] += f" {line.strip()}"
    return found
