"""The Metadata flatbuffer (`metadata_schema.fbs`): written and read field by field.

Only what image classifiers and object detectors need. Fields go by number, their order in the
schema; a number once given never changes there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer import structure

IDENTIFIER = b"M001"
LABELS_FILE = "labels.txt"

# Numbers of the schema's enumerations and unions.
_FEATURE_PROPERTIES = 1
_IMAGE_PROPERTIES = 2
_BOUNDING_BOX_PROPERTIES = 3
_NORMALIZATION = 1
_SCORE_CALIBRATION = 2
_BOUNDARIES = 1  # a box by its edges; as shares of the picture, RATIO, which is 0
_EDGES = (1, 0, 3, 2)  # where left, top, right and bottom stand in top, left, bottom, right
_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS = 2, 3
# What outputs are, by the names that MediaPipe knows them by.
SCORE, LOCATION, CATEGORY, COUNT = "score", "location", "category", "number of detections"
_ABOUT = {
    SCORE: "Score of each class.",
    LOCATION: "Boxes: top, left, bottom and right edge, 0 to 1.",
    CATEGORY: "Class of each box.",
    COUNT: "How many of the boxes are objects.",
}
_COLORS = {1: "rgb", 2: "grayscale"}


@dataclass(frozen=True)
class Metadata:
    """What a `.tflite` file says about itself.

    Attributes:
        name: Name of the model.
        description: What it does.
        version: Version its maker gave it.
        author: Who made it.
        license: Terms of its weights.
        labels: Class names in the order of the output; empty when the file has none.
        color: Colour order of the input image, None when not said.
        mean: Subtracted from each raw pixel before a float model gets it (one or per channel).
        std: Then divided by. Mean 0 and std 1 mean raw pixels.
        input_range: Smallest and largest value of the input tensor, None when not said.
        output_range: The same of the output.
        calibrates_scores: Whether the file asks its client to put each score through a sigmoid of
            its class. MediaPipe does; `TFLiteModel` gives the scores as the model computes them.
        min_parser_version: Oldest version of the schema that knows every field.
        outputs: The names of the outputs in their order. Written are "score", "location",
            "category" and "number of detections"; the labels belong to the values of "category"
            where there is one, else to the last axis of "score".
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    labels: tuple[str, ...] = ()
    color: str | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    input_range: tuple[float, float] | None = None
    output_range: tuple[float, float] | None = None
    calibrates_scores: bool = False
    min_parser_version: str = ""
    outputs: tuple[str, ...] = (SCORE,)

    @property
    def has_boxes(self) -> bool:
        """Whether the file is described as an object detector."""
        return LOCATION in self.outputs


class Writer:
    """Builds the metadata flatbuffer. Slot numbers are the order of fields in the schema."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def table(self, size: int, **slots: tuple[str, Any] | None) -> int:
        """A table of `size` fields; `s3=("ref", offset)` or `s3=("byte", number)` sets field 3."""
        self.builder.StartObject(size)
        for slot, entry in slots.items():
            if entry is None:
                continue
            kind, value = entry
            if kind == "ref":
                self.builder.PrependUOffsetTRelativeSlot(int(slot[1:]), value, 0)
            else:
                self.builder.PrependUint8Slot(int(slot[1:]), value, 0)
        return self.builder.EndObject()

    def text(self, value: str) -> tuple[str, int] | None:
        return ("ref", self.builder.CreateString(value)) if value else None

    def references(self, *offsets: int) -> tuple[str, int]:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return "ref", self.builder.EndVector()

    def floats(self, values: Sequence[float]) -> tuple[str, int]:
        return "ref", self.builder.CreateNumpyVector(np.asarray(values, np.float32))

    def stats(self, limits: tuple[float, float] | None) -> tuple[str, int] | None:
        if limits is None:
            return None
        largest, smallest = self.floats(limits[1:]), self.floats(limits[:1])
        return "ref", self.table(2, s0=largest, s1=smallest)

    def image(self, data: Metadata) -> int:
        """TensorMetadata of the input."""
        code = next(number for number, name in _COLORS.items() if name == data.color)
        properties = self.table(2, s0=("byte", code))
        content = self.table(3, s0=("byte", _IMAGE_PROPERTIES), s1=("ref", properties))
        mean, std = self.floats(data.mean), self.floats(data.std)
        options = self.table(2, s0=mean, s1=std)
        unit = self.table(2, s0=("byte", _NORMALIZATION), s1=("ref", options))
        units = self.references(unit)
        stats = self.stats(data.input_range)
        name = self.text("image")
        use = "search for objects" if LOCATION in data.outputs else "classify"
        about = self.text(f"Image to {use}, {data.color}, raw pixels 0 to 255.")
        return self.table(7, s0=name, s1=about, s3=("ref", content), s4=units, s5=stats)

    def output(self, name: str, data: Metadata) -> int:
        """TensorMetadata of the output of a name."""
        kind = _BOUNDING_BOX_PROPERTIES if name == LOCATION else _FEATURE_PROPERTIES
        properties = self.bounding_box() if name == LOCATION else self.table(0)
        content = self.table(3, s0=("byte", kind), s1=("ref", properties))
        files = None
        if name == (CATEGORY if CATEGORY in data.outputs else SCORE):
            files = self.label_file(_TENSOR_VALUE_LABELS if name == CATEGORY else None)
        stats = self.stats(data.output_range) if name == SCORE else None
        label, about = self.text(name), self.text(_ABOUT[name])
        return self.table(7, s0=label, s1=about, s3=("ref", content), s5=stats, s6=files)

    def bounding_box(self) -> int:
        index = self.builder.CreateNumpyVector(np.asarray(_EDGES, np.uint32))
        return self.table(3, s0=("ref", index), s1=("byte", _BOUNDARIES))

    def label_file(self, kind: int | None) -> tuple[str, int]:
        file_name, file_about = self.text(LABELS_FILE), self.text("Class names, one per line.")
        code = ("byte", kind or _TENSOR_AXIS_LABELS)
        return self.references(self.table(5, s0=file_name, s1=file_about, s2=code))

    def model(self, data: Metadata) -> bytes:
        inputs = self.references(self.image(data))
        outputs = self.references(*[self.output(name, data) for name in data.outputs])
        graphs = self.references(self.table(10, s2=inputs, s3=outputs))
        name, about = self.text(data.name), self.text(data.description)
        version, author = self.text(data.version), self.text(data.author)
        terms, parser = self.text(data.license), self.text(data.min_parser_version)
        root = self.table(
            8, s0=name, s1=about, s2=version, s3=graphs, s4=author, s5=terms, s7=parser
        )
        self.builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(self.builder.Output())


class Table:
    """A table of the metadata flatbuffer, its fields by number, absent ones empty."""

    def __init__(self, reader: structure.Reader, position: int):
        self.reader = reader
        self.positions = reader.fields(position)

    def at(self, slot: int) -> int:
        return self.positions[slot] if slot < len(self.positions) else 0

    def text(self, slot: int) -> str:
        return self.reader.text(self.at(slot)) if self.at(slot) else ""

    def byte(self, slot: int) -> int:
        return self.reader.number("B", self.at(slot)) if self.at(slot) else 0

    def table(self, slot: int) -> "Table | None":
        return Table(self.reader, self.reader.follow(self.at(slot))) if self.at(slot) else None

    def tables(self, slot: int) -> list["Table"]:
        if not self.at(slot):
            return []
        first, length = self.reader.vector(self.at(slot), 4)
        places = range(first, first + 4 * length, 4)
        return [Table(self.reader, self.reader.follow(place)) for place in places]

    def floats(self, slot: int) -> tuple[float, ...]:
        if not self.at(slot):
            return ()
        first, length = self.reader.vector(self.at(slot), 4)
        return tuple(self.reader.number("f", first + 4 * i) for i in range(length))


def encode(data: Metadata) -> bytes:
    """The flatbuffer of the metadata (`labels` are named in it, not held)."""
    return Writer().model(data)


def decode(content: bytes) -> tuple[Metadata, str | None]:
    """(metadata without its labels, name of the label file or None) of a flatbuffer.

    Raises:
        BundleError: It is no metadata flatbuffer, or refers to places outside itself.
    """
    if content[4:8] != IDENTIFIER:
        raise BundleError(f"expected the identifier {IDENTIFIER!r}, received {content[4:8]!r}")
    reader = structure.Reader(content)
    root = Table(reader, reader.number("I", 0))
    graphs = root.tables(3)
    inputs = graphs[0].tables(2) if graphs else []
    outputs = graphs[0].tables(3) if graphs else []
    titles = tuple(output.text(0) for output in outputs)
    scores = next((one for one, title in zip(outputs, titles, strict=True) if title == SCORE), None)
    scores = scores or (outputs[0] if outputs else None)
    kinds = (_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS)
    files = [file for output in outputs for file in output.tables(6)]
    names = [file.text(0) for file in files if file.byte(2) in kinds]
    mean, std = _normalization(inputs[0]) if inputs else ((), ())
    metadata = Metadata(
        name=root.text(0),
        description=root.text(1),
        version=root.text(2),
        author=root.text(4),
        license=root.text(5),
        color=_color(inputs[0]) if inputs else None,
        mean=mean,
        std=std,
        input_range=_range(inputs[0]) if inputs else None,
        output_range=_range(scores) if scores else None,
        calibrates_scores=scores is not None and _calibrates(scores),
        min_parser_version=root.text(7),
        outputs=titles,
    )
    return metadata, names[0] if names else None


def _color(tensor: Table) -> str | None:
    content = tensor.table(3)
    if content is None or content.byte(0) != _IMAGE_PROPERTIES:
        return None
    properties = content.table(1)
    return _COLORS.get(properties.byte(0)) if properties else None


def _normalization(tensor: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for unit in tensor.tables(4):
        options = unit.table(1)
        if unit.byte(0) == _NORMALIZATION and options is not None:
            return options.floats(0), options.floats(1)
    return (), ()


def _calibrates(tensor: Table) -> bool:
    return any(unit.byte(0) == _SCORE_CALIBRATION for unit in tensor.tables(4))


def _range(tensor: Table) -> tuple[float, float] | None:
    stats = tensor.table(5)
    if stats is None or not stats.floats(0) or not stats.floats(1):
        return None
    return stats.floats(1)[0], stats.floats(0)[0]
