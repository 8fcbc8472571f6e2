"""Rewrites of a float `.tflite` file that keep its function and suit the CPU delegate better.

Each stands in a file of its own, takes a `Graph` and changes it. What the delegate (XNNPACK, as
LiteRT 2.3 brings it) takes was measured, operator by operator, and not read from tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.rewrites.average_pool import average_pool_as_depthwise
from kerascnn.export.rewrites.channel_factors import fold_channel_factors
from kerascnn.export.rewrites.float_islands import float_islands
from kerascnn.export.rewrites.hard_swish import split_hard_swish
from kerascnn.export.rewrites.large_depthwise import split_large_depthwise
from kerascnn.export.rewrites.offsets import fold_offsets
from kerascnn.export.rewrites.padding import pad_with_zeros
from kerascnn.export.rewrites.relu import relu_before_concatenation, relu_by_product
from kerascnn.export.rewrites.scalar_factors import fold_scalar_factors
from kerascnn.export.rewrites.strided_slice import subsample_by_convolution
from kerascnn.export.rewrites.sums import sums, widened
from kerascnn.export.rewrites.wide_concatenation import join_in_steps

__all__ = ["FOR_ALL", "FOR_INT8", "Graph", "Prepared", "Rewrite", "for_all", "for_int8", "widened"]

Rewrite = Callable[[Graph], None]

FOR_ALL: tuple[Rewrite, ...] = (
    pad_with_zeros,
    subsample_by_convolution,
    relu_before_concatenation,
    join_in_steps,
    fold_offsets,
    fold_channel_factors,
    fold_scalar_factors,
    split_large_depthwise,
)
FOR_INT8: tuple[Rewrite, ...] = (
    split_hard_swish,
    average_pool_as_depthwise,
    relu_by_product,
    fold_scalar_factors,
)


def for_all(content: bytes | Graph) -> bytes:
    """The float file in the form that every recipe starts from.

    Raises:
        BundleError: `content` is no whole `.tflite` model.
        ExportError: It keeps its constants in another file.
    """
    graph = content if isinstance(content, Graph) else Graph(content)
    _apply(graph, FOR_ALL)
    return graph.pack()


@dataclass(frozen=True)
class Prepared:
    """A float file in the form that 8 bits suit, and what its quantisation has to heed.

    Attributes:
        content: The file.
        islands: Names of the results of operators that should stay in float32.
        sums: (operand, result) of each addition, by name.
    """

    content: bytes
    islands: tuple[str, ...] = ()
    sums: tuple[tuple[str, str], ...] = ()


def for_int8(content: bytes) -> Prepared:
    """The float file in the form that 8 bits suit, with the same function.

    Raises:
        BundleError: `content` is no whole `.tflite` model.
        ExportError: It keeps its constants in another file.
    """
    graph = Graph(content)
    _apply(graph, FOR_INT8)
    return Prepared(graph.pack(), tuple(float_islands(graph)), tuple(sums(graph)))


def _apply(graph: Graph, rewrites: Sequence[Rewrite]) -> None:
    for rewrite in rewrites:
        rewrite(graph)
