"""What a target is, and the rules that several targets share.

A rule looks at a file's graph and yields half sentences, each a reason why the file does not run.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.file import Operator, Tensor, TFLiteFile
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.recipes import Io
from kerascnn.export.runtime.opening import open_runtime

Rule = Callable[[TFLiteFile], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Support:
    """How far a target supports an operator.

    Attributes:
        activations: Element types of computed tensors that it takes and gives.
        pairs: Where not empty, the (computed input, weights) types it takes instead.
        converts: Where not empty, the (input, output) types it takes instead.
        version: Newest version of the operator that the target knows; None where it does not look.
    """

    activations: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    converts: tuple[tuple[str, str], ...] = ()
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of device client, and what it asks of a file.

    Attributes:
        name: What users type after `--target`.
        title: What it is, in a few words.
        recipes: What `--target` exports; the first is what a kit runs unless told otherwise.
        io: Input and output type of its integer files.
        inputs: Element types of the input that it accepts.
        outputs: Element types of the output that it accepts.
        rules: All it asks, in the order in which reasons are given.
        source: Where the rules come from.
        prepare: What a file needs for it, done before the file is verified; None for nothing.
        finds_objects: Whether it runs what turns a detector's boxes into finished objects.
    """

    name: str
    title: str
    recipes: tuple[str, ...]
    io: Io
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[Rule, ...]
    source: str
    prepare: Callable[[Graph], None] | None = None
    finds_objects: bool = True


def one_image(graph: TFLiteFile) -> Iterator[str]:
    """One input [1, height, width, channels], and one output or those of a detector."""
    for kind, ends in (("input", graph.inputs), ("output", graph.outputs)):
        detects = kind == "output" and (gives_objects(graph) or gives_points(graph))
        if len(ends) != 1 and not detects:
            yield f"it has {len(ends)} {kind}s, and one is expected"
    for tensor in graph.inputs[:1]:
        if len(tensor.shape) != 4:
            yield f"its input {_shape(tensor)} is no image [1, height, width, channels]"
        elif tensor.shape[0] not in (1, -1):
            yield f"it takes {tensor.shape[0]} images at once, and one is expected"


def gives_objects(graph: TFLiteFile) -> bool:
    """Whether it gives boxes [1, N, 4], classes and scores [1, N], and their count [1]."""
    shapes = [tensor.shape for tensor in graph.outputs]
    if len(shapes) != 4 or len(shapes[0]) != 3:
        return False
    most = shapes[0][1]
    return shapes == [(1, most, 4), (1, most), (1, most), (1,)]


def gives_points(graph: TFLiteFile) -> bool:
    """Whether it gives scores [1, points, classes] and boxes [1, points, 4]."""
    shapes = [tensor.shape for tensor in graph.outputs]
    return len(shapes) == 2 and len(shapes[0]) == 3 and shapes[1] == (*shapes[0][:2], 4)


def fixed_shapes(graph: TFLiteFile) -> Iterator[str]:
    """No tensor of an open size, the batch included."""
    tensors = (tensor for operator in graph.operators for tensor in operator.activations())
    for tensor in (*graph.inputs, *tensors):
        if -1 in tensor.shape:
            yield f"tensor {tensor.name!r} has the open shape {_shape(tensor)}"
            return


def one_graph(graph: TFLiteFile) -> Iterator[str]:
    """No branches and loops, whose bodies are further graphs."""
    if graph.graphs != 1:
        yield f"it holds {graph.graphs} graphs, and one is expected"


_refusals: "WeakKeyDictionary[TFLiteFile, str | None]" = WeakKeyDictionary()


def litert_runs(graph: TFLiteFile) -> Iterator[str]:
    """LiteRT's own kernels, without a delegate, know every operator in its version and types."""
    if graph not in _refusals:  # several targets ask
        _refusals[graph] = _refusal(graph)
    if _refusals[graph] is not None:
        yield f"LiteRT refuses it: {_refusals[graph]}"


def _refusal(graph: TFLiteFile) -> str | None:
    try:
        open_runtime(graph.content, "it", delegate=False)
    except BundleError as error:
        return str(error).removeprefix("it is refused by the TFLite runtime: ").split(". ")[0]
    return None


def end_types(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Rule:
    """Element types of input and output."""

    def check(graph: TFLiteFile) -> Iterator[str]:
        for kind, ends, known in (
            ("input", graph.inputs, inputs),
            ("output", graph.outputs, outputs),
        ):
            for tensor in ends[:1]:
                if tensor.dtype not in known:
                    yield f"its {kind} is {tensor.dtype}, and {_or(known)} is expected"

    return check


def operators_within(table: Mapping[str, Support]) -> Rule:
    """Every operator is in the target's table, with types and a version that it knows."""

    def check(graph: TFLiteFile) -> Iterator[str]:
        seen: Counter[str] = Counter(
            reason for operator in graph.operators for reason in unsupported(operator, table)
        )
        for reason, count in seen.items():
            yield f"{reason} ({count} times)" if count > 1 else reason

    return check


def unsupported(operator: Operator, table: Mapping[str, Support]) -> Iterator[str]:
    """The first reason why a target with this table cannot compute an operator, if any."""
    support = table.get(operator.name)
    if support is None or operator.custom:
        kind = "custom operator" if operator.custom else "operator"
        yield f"it has no {kind} {operator.name}"
        return
    if support.version is not None and operator.version > support.version:
        yield (
            f"operator {operator.name} is of version {operator.version}, "
            f"and {support.version} is the newest known"
        )
        return
    first = operator.source
    if first is None or not operator.outputs:
        return
    if support.converts:
        pair = (first.dtype, operator.outputs[0].dtype)
        if pair not in support.converts:
            yield f"operator {operator.name} does not turn {pair[0]} into {pair[1]}"
    elif support.pairs:
        weights = operator.inputs[1] if len(operator.inputs) > 1 else None
        pair = (first.dtype, weights.dtype if weights is not None else first.dtype)
        if pair not in support.pairs:
            yield f"operator {operator.name} does not take {pair[0]} with weights in {pair[1]}"
    else:
        kinds = {first.dtype, operator.outputs[0].dtype} - set(support.activations)
        if kinds:
            yield f"operator {operator.name} does not compute in {_or(tuple(sorted(kinds)))}"


def _shape(tensor: Tensor) -> str:
    return str(["?" if size == -1 else size for size in tensor.shape]).replace("'", "")


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
