"""What kerascnn can build: one entry per model variant. Standard library only."""

import difflib
import fnmatch
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.errors import InputError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Facts about one variant, each checked by a test against the built model.

    Attributes:
        name: Name of the factory in `kerascnn.models`.
        family: Name of the module in `kerascnn.models` that defines it.
        params: Trainable parameters with default options.
        macs: Multiply-accumulate operations of one forward pass at `input_shape`. Convolutions,
            dense layers and learned pooling count; additions, activations and normalisation do not.
        input_shape: Default (height, width, channels).
        classes: Default number of classes.
        paper: Authors, title and venue.
        year: Year of publication.
        stages: Levels s for which a layer `stage{s}` holds the features at 1/2**s resolution.
    """

    name: str
    family: str
    params: int
    macs: int
    input_shape: tuple[int, int, int]
    classes: int
    paper: str
    year: int
    stages: tuple[int, ...] = ()


_LENET_1998 = "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE"
_LENET_1989 = (
    "LeCun et al., Backpropagation Applied to Handwritten Zip Code Recognition, Neural Comp."
)

_ENTRIES = (
    Entry(
        name="LeNet1989",
        family="lenet",
        params=9_760,
        macs=63_660,
        input_shape=(16, 16, 1),
        classes=10,
        paper=_LENET_1989,
        year=1989,
    ),
    Entry(
        name="LeNet5",
        family="lenet",
        params=61_706,
        macs=416_520,
        input_shape=(32, 32, 1),
        classes=10,
        paper=_LENET_1998,
        year=1998,
    ),
    Entry(
        name="LeNet5Original",
        family="lenet",
        params=60_000,
        macs=328_096,
        input_shape=(32, 32, 1),
        classes=10,
        paper=_LENET_1998,
        year=1998,
    ),
)
_BY_NAME = {entry.name.lower(): entry for entry in _ENTRIES}


def entries() -> Iterator[Entry]:
    """Yields every entry, in the order of the catalogue."""
    yield from _ENTRIES


def find(name: str) -> Entry:
    """Returns the entry called `name`, whatever the case of its letters.

    Raises:
        InputError: No such model; the message suggests near names.
    """
    entry = _BY_NAME.get(name.lower())
    if entry is None:
        near = difflib.get_close_matches(name.lower(), _BY_NAME, n=3, cutoff=0.5)
        names = [_BY_NAME[key].name for key in near] or list_models()
        hint = "Did you mean" if near else "Available"
        raise InputError(f"unknown model: {name!r}. {hint}: {', '.join(names)}.")
    return entry


def list_models(pattern: str = "*") -> list[str]:
    """Returns the names that match a shell pattern such as `"resnet*"`, ignoring case."""
    return [e.name for e in _ENTRIES if fnmatch.fnmatchcase(e.name.lower(), pattern.lower())]


def create_model(name: str, **options: Any) -> "keras.Model":
    """Builds the model called `name`; `options` are the keywords of its factory.

    Raises:
        InputError: No such model.
        UnknownOptionError: The model has no such option.
    """
    entry = find(name)
    module = importlib.import_module(f"kerascnn.models.{entry.family}")
    return getattr(module, entry.name)(**options)
