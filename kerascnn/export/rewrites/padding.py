"""Padding with a number other than zero: the CPU delegate pads with zeros."""

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph


def pad_with_zeros(graph: Graph) -> None:
    """Writes PADV2 with value v as: subtract v, pad with zeros, add v."""
    for operator in graph.find("PADV2"):
        x, paddings, value = (int(i) for i in operator.inputs)
        filling, y = graph.constant(value), int(operator.outputs[0])
        if filling is None or filling.dtype != np.float32 or graph.constant(paddings) is None:
            continue
        name = graph.name(y)
        number = float(filling.reshape(-1)[0])
        if number == 0:
            graph.add_operator("PAD", [x, paddings], [y], before=operator, options="PadOptions")
            graph.remove(operator)
            continue
        shifted = graph.add_tensor(graph.shape(x), f"{name}/shifted")
        padded = graph.add_tensor(graph.shape(y), f"{name}/padded")
        minus, plus = (
            graph.add_constant(np.array(v, np.float32), f"{name}/value") for v in (-number, number)
        )
        graph.add_operator("ADD", [x, minus], [shifted], before=operator, options="AddOptions")
        graph.add_operator(
            "PAD", [shifted, paddings], [padded], before=operator, options="PadOptions"
        )
        graph.add_operator("ADD", [padded, plus], [y], before=operator, options="AddOptions")
        graph.remove(operator)
