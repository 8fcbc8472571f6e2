"""The one reader of `.tflite` files: checked once, and then asked by whoever has a question."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kerascnn.export.flatbuffer import schema, structure
from kerascnn.export.flatbuffer.edit import ALIGNMENT
from kerascnn.export.flatbuffer.metadata_reading import BUFFER_NAME, parse
from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.flatbuffer.reading import read
from kerascnn.export.flatbuffer.tensors import TensorSpec
from kerascnn.files import PathLike


@dataclass(frozen=True)
class Tensor:
    """A tensor of the main graph.

    Attributes:
        index: Its number in the graph.
        name: Name in the file.
        shape: Dimensions with the batch; -1 where the file leaves one open.
        dtype: Element type as NumPy calls it: `"int8"`.
        constant: Whether its values are in the file.
        scales: Number of quantisation scales: 0 for real numbers, 1 per tensor, more per channel.
        scale: Real value of one quantisation step, where there is one scale that is a number.
        zero_point: Integer that stands for the real value 0; None together with `scale`.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    constant: bool
    scales: int
    scale: float | None = None
    zero_point: int | None = None

    @property
    def elements(self) -> int:
        """Number of values, open dimensions counted as 1."""
        return math.prod(max(size, 1) for size in self.shape)

    @property
    def spec(self) -> TensorSpec:
        """What a caller of the model has to know of it."""
        return TensorSpec(self.name, self.shape, self.dtype, self.scale, self.zero_point)


@dataclass(frozen=True)
class Operator:
    """An operator of the main graph.

    Attributes:
        name: As `BuiltinOperator` calls it, or a custom operator's own name.
        custom: Whether it is no built-in operator.
        version: Version the file asks for.
        inputs: What it reads; None for an input left out.
        outputs: What it computes.
    """

    name: str
    custom: bool
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]

    @property
    def source(self) -> Tensor | None:
        """The first computed input; the first at all of an operator on constants."""
        computed = [tensor for tensor in self.inputs if tensor and not tensor.constant]
        return next(iter(computed or self.inputs), None)

    def activations(self) -> Iterator[Tensor]:
        """The computed tensors that go in and come out."""
        yield from (tensor for tensor in self.inputs if tensor and not tensor.constant)
        yield from self.outputs


class TFLiteFile:
    """A whole `.tflite` file: what stands in it, each part read when it is first asked for.

    Args:
        content: Of the file.
        source: What to call it in messages, usually its path.

    Raises:
        BundleError: The content is no whole `.tflite` model.
    """

    def __init__(self, content: bytes, source: str = "the model"):
        from ai_edge_litert.schema_py_generated import Model

        structure.check(content, source)
        self.content, self.source = content, source
        self._model = Model.GetRootAs(content, 0)
        self._graph = self._model.Subgraphs(0)

    @property
    def graphs(self) -> int:
        """Number of graphs; more than one means branches or loops."""
        return int(self._model.SubgraphsLength())

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators of the main graph, in order."""
        return tuple(self._operator(self._graph.Operators(i)) for i in self._places(self._graph))

    @cached_property
    def operator_counts(self) -> Counter[tuple[str, bool]]:
        """How often the operators of all graphs occur, by (name, whether it is custom)."""
        graphs = (self._model.Subgraphs(g) for g in range(self.graphs))
        return Counter(
            self._codes[graph.Operators(i).OpcodeIndex()][:2]
            for graph in graphs
            for i in self._places(graph)
        )

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the main graph."""
        return tuple(self._tensor(i) for i in range(self._graph.TensorsLength()))

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the main graph takes."""
        places = range(self._graph.InputsLength())
        return tuple(self.tensors[self._graph.Inputs(i)] for i in places)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """What it gives."""
        places = range(self._graph.OutputsLength())
        return tuple(self.tensors[self._graph.Outputs(i)] for i in places)

    @property
    def outside(self) -> int:
        """Number of constants stored behind the flatbuffer instead of inside it."""
        return sum(b.Offset() > 1 and b.Size() > 0 for b in self._buffers())

    @property
    def misaligned(self) -> int:
        """Number of constants inside it that do not start at a multiple of 16 bytes."""
        inside = (b for b in self._buffers() if not (b.Offset() > 1 and b.Size()))
        # The generated reader hides where a vector starts.
        starts = (b._tab.Vector(b._tab.Offset(4)) for b in inside if b.DataLength())
        return sum(start % ALIGNMENT != 0 for start in starts)

    @property
    def has_metadata(self) -> bool:
        """Whether TFLite Metadata are embedded, damaged ones too."""
        return self._metadata_buffer is not None

    @cached_property
    def metadata(self) -> Metadata | None:
        """The TFLite Metadata, None where it has none; BundleError where they are damaged."""
        buffer = self._metadata_buffer
        return None if buffer is None else parse(buffer, self.content, self.source)

    @property
    def _metadata_buffer(self) -> bytes | None:
        for i in range(self._model.MetadataLength()):
            entry = self._model.Metadata(i)
            if entry.Name() == BUFFER_NAME.encode():
                buffer = self._model.Buffers(entry.Buffer())
                if buffer.Offset() > 1:
                    return self.content[buffer.Offset() : buffer.Offset() + buffer.Size()]
                return buffer.DataAsNumpy().tobytes() if buffer.DataLength() else b""
        return None

    @cached_property
    def _codes(self) -> list[tuple[str, bool, int]]:
        """(name, whether it is custom, version) of each kind of operator."""
        found = []
        for i in range(self._model.OperatorCodesLength()):
            code = self._model.OperatorCodes(i)
            own = code.CustomCode()
            builtin = schema.operator_name(schema.code_number(code))
            name = own.decode(errors="replace") if own else builtin
            found.append((name, bool(own), code.Version()))
        return found

    def _operator(self, operator: Any) -> Operator:
        name, custom, version = self._codes[operator.OpcodeIndex()]
        taken = (operator.Inputs(i) for i in range(operator.InputsLength()))
        given = (operator.Outputs(i) for i in range(operator.OutputsLength()))
        return Operator(
            name,
            custom,
            version,
            tuple(self.tensors[i] if i >= 0 else None for i in taken),
            tuple(self.tensors[i] for i in given),
        )

    def _tensor(self, index: int) -> Tensor:
        tensor = self._graph.Tensors(index)
        shape = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
        if tensor.ShapeSignatureLength() == len(shape):
            shape = [tensor.ShapeSignature(i) for i in range(len(shape))]
        buffer, scale, zero_point = self._model.Buffers(tensor.Buffer()), None, None
        quantization = tensor.Quantization()
        scales = 0 if quantization is None else quantization.ScaleLength()
        if scales == 1 and math.isfinite(quantization.Scale(0)) and quantization.Scale(0) > 0:
            scale = float(quantization.Scale(0))
            zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
        return Tensor(
            index=index,
            name=(tensor.Name() or b"").decode(errors="replace"),
            shape=tuple(int(size) for size in shape),
            dtype=schema.type_names()[tensor.Type()],
            constant=bool(buffer.DataLength() or buffer.Offset() > 1),
            scales=scales,
            scale=scale,
            zero_point=zero_point,
        )

    def _buffers(self) -> Iterator[Any]:
        return (self._model.Buffers(i) for i in range(self._model.BuffersLength()))

    @staticmethod
    def _places(graph: Any) -> range:
        return range(graph.OperatorsLength())


def open_file(file: "PathLike | bytes | TFLiteFile") -> TFLiteFile:
    """A file by its path or its content; one that is open stays what it is.

    Raises:
        InputError: No such file.
        BundleError: The content is no whole `.tflite` model.
    """
    return file if isinstance(file, TFLiteFile) else TFLiteFile(*read(file))
