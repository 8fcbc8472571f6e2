"""Reading and editing the TFLite flatbuffer itself: what no public tool does for us.

Files are rewritten with every constant inside the flatbuffer and aligned to 16 bytes, as the
schema asks. The generated Python packer ignores that attribute, and the quantiser stores large
constants behind the flatbuffer: desktop runtimes accept both, microcontrollers neither.
"""

from typing import Any

import flatbuffers
import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export.flatbuffer import structure

ALIGNMENT = 16  # schema.fbs: `data:[ubyte] (force_align: 16)`


class _AlignedBuilder(flatbuffers.Builder):
    """A builder whose byte vectors start at multiples of 16 in the finished file."""

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        if x.dtype == np.uint8:
            self.Prep(ALIGNMENT, x.size)  # built from the end: aligned once x.size bytes follow
        return super().CreateNumpyVector(x)


def parse(data: bytes) -> Any:
    """The model as a tree of mutable objects (`schema_py_generated.ModelT`), all data inside it.

    Raises:
        BundleError: `data` is no whole `.tflite` model.
        ExportError: It keeps its constants in another file.
    """
    from ai_edge_litert import schema_py_generated as schema

    structure.check(data)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    if model.externalBuffers:
        raise ExportError(
            "the model keeps its weights in another file, which cannot be edited. Expected one "
            "self-contained .tflite file: export it without external buffers."
        )
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    for graph in model.subgraphs:
        for part in ("tensors", "inputs", "outputs", "operators"):
            if getattr(graph, part) is None:
                setattr(graph, part, [])
        for operator in graph.operators:
            if operator.largeCustomOptionsOffset > 1:
                operator.customOptions = np.frombuffer(
                    data,
                    np.uint8,
                    operator.largeCustomOptionsSize,
                    operator.largeCustomOptionsOffset,
                )
            operator.largeCustomOptionsOffset = operator.largeCustomOptionsSize = 0
    return model


def pack(model: Any) -> bytes:
    """The file of a model tree: one flatbuffer, constants inside and 16-byte aligned."""
    builder = _AlignedBuilder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=structure.IDENTIFIER)
    return bytes(builder.Output())
