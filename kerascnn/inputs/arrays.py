"""Arrays of any library, and what holds arrays, as NumPy arrays."""

import inspect
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kerascnn.errors import BatchError, InputError

# Values of the user that go into a message are cut to so many characters.
SHOWN = 60


def as_array(value: Any, name: str = "the array") -> np.ndarray:
    """An array, tensor, number, image of Pillow, or nested list of them, as a NumPy array.

    Args:
        value: Of NumPy, TensorFlow, JAX or PyTorch, on any device.
        name: What an error calls it.

    Raises:
        InputError: Lists of unequal lengths, or something that holds no numbers or text.
    """
    try:
        array = np.asarray(_to_numpy(value))
    except (ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{name} cannot become an array: {shortened(str(error).splitlines()[0])}. Expected an "
            f"array or tensor of one shape. Received: {received(value)}."
        ) from None
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def numbers(value: Any, name: str = "the array", *, finite: bool = True) -> np.ndarray:
    """`as_array`, where it holds numbers.

    Raises:
        InputError: Text or objects, or with `finite` NaN or infinity.
    """
    array = as_array(value, name)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must hold numbers. Received: {received(value)}.")
    if finite:
        place = first_not_finite(array)
        if place is not None:
            raise InputError(
                f"{name} must hold finite numbers. Received: {array[place]} at {list(place)}."
            )
    return array


def require(value: Any, kind: type, what: str) -> None:
    """An InputError for anything but an instance of a class."""
    if not isinstance(value, kind):
        raise InputError(f"expected {what}. Received: {received(value)}.")


def first_not_finite(array: np.ndarray) -> tuple[int, ...] | None:
    """The place of the first NaN or infinity; None if there is none."""
    if array.dtype.kind != "f" or not array.size:
        return None
    # Both pass NaN on, and need no array of their own.
    if np.isfinite(array.min()) and np.isfinite(array.max()):
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape))


def received(value: Any) -> str:
    """What something is, in a few words, for messages."""
    if isinstance(value, dict):
        return f"a dict with the keys {shortened(', '.join(map(str, value)))}"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"an array {shape_text(shape)} of {getattr(dtype, 'name', dtype)}"
    if isinstance(value, str | bytes | os.PathLike | int | float | bool) or value is None:
        return f"{type(value).__name__} {shortened(repr(value))}"
    kind = type(value)
    if isinstance(value, list | tuple):
        first = f" of {received(value[0])}" if len(value) else ""
        return f"a {kind.__name__} of length {len(value)}{first}"
    return f"{kind.__module__}.{kind.__name__}"


def shape_text(shape: Iterable[Any]) -> str:
    """(8, 8, 3), whatever library the shape comes from."""
    return str(tuple(None if side is None else int(side) for side in shape))


def shortened(text: str) -> str:
    """The text on one line, cut to a length that messages can bear."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."


def is_dataset(value: Any) -> bool:
    """Whether it is a `tf.data.Dataset`."""
    return hasattr(value, "element_spec") and hasattr(value, "cardinality")


def is_endless(value: Any) -> bool:
    """Whether it is a data set that is known to have no end; of a generator that is not known."""
    if is_dataset(value):
        return int(value.cardinality()) == -1
    return hasattr(value, "on_epoch_end") and length_of(value) is None


def makes_batches(value: Any) -> bool:
    """Whether it is a function to call for batches, rather than a class or a layer."""
    if not callable(value) or isinstance(value, type) or hasattr(value, "weights"):
        return False
    return not hasattr(value, "__iter__")


def one_pass(value: Any) -> Iterator[Any]:
    """Goes once through batches: of a `tf.data.Dataset`, `PyDataset`, list, loader or generator."""
    if hasattr(value, "on_epoch_end") and hasattr(value, "__getitem__"):
        # A PyDataset: on older versions of Keras it has no end of its own when iterated.
        length = length_of(value)
        return (value[i] for i in (itertools.count() if length is None else range(length)))
    if makes_batches(value):
        try:
            inspect.signature(value).bind()
        except (TypeError, ValueError):
            name = getattr(value, "__name__", type(value).__name__)
            raise BatchError(
                f"the function {shortened(name)!r} must take no arguments, to be called for a "
                "generator of batches."
            ) from None
        made = value()
        if not hasattr(made, "__iter__") and not hasattr(made, "__next__"):
            raise BatchError(
                f"the function {getattr(value, '__name__', value)!r} must return an iterator over "
                f"batches, such as a generator. Received: {received(made)}."
            )
        value = made
    return iter(value)


def length_of(value: Any) -> int | None:
    """How many batches a pass has; None where that is not known, or where there is no end."""
    if is_dataset(value):
        count = int(value.cardinality())
        return count if count >= 0 else None
    try:
        if hasattr(value, "on_epoch_end"):
            return value.num_batches
        return len(value)
    except (TypeError, NotImplementedError):
        return None


def peek(values: Iterator[Any]) -> tuple[Any, Iterator[Any]]:
    """The first of some values, or None, and all of them."""
    first = list(itertools.islice(values, 1))
    return (first[0] if first else None), itertools.chain(first, values)


def _to_numpy(value: Any) -> Any:
    if hasattr(value, "detach"):  # PyTorch: neither with a gradient nor from a GPU by itself
        value = value.detach().cpu()
        return value.float().numpy() if "bfloat16" in str(value.dtype) else value.numpy()
    if isinstance(value, list | tuple) and any(hasattr(each, "detach") for each in value):
        return np.stack([_to_numpy(each) for each in value])
    return value
