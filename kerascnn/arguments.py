"""Checks of arguments: one error that names the argument, what it must be, and what it was."""

import math
import numbers
import operator
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from kerascnn.errors import InputError, KerascnnError, received

Layer = TypeVar("Layer", bound=type)


def refuse(name: str, expected: str, value: Any) -> NoReturn:
    """Raises the error of an argument."""
    raise InputError(f"`{name}` must be {expected}. Received: {received(value)}.")


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """A whole number, of NumPy too, as Python's."""
    expected = f"a whole number of at least {least}"
    if most is not None:
        expected = f"a whole number in {least}..{most}"
    try:
        number = operator.index(value)
    except TypeError:
        refuse(name, expected, value)
    if isinstance(value, bool) or number < least or (most is not None and number > most):
        refuse(name, expected, value)
    return number


def checked_seed(value: Any) -> int:
    """A seed that NumPy, Keras and TensorFlow all take: 32 bits."""
    return whole("seed", value, 0, 2**32 - 1)


def number(
    name: str,
    value: Any,
    expected: str = "a finite number",
    fits: Callable[[float], bool] = lambda value: True,
) -> float:
    """A finite number that fits, of NumPy too, as Python's."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not fits(value):
        refuse(name, expected, value)
    return value if isinstance(value, (int, float)) else float(value)


def positive(name: str, value: Any) -> float:
    """A number above 0."""
    return number(name, value, "a number above 0", lambda value: value > 0)


def rate(name: str, value: Any) -> float:
    """The probability of dropping something."""
    return number(name, value, "a number in [0, 1)", lambda value: 0 <= value < 1)


def flag(name: str, value: Any) -> bool:
    """True or False, and nothing that only counts as one."""
    if not isinstance(value, bool):
        refuse(name, "True or False", value)
    return value


def activation(name: str, value: Any) -> Any:
    """The function of an activation, for all that Keras takes for one."""
    import keras

    try:
        return keras.activations.get(value)
    except (ValueError, TypeError) as error:
        raise InputError(
            f'`{name}` must be an activation of Keras, such as "relu", a function, or None. '
            f"Received: {received(value)}."
        ) from error


def input_errors(layer: Layer) -> Layer:
    """Makes what Keras raises for the arguments of a class derived from one of its own InputErrors.

    For classes that have no constructor of their own.
    """
    construct = layer.__init__  # type: ignore[misc]

    # Without functools.wraps: Keras would find arguments in its signature that it does not take.
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            construct(self, *args, **kwargs)
        except KerascnnError:
            raise
        except (ValueError, TypeError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise InputError(f"{layer.__name__}: {lines[0][:200]}") from error

    __init__.__doc__ = construct.__doc__
    layer.__init__ = __init__  # type: ignore[misc]
    return layer
