"""Names and numbers of the schema's enumerations, each turned round once."""

import functools
from collections.abc import Mapping
from typing import Any

SAME, VALID = 0, 1  # enum Padding


@functools.cache
def operator_names() -> Mapping[int, str]:
    """The name of each built-in operator, such as "CONV_2D"."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    return _by_number(BuiltinOperator)


@functools.cache
def operator_numbers() -> Mapping[str, int]:
    """The number of each built-in operator."""
    return {name: number for number, name in operator_names().items()}


@functools.cache
def type_names() -> Mapping[int, str]:
    """The name of each element type as NumPy has it, such as "int8"."""
    from ai_edge_litert.schema_py_generated import TensorType

    return {number: name.lower() for number, name in _by_number(TensorType).items()}


def operator_name(number: int) -> str:
    """The name of a built-in operator, also of one that is newer than the schema here."""
    return operator_names().get(number, f"BUILTIN_{number}")


def code_number(code: Any) -> int:
    """The number in an `OperatorCode`: it stands in one of two fields, by the age of the file."""
    return max(code.BuiltinCode(), code.DeprecatedBuiltinCode())


def _by_number(enumeration: type) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
