"""Hard swish as additions and products: the CPU delegate has no 8-bit kernel for it."""

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.rewrites.activations import RELU6


def split_hard_swish(graph: Graph) -> None:
    """Writes x * relu6(x + 3) / 6 with one operator each (Howard et al. 2019, section 5.2).

    The runtime has an 8-bit kernel for HARD_SWISH, but a slow one, and each hand-over to it cuts
    the graph: MobileNetV3Large had 22 partitions. Additions and products stay in the delegate.
    """
    for operator in graph.find("HARD_SWISH"):
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        name, shape = graph.name(y), graph.shape(y)
        three = graph.add_constant(np.array(3.0, np.float32), f"{name}/three")
        sixth = graph.add_constant(np.array(1 / 6, np.float32), f"{name}/sixth")
        gate = graph.add_tensor(shape, f"{name}/gate")
        product = graph.add_tensor(shape, f"{name}/product")
        graph.add_operator(
            "ADD",
            [x, three],
            [gate],
            before=operator,
            options="AddOptions",
            values={"fusedActivationFunction": RELU6},
        )
        graph.add_operator("MUL", [x, gate], [product], before=operator, options="MulOptions")
        graph.add_operator("MUL", [product, sixth], [y], before=operator, options="MulOptions")
        graph.remove(operator)
