"""What the outputs of a `.tflite` file are, as far as its last operators and its metadata tell."""

from typing import Any

from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.runtime.summary import operator_names
from kerascnn.tasks import Kind

# Operators that only move values, or store them in another type.
_PASSING = {"CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE"}
_KINDS: dict[str, Kind] = {
    "SOFTMAX": "probabilities",
    "LOGISTIC": "independent",
    # Scores that no squashing function follows.
    "ADD": "logits",
    "AVERAGE_POOL_2D": "logits",
    "CONV_2D": "logits",
    "FULLY_CONNECTED": "logits",
    "LOG_SOFTMAX": "logits",
    "MEAN": "logits",
}


def output_kinds(content: bytes, metadata: Metadata | None) -> tuple[Kind | None, ...]:
    """What each output is; None where neither the operators nor the metadata say it.

    Metadata that give the outputs the range 0..1 overrule operators that seem to give logits: the
    values have to tell which kind of probabilities they are.

    Args:
        content: A file that `structure.check` found whole.
        metadata: Of the file.
    """
    from ai_edge_litert.schema_py_generated import Model

    model = Model.GetRootAs(content, 0)
    graph, names = model.Subgraphs(0), operator_names(model)
    makers: dict[int, Any] = {}
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        for j in range(operator.OutputsLength()):
            makers[operator.Outputs(j)] = operator
    found = []
    for i in range(graph.OutputsLength()):
        maker = makers.get(graph.Outputs(i))
        while maker is not None and names[maker.OpcodeIndex()] in _PASSING:
            maker = makers.get(maker.Inputs(0))
        found.append(None if maker is None else _KINDS.get(names[maker.OpcodeIndex()]))
    if metadata is not None and metadata.output_range == (0.0, 1.0) and found[:1] == ["logits"]:
        found[0] = None
    return tuple(found)
