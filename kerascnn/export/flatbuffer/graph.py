"""The main graph of a parsed `.tflite` model in the terms that a rewrite thinks in."""

import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer.schema import operator_name, operator_numbers
from kerascnn.export.flatbuffer.unused import drop_unused


@dataclass(frozen=True)
class _Links:
    """Who makes and who reads each tensor, and how many tensors lie in each buffer."""

    makers: dict[int, Any] = field(default_factory=dict)
    readers: dict[int, list[Any]] = field(default_factory=lambda: collections.defaultdict(list))
    tensors: collections.Counter[int] = field(default_factory=collections.Counter)


class Graph:
    """A file's main graph, to be read and changed in place.

    Tensors are known by their index, operators are the schema's own objects (`OperatorT`) and stand
    in an order in which they can run. What they read and make is changed through the graph alone,
    which keeps it looked up.

    Args:
        content: A `.tflite` file.

    Raises:
        BundleError: It is no whole `.tflite` model.
        ExportError: It keeps its constants in another file.
    """

    def __init__(self, content: bytes):
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self.model = flatbuffer.parse(content)
        self._graph = self.model.subgraphs[0]
        self._taken = {tensor.name for tensor in self._graph.tensors}
        self._links: _Links | None = None

    @property
    def operators(self) -> list[Any]:
        """All operators, in an order in which they can run."""
        return self._graph.operators

    @property
    def inputs(self) -> list[int]:
        """The tensors that come from outside."""
        return [int(i) for i in self._graph.inputs]

    @property
    def outputs(self) -> list[int]:
        """The tensors that are the result."""
        return [int(i) for i in self._graph.outputs]

    def find(self, *kinds: str) -> list[Any]:
        """The operators of these kinds, such as "CONV_2D", in order."""
        return [operator for operator in self.operators if self.kind(operator) in kinds]

    def kind(self, operator: Any) -> str:
        """The operator's name in the schema, such as "CONV_2D"."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return operator_name(max(code.builtinCode, code.deprecatedBuiltinCode))  # as in any file

    def producer(self, tensor: int) -> Any | None:
        """The operator that computes a tensor; None for inputs and constants."""
        return self._linked().makers.get(tensor)

    def consumers(self, tensor: int) -> list[Any]:
        """The operators that read a tensor, each once, in order."""
        return list(self._linked().readers.get(tensor, ()))

    def is_shared(self, tensor: int) -> bool:
        """Whether a constant's data have other readers than one operator, or another tensor."""
        links = self._linked()
        buffer = int(self._graph.tensors[tensor].buffer)
        return len(links.readers.get(tensor, ())) > 1 or links.tensors[buffer] > 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's dimensions."""
        shape = self._graph.tensors[tensor].shape
        return () if shape is None else tuple(int(size) for size in shape)

    def signature(self, tensor: int) -> tuple[int, ...]:
        """The tensor's dimensions, -1 where the file leaves one open."""
        shape, signature = self.shape(tensor), self._graph.tensors[tensor].shapeSignature
        fits = signature is not None and len(signature) == len(shape)
        return tuple(int(size) for size in signature) if fits else shape

    def name(self, tensor: int) -> str:
        """The tensor's name; the quantiser and its ranges know tensors by it."""
        return (self._graph.tensors[tensor].name or b"").decode(errors="replace")

    def is_float(self, tensor: int) -> bool:
        """Whether a tensor holds float32."""
        return bool(self._graph.tensors[tensor].type == self._schema.TensorType.FLOAT32)

    def is_constant(self, tensor: int) -> bool:
        """Whether a tensor's values are in the file; not so for an input left out (-1)."""
        return tensor >= 0 and self._data(tensor) is not None

    def constant(self, tensor: int) -> np.ndarray | None:
        """The values of a float32 or int32 constant; None for what is computed, or another type."""
        types = {
            self._schema.TensorType.FLOAT32: np.float32,
            self._schema.TensorType.INT32: np.int32,
        }
        data = self._data(tensor) if tensor >= 0 else None
        kind = types.get(self._graph.tensors[tensor].type)
        if data is None or kind is None:
            return None
        raw = np.asarray(data, np.uint8).tobytes()
        return np.frombuffer(raw, kind).reshape(self.shape(tensor))

    def values(self, tensor: int) -> np.ndarray:
        """The values of a tensor that is known to be a constant.

        Raises:
            ValueError: It is none.
        """
        values = self.constant(tensor)
        if values is None:
            raise ValueError(f"tensor {self.name(tensor)!r} is no float32 or int32 constant")
        return values

    def set_constant(self, operator: Any, position: int, values: np.ndarray) -> None:
        """Gives an operator new values for a float32 constant; other readers keep the old ones."""
        tensor = int(operator.inputs[position])
        if self.is_shared(tensor):
            self.set_input(operator, position, self.add_constant(values, self.name(tensor)))
            return
        data = np.ascontiguousarray(values, np.float32).tobytes()
        buffer = self.model.buffers[self._graph.tensors[tensor].buffer]
        buffer.data = np.frombuffer(data, np.uint8)

    def add_constant(self, values: np.ndarray, name: str) -> int:
        """A new constant tensor, float32 or int32 as `values` are."""
        kind = "INT32" if values.dtype == np.int32 else "FLOAT32"
        stored = values if kind == "INT32" else values.astype(np.float32)
        tensor = self._add_tensor(stored.shape, name, kind)
        buffer = self.model.buffers[self._graph.tensors[tensor].buffer]
        buffer.data = np.frombuffer(np.ascontiguousarray(stored).tobytes(), np.uint8)
        return tensor

    def add_tensor(self, shape: Sequence[int], name: str, kind: str = "FLOAT32") -> int:
        """A new tensor that an operator will compute; `kind` is its type in the schema."""
        return self._add_tensor(shape, name, kind)

    def set_outputs(self, tensors: Mapping[str, int]) -> None:
        """Makes these tensors the result, in their order, and in signatures under these names."""
        self._graph.outputs = np.array(list(tensors.values()), np.int32)
        for signature in self.model.signatureDefs or []:
            entries = []
            for name, tensor in tensors.items():
                entry = self._schema.TensorMapT()
                entry.name, entry.tensorIndex = name.encode(), tensor
                entries.append(entry)
            signature.outputs = entries

    def add_operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        before: Any = None,
        options: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Any:
        """A new operator in front of `before`, or behind all others.

        Args:
            kind: Its name in the schema.
            inputs: Tensors it reads.
            outputs: Tensors it computes.
            before: The operator it is put in front of; None for the end.
            options: The schema's table of its settings, such as "MulOptions".
            values: Fields of that table that are not zero.
        """
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array(outputs, np.int32)
        if options is not None:
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self._schema, options + "T")()
            for field, value in (values or {}).items():
                setattr(operator.builtinOptions, field, value)
        places = (i for i, known in enumerate(self.operators) if known is before)
        self.operators.insert(next(places, len(self.operators)), operator)
        self._links = None
        return operator

    def remove(self, operator: Any) -> None:
        """Takes an operator out; the caller has seen to those that read its outputs."""
        place = next(i for i, known in enumerate(self.operators) if known is operator)
        del self.operators[place]
        self._links = None

    def redirect(self, old: int, new: int) -> None:
        """Lets every operator, and the outputs of the graph, use tensor `new` in place of `old`."""
        for operator in self.consumers(old):
            operator.inputs = np.where(operator.inputs == old, new, operator.inputs)
        self._links = None
        self._graph.outputs = np.where(np.asarray(self._graph.outputs) == old, new, self.outputs)
        for signature in self.model.signatureDefs or []:
            for entry in signature.outputs or []:
                if entry.tensorIndex == old:
                    entry.tensorIndex = new

    def set_input(self, operator: Any, position: int, tensor: int) -> None:
        """Lets one operator read another tensor."""
        inputs = np.array(operator.inputs, np.int32)
        inputs[position] = tensor
        self.set_inputs(operator, inputs)

    def set_inputs(self, operator: Any, tensors: Sequence[int] | np.ndarray) -> None:
        """Lets one operator read these tensors in place of all that it read."""
        operator.inputs = np.array(tensors, np.int32)
        self._links = None

    def pack(self) -> bytes:
        """The file, without what nothing refers to any more; tensors get new indices by that."""
        drop_unused(self.model)
        self._links = None
        return flatbuffer.pack(self.model)

    def _data(self, tensor: int) -> Any | None:
        """The bytes of a constant; None of a tensor without."""
        data = self.model.buffers[self._graph.tensors[tensor].buffer].data
        return None if data is None or len(data) == 0 else data

    def _linked(self) -> _Links:
        """What reads and makes what, looked up anew after a change."""
        if self._links is None:
            links = _Links(tensors=collections.Counter(int(t.buffer) for t in self._graph.tensors))
            for operator in self.operators:
                for tensor in operator.outputs:
                    links.makers.setdefault(int(tensor), operator)
                for tensor in {int(i) for i in operator.inputs}:
                    links.readers[tensor].append(operator)
            self._links = links
        return self._links

    def _code(self, kind: str) -> int:
        """Place of a kind of operator in the file's list, which grows when it is new."""
        for i, code in enumerate(self.model.operatorCodes):
            number = max(code.builtinCode, code.deprecatedBuiltinCode)
            if operator_name(number) == kind and code.customCode is None:
                return i
        code = self._schema.OperatorCodeT()
        code.builtinCode = operator_numbers()[kind]
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # the old field holds one byte
        code.version = 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _add_tensor(self, shape: Sequence[int], name: str, kind: str) -> int:
        tensor = self._schema.TensorT()
        tensor.shape = np.array(shape, np.int32)
        tensor.type = getattr(self._schema.TensorType, kind)
        tensor.name = self._unused(name)
        tensor.hasRank = True
        self.model.buffers.append(self._schema.BufferT())
        tensor.buffer = len(self.model.buffers) - 1
        self._graph.tensors.append(tensor)
        self._links = None
        return len(self._graph.tensors) - 1

    def _unused(self, name: str) -> bytes:
        wanted, number = name.encode(), 1
        while wanted in self._taken:
            number += 1
            wanted = f"{name}_{number}".encode()
        self._taken.add(wanted)
        return wanted
