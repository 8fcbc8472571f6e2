"""Is this a whole `.tflite` file? Bounds and indices checked before anything follows an offset.

A flatbuffer is a web of relative offsets. A cut or altered file sends a reader anywhere: into a
loop over four thousand million elements, or out of memory. `check` walks the part of the schema
that we and the runtime read, and names the first thing that does not fit.
"""

import struct
from typing import Any

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.graph_check import check_graphs

IDENTIFIER = b"TFL3"
MAX_TABLES = 4_000_000  # a file of nested self-references stops here instead of running for ever

# What a field of a table is: a scalar of n bytes, a string, a vector of n-byte scalars
# ("vector", n), a table ("table", name), a vector of tables ("tables", name), or a table
# of unknown fields ("opaque",). The order of fields is the schema's; None is not followed.
_FIELDS: dict[str, tuple[tuple | int | None, ...]] = {
    "Model": (
        4,
        ("tables", "OperatorCode"),
        ("tables", "SubGraph"),
        ("string",),
        ("tables", "Buffer"),
        ("vector", 4),
        ("tables", "Metadata"),
        ("tables", "SignatureDef"),
    ),
    "OperatorCode": (1, ("string",), 4, 4),
    "SubGraph": (
        ("tables", "Tensor"),
        ("vector", 4),
        ("vector", 4),
        ("tables", "Operator"),
        ("string",),
    ),
    "Tensor": (
        ("vector", 4),
        1,
        4,
        ("string",),
        ("table", "Quantization"),
        1,
        ("opaque",),
        ("vector", 4),
        1,
    ),
    "Quantization": (("vector", 4), ("vector", 4), ("vector", 4), ("vector", 8), 1, ("opaque",), 4),
    "Operator": (
        4,
        ("vector", 4),
        ("vector", 4),
        1,
        ("opaque",),
        ("vector", 1),
        1,
        ("vector", 1),
        ("vector", 4),
        8,
        8,
        1,
        ("opaque",),
    ),
    "Buffer": (("vector", 1), 8, 8),
    "Metadata": (("string",), 4),
    "SignatureDef": (("tables", "TensorMap"), ("tables", "TensorMap"), ("string",), None, 4),
    "TensorMap": (("string",), 4),
}


class Reader:
    """Reads a flatbuffer's numbers, tables and lists, refusing every position outside it.

    Its methods raise BundleError with half a sentence; the caller says which file it is about.
    """

    def __init__(self, data: bytes):
        self.data = data
        self.tables = 0

    def number(self, form: str, at: int) -> Any:
        """The little-endian number of the `struct` format `form` at byte `at`."""
        size = struct.calcsize(form)
        if at < 0 or at + size > len(self.data):
            raise BundleError(f"an offset points to byte {at} of {len(self.data)}")
        return struct.unpack_from("<" + form, self.data, at)[0]

    def fields(self, table: int) -> list[int]:
        """Positions of the table's fields in schema order; 0 for an absent one."""
        self.tables += 1
        if self.tables > MAX_TABLES:
            raise BundleError("its tables refer to one another without end")
        vtable = table - self.number("i", table)
        size, extent = self.number("H", vtable), self.number("H", vtable + 2)
        if size < 4 or size % 2 or extent < 4:
            raise BundleError(f"the table at byte {table} has a malformed header")
        self.number("B", vtable + size - 1)
        self.number("B", table + extent - 1)
        offsets = struct.unpack_from(f"<{size // 2 - 2}H", self.data, vtable + 4)
        if any(offset >= extent for offset in offsets):
            raise BundleError(f"the table at byte {table} has a field outside itself")
        return [table + offset if offset else 0 for offset in offsets]

    def follow(self, at: int) -> int:
        """The position that the offset stored at byte `at` leads to."""
        return at + self.number("I", at)

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """(first element's position, length) of the vector that the field at `at` refers to."""
        start = self.follow(at)
        length = self.number("I", start)
        if start + 4 + length * width > len(self.data):
            raise BundleError(f"the list at byte {start} is longer than the file")
        return start + 4, length

    def text(self, at: int) -> str:
        """The string that the field at `at` refers to."""
        first, length = self.vector(at, 1)
        try:
            return self.data[first : first + length].decode("utf-8")
        except UnicodeDecodeError:
            raise BundleError(f"the name at byte {first} is not UTF-8 text") from None

    def walk(self, name: str, table: int) -> None:
        """Checks a table and all that it refers to."""
        positions = self.fields(table)
        for kind, at in zip(_FIELDS[name], positions, strict=False):
            if not at or kind is None:
                continue
            if isinstance(kind, int):
                self.number({1: "B", 4: "I", 8: "Q"}[kind], at)
            elif kind[0] == "vector":
                self.vector(at, kind[1])
            elif kind[0] == "string":
                self.text(at)
            elif kind[0] == "table":
                self.walk(kind[1], self.follow(at))
            elif kind[0] == "opaque":
                self.fields(self.follow(at))
            else:
                first, length = self.vector(at, 4)
                for element in range(first, first + 4 * length, 4):
                    self.walk(kind[1], self.follow(element))


def check(data: bytes, source: str = "model") -> None:
    """Raises unless `data` is a structurally whole `.tflite` model.

    Args:
        data: Content of the file.
        source: What to call it in the message, usually its path.

    Raises:
        BundleError: It is empty, no TFLite model, truncated, refers to places outside itself, or
            holds a graph that makes no sense.
    """
    hint = "Copy or export the file again."
    if not data:
        raise BundleError(f"{source} is empty (0 bytes), expected a .tflite model. {hint}")
    if len(data) < 16 or data[4:8] != IDENTIFIER:
        raise BundleError(
            f"{source} is no .tflite model: expected the identifier 'TFL3' at byte 4, received "
            f"{data[4:8]!r} in a file of {len(data)} bytes. Give a TensorFlow Lite file."
        )
    try:
        reader = Reader(data)
        reader.walk("Model", reader.number("I", 0))
        check_graphs(data)
    except BundleError as error:
        raise BundleError(
            f"{source} is a damaged .tflite model: {error} ({len(data)} bytes). {hint}"
        ) from None
