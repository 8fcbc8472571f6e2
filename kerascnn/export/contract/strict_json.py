"""JSON read strictly into frozen dataclasses: the annotations are the schema.

Standard library only. Unknown, missing and doubled keys, wrong types and NaN are errors; nothing
is converted except an integer where a number is wanted.
"""

import dataclasses
import functools
import json
import types
import typing
from typing import Any, Literal, TypeVar

from kerascnn.errors import BundleError

_JSON_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
T = TypeVar("T")


def loads(text: str) -> Any:
    """The JSON value in `text`.

    Raises:
        BundleError: Not JSON, a key twice in one object, NaN or an infinity.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except BundleError:  # which is a ValueError too
        raise
    except (ValueError, RecursionError) as error:  # also an integer of thousands of digits
        raise BundleError(f"not valid JSON ({error})") from error


def build(kind: type[T], data: Any) -> T:
    """An object of the dataclass `kind` from a JSON value.

    Fields may be annotated with str, int, float, bool, Literal, `X | None`, tuples of fixed or
    free length, and dataclasses of these.

    Raises:
        BundleError: The value does not fit; the message names the key by its dotted path.
    """
    result: T = _value(kind, data, "")
    return result


def mismatch(where: str, expected: str, received: Any) -> BundleError:
    """The error for a value at the dotted path `where` that is not what was expected."""
    shown = json.dumps(received, ensure_ascii=False)
    return BundleError(f"{where}: expected {expected}, got {shown[:80]}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise BundleError(f"key {key!r} appears twice in one object")
        result[key] = value
    return result


def _no_constant(name: str) -> None:
    raise BundleError(f"{name} is not a number that JSON knows")


@functools.cache
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _value(kind: Any, data: Any, where: str) -> Any:
    """`data` as the annotated type `kind`."""
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, data, where)
    if origin is types.UnionType:  # only `X | None` occurs
        return None if data is None else _value(options[0], data, where)
    if origin is Literal:
        if not any(data == option and type(data) is type(option) for option in options):
            known = " or ".join(json.dumps(option) for option in options)
            raise mismatch(where, known, data)
        return data
    if origin is tuple:
        variable = options[-1] is Ellipsis
        if not isinstance(data, list) or not (variable or len(data) == len(options)):
            expected = "a list" if variable else f"a list of {len(options)} values"
            raise mismatch(where, expected, data)
        items = options[:1] * len(data) if variable else options
        pairs = enumerate(zip(items, data, strict=True))
        return tuple(_value(item, part, f"{where}[{i}]") for i, (item, part) in pairs)
    if kind is float and type(data) is int and abs(data) < 2**53:
        return float(data)
    if type(data) is not kind:
        raise mismatch(where, _JSON_NAMES[kind], data)
    return data


def _dataclass(kind: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise mismatch(where or "the top level", "an object", data)
    fields = _fields(kind)
    for names, problem in (
        (data.keys() - fields.keys(), "unknown"),
        (fields.keys() - data.keys(), "no"),
    ):
        if names:
            place = f" in {where}" if where else ""
            listed = ", ".join(repr(name) for name in sorted(names))
            raise BundleError(f"{problem} key {listed}{place}; known are {', '.join(fields)}")
    inner = {name: f"{where}.{name}" if where else name for name in fields}
    return kind(**{name: _value(hint, data[name], inner[name]) for name, hint in fields.items()})
