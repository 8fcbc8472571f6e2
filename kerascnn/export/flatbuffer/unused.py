"""Tensors and buffers of a parsed `.tflite` model that nothing refers to, taken out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np


def drop_unused(model: Any) -> None:
    """Removes what nothing refers to: tensors of the main graph, and buffers.

    Args:
        model: The tree that `flatbuffer.parse` returns; its indices change.
    """
    graph = model.subgraphs[0]
    used = {int(i) for part in (graph.inputs, graph.outputs) for i in part}
    for operator in graph.operators:
        used.update(int(i) for part in _tensors_of(operator) for i in part if i >= 0)
    kept = [i for i in range(len(graph.tensors)) if i in used]
    place = {-1: -1, **{old: new for new, old in enumerate(kept)}}
    graph.tensors = [graph.tensors[i] for i in kept]
    graph.inputs = _mapped(graph.inputs, place)
    graph.outputs = _mapped(graph.outputs, place)
    for operator in graph.operators:
        operator.inputs = _mapped(operator.inputs, place)
        operator.outputs = _mapped(operator.outputs, place)
        if operator.intermediates is not None:
            operator.intermediates = _mapped(operator.intermediates, place)
    for signature in model.signatureDefs or []:
        if signature.subgraphIndex == 0:
            for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
                entry.tensorIndex = place[entry.tensorIndex]
    _drop_buffers(model)


def _drop_buffers(model: Any) -> None:
    known = () if model.metadataBuffer is None else model.metadataBuffer
    used = {0, *(int(i) for i in known)}  # 0 stands for "no data" by convention
    for graph in model.subgraphs:
        used.update(int(tensor.buffer) for tensor in graph.tensors)
    used.update(int(entry.buffer) for entry in model.metadata or [])
    kept = [i for i in range(len(model.buffers)) if i in used]
    place = {old: new for new, old in enumerate(kept)}
    model.buffers = [model.buffers[i] for i in kept]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = place[int(tensor.buffer)]
    for entry in model.metadata or []:
        entry.buffer = place[int(entry.buffer)]
    if model.metadataBuffer is not None:
        model.metadataBuffer = _mapped(model.metadataBuffer, place)


def _tensors_of(operator: Any) -> Iterator[Sequence[int]]:
    yield operator.inputs
    yield operator.outputs
    if operator.intermediates is not None:
        yield operator.intermediates


def _mapped(indices: Sequence[int], place: Mapping[int, int]) -> np.ndarray:
    return np.array([place[int(i)] for i in indices], np.int32)
