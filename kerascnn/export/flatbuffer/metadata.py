"""TFLite Metadata: labels and image properties inside the `.tflite` file itself.

MediaPipe Tasks and ML Kit read them: a flatbuffer (`metadata_schema.fbs`, identifier M001) in a
model buffer named TFLITE_METADATA, and the label file as a zip archive behind the model.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.flatbuffer import metadata_schema
from kerascnn.export.flatbuffer.file import TFLiteFile, open_file
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.metadata_reading import BUFFER_NAME, CLASSES_FILE
from kerascnn.export.flatbuffer.metadata_schema import CATEGORY, LABELS_FILE, SCORE, Metadata
from kerascnn.files import PathLike

__all__ = ["Metadata", "embed", "read"]

PARSER_VERSION = "1.0.0"  # of the schema, when the newest field written here was added

Color = Literal["rgb", "grayscale"]


def embed(
    model: bytes | Graph,
    *,
    name: str,
    description: str,
    labels: Sequence[str],
    version: str = "",
    author: str = "",
    license: str = "",
    color: Color | None = None,
    output_range: tuple[float, float] | None = (0.0, 1.0),
    output_names: Sequence[str] = (SCORE,),
) -> bytes:
    """The model with its metadata and labels inside; earlier ones are replaced.

    The input is described as a raw image, 0..255 (mean 0, std 1): preprocessing is in the graph.
    Same arguments, same bytes.

    Args:
        model: A `.tflite` image classifier or object detector.
        name: Name of the model.
        description: What it does.
        labels: Class names in the order of the output, one per value of its last axis; two for
            the one number of a sigmoid, the probability of the second. Clients of the metadata see
            that one only, `read` gives both.
        version: Version of the model.
        author: Who made it.
        license: Terms of its weights.
        color: Colour order; by default rgb for 3 channels and grayscale for 1.
        output_range: Range of the scores, None for logits.
        output_names: What each output is, "score" of a classifier; of a detector also "location",
            "category" and "number of detections". With "category" any number of labels will do.

    Raises:
        BundleError: The bytes are no whole `.tflite` model.
        InputError: Other outputs than named, labels
            that do not fit the output or cannot be a line of text, an input that
            is no image, or a colour that does not fit its channels.
    """
    graph = model if isinstance(model, Graph) else Graph(model)
    takes, gives = (list(map(graph.signature, ends)) for ends in (graph.inputs, graph.outputs))
    names = tuple(output_names)
    if len(takes) != 1 or len(gives) != len(names):
        raise InputError(
            f"the model has {len(takes)} inputs and {len(gives)} outputs. Expected one input "
            f"and {len(names)} output(s): {', '.join(names)}. Export such a model."
        )
    color = _checked_color(color, takes[0])
    shape = gives[names.index(SCORE)]
    single = names == (SCORE,) and shape[-1:] == (1,)
    binary = single and len(labels) == 2 and output_range is not None
    classes = len(labels) if CATEGORY in names else (shape or (0,))[-1]
    _check_labels(labels[1:] if binary else labels, classes)
    content = metadata_schema.encode(
        Metadata(
            name=name,
            description=description,
            version=version,
            author=author,
            license=license,
            labels=tuple(labels),
            color=color,
            mean=(0.0,),
            std=(1.0,),
            input_range=(0.0, 255.0),
            output_range=output_range,
            min_parser_version=PARSER_VERSION,
            outputs=names,
        )
    )
    _store(graph.model, content)
    packed = graph.pack()
    return _append_labels(packed, labels[1:], labels) if binary else _append_labels(packed, labels)


def read(path: PathLike | bytes | TFLiteFile) -> Metadata | None:
    """The metadata of a `.tflite` file, or None when it has none.

    Args:
        path: The file, or its content.

    Raises:
        InputError: No such file.
        BundleError: The model, its metadata or its label file are damaged.
    """
    return open_file(path).metadata


def _checked_color(color: Color | None, shape: tuple[int, ...]) -> Color:
    expected: dict[int, Color] = {3: "rgb", 1: "grayscale"}
    if len(shape) != 4 or shape[3] not in expected:
        raise InputError(
            f"the input has shape {shape}: expected an image (batch, height, width, 3 or 1)."
        )
    if color not in (None, expected[shape[3]]):
        raise InputError(
            f"color {color!r} does not fit {shape[3]} channel(s): expected {expected[shape[3]]!r}."
        )
    return expected[shape[3]]


def _check_labels(labels: Sequence[str], classes: int) -> None:
    if isinstance(labels, str) or len(labels) != classes:
        received = "one string" if isinstance(labels, str) else f"{len(labels)} labels"
        raise InputError(
            f"the model has {classes} outputs: expected {classes} labels in their order. "
            f"Received: {received}."
        )
    for index, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip() or len(label.splitlines()) != 1:
            raise InputError(
                f"label {index} cannot be a line of {LABELS_FILE}: expected text without line "
                f"breaks that is not blank. Received: {label!r}."
            )


def _store(model: Any, content: bytes) -> None:
    """Puts the metadata flatbuffer into the model's buffers, in place of an earlier one."""
    from ai_edge_litert.schema_py_generated import BufferT, MetadataT

    data = np.frombuffer(content, np.uint8)
    model.metadata = model.metadata or []
    for entry in model.metadata:
        if entry.name in (BUFFER_NAME, BUFFER_NAME.encode()):
            model.buffers[entry.buffer].data = data
            return
    model.buffers.append(BufferT(data=data))
    model.metadata.append(MetadataT(name=BUFFER_NAME, buffer=len(model.buffers) - 1))


def _append_labels(content: bytes, labels: Sequence[str], classes: Sequence[str] = ()) -> bytes:
    """A zip archive behind the model: stored plainly, for readers that map it into memory."""
    stream = io.BytesIO(content)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, lines in ((LABELS_FILE, labels), (CLASSES_FILE, classes)):
            if not lines:
                continue
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, "".join(f"{line}\n" for line in lines).encode())
    return stream.getvalue()
