"""What a `.tflite` file holds, as far as a target's rules ask: operators, tensors, constants."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer import structure
from kerascnn.export.flatbuffer.edit import ALIGNMENT
from kerascnn.export.flatbuffer.metadata import Metadata
from kerascnn.export.flatbuffer.metadata import read as read_metadata
from kerascnn.export.flatbuffer.reading import read
from kerascnn.export.flatbuffer.scale_check import operator_code
from kerascnn.export.runtime.opening import open_runtime
from kerascnn.files import PathLike


@dataclass(frozen=True)
class Tensor:
    """A tensor of the main graph.

    Attributes:
        index: Its number in the graph.
        name: Name in the file.
        shape: Dimensions with the batch; -1 where the file leaves one open.
        dtype: Element type as the schema calls it, in lower case: `"int8"`.
        constant: Whether its values are in the file.
        scales: Number of quantisation scales: 0 for real numbers, 1 per tensor, more per channel.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    constant: bool
    scales: int

    @property
    def elements(self) -> int:
        """Number of values, open dimensions counted as 1."""
        return math.prod(max(size, 1) for size in self.shape)


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


@dataclass(frozen=True)
class FileGraph:
    """A `.tflite` file as a target's rules see it.

    Attributes:
        bytes: Size of the file.
        graphs: Number of graphs; more than one means branches or loops.
        operators: Those of the main graph, in order.
        inputs: What the main graph takes.
        outputs: What it gives.
        outside: Number of constants stored behind the flatbuffer instead of inside it.
        misaligned: Number of constants inside it that do not start at a multiple of 16 bytes.
        metadata: The TFLite Metadata, or None.
        runtime_error: Why LiteRT's own kernels, without a delegate, refuse the file; None if they
            take it.
    """

    bytes: int
    graphs: int
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    outside: int
    misaligned: int
    metadata: Metadata | None
    runtime_error: str | None


def read_graph(path: PathLike | bytes) -> FileGraph:
    """Reads a `.tflite` file, and has LiteRT prepare it without running it.

    Raises:
        InputError: No such file.
        BundleError: The content is no whole `.tflite` model, or its metadata are damaged.
    """
    from ai_edge_litert.schema_py_generated import Model

    content, source = read(path)
    structure.check(content, source)
    model = Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    tensors = _tensors(model, graph)
    outside, misaligned = _constants(model, content)
    return FileGraph(
        bytes=len(content),
        graphs=model.SubgraphsLength(),
        operators=tuple(_operators(model, graph, tensors)),
        inputs=tuple(tensors[graph.Inputs(i)] for i in range(graph.InputsLength())),
        outputs=tuple(tensors[graph.Outputs(i)] for i in range(graph.OutputsLength())),
        outside=outside,
        misaligned=misaligned,
        metadata=read_metadata(content),
        runtime_error=_refusal(content),
    )


def _refusal(content: bytes) -> str | None:
    try:
        open_runtime(content, "it", delegate=False)
    except BundleError as error:
        return str(error).removeprefix("it is refused by the TFLite runtime: ").split(". ")[0]
    return None


def _tensors(model: Any, graph: Any) -> list[Tensor]:
    from ai_edge_litert.schema_py_generated import TensorType

    kinds = {value: name for name, value in vars(TensorType).items() if isinstance(value, int)}
    found = []
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        shape = [tensor.Shape(j) for j in range(tensor.ShapeLength())]
        if tensor.ShapeSignatureLength() == len(shape):
            shape = [tensor.ShapeSignature(j) for j in range(len(shape))]
        buffer, quantization = model.Buffers(tensor.Buffer()), tensor.Quantization()
        found.append(
            Tensor(
                index=i,
                name=(tensor.Name() or b"").decode(),
                shape=tuple(int(size) for size in shape),
                dtype=kinds[tensor.Type()].lower(),
                constant=bool(buffer.DataLength() or buffer.Offset() > 1),
                scales=quantization.ScaleLength() if quantization is not None else 0,
            )
        )
    return found


def _operators(model: Any, graph: Any, tensors: list[Tensor]) -> Iterator[Operator]:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    builtin = {v: name for name, v in vars(BuiltinOperator).items() if isinstance(v, int)}
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        custom, number = code.CustomCode(), operator_code(model, operator)
        sources = [operator.Inputs(j) for j in range(operator.InputsLength())]
        yield Operator(
            name=custom.decode(errors="replace") if custom else builtin.get(number, str(number)),
            custom=bool(custom),
            version=code.Version(),
            inputs=tuple(tensors[j] if j >= 0 else None for j in sources),
            outputs=tuple(tensors[operator.Outputs(j)] for j in range(operator.OutputsLength())),
        )


def _constants(model: Any, content: bytes) -> tuple[int, int]:
    """(constants behind the flatbuffer, constants in it that are not aligned to 16 bytes)."""
    outside = misaligned = 0
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.Offset() > 1 and buffer.Size():
            outside += 1
        elif buffer.DataLength():
            start = buffer._tab.Vector(buffer._tab.Offset(4))  # the generated reader hides it
            misaligned += start % ALIGNMENT != 0
    return outside, misaligned
