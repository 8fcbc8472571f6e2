"""Concatenations of many tensors: the CPU delegate concatenates up to five at a time."""

from kerascnn.export.flatbuffer.graph import Graph

_MOST = 5


def join_in_steps(graph: Graph) -> None:
    """Writes a CONCATENATION of more than five tensors as several of at most five."""
    for operator in graph.find("CONCATENATION"):
        axis = operator.builtinOptions.axis
        name = graph.name(int(operator.outputs[0]))
        while len(operator.inputs) > _MOST:
            first = [int(i) for i in operator.inputs[:_MOST]]
            shape = list(graph.shape(first[0]))
            shape[axis] = sum(graph.shape(tensor)[axis] for tensor in first)
            joined = graph.add_tensor(shape, f"{name}/part")
            graph.add_operator(
                "CONCATENATION",
                first,
                [joined],
                before=operator,
                options="ConcatenationOptions",
                values={"axis": axis},
            )
            graph.set_inputs(operator, [joined, *operator.inputs[_MOST:]])
