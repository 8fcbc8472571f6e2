"""What a `.tflite` file holds, and how the runtime divides it between XNNPACK and its kernels."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.file import TFLiteFile, open_file
from kerascnn.export.flatbuffer.tensors import TensorSpec
from kerascnn.export.runtime.delegate import reasons
from kerascnn.export.runtime.opening import open_runtime
from kerascnn.files import PathLike

FLEX_PREFIX = "Flex"  # an operator that needs the TensorFlow runtime on the device


@dataclass(frozen=True)
class FileSummary:
    """What a `.tflite` file holds and how the runtime of this machine divides it.

    Attributes:
        bytes: Size of the file.
        sha256: Its hash, in hexadecimal.
        operators: Operators of all graphs by name, as `BuiltinOperator` calls them; a custom
            operator under its own name.
        custom_operators: Those that are no built-in operator, sorted.
        flex_operators: The custom ones that need the TensorFlow runtime, sorted.
        delegate_partitions: Parts of the main graph that run in XNNPACK, the default delegate.
            One partition is best: each further one costs a hand-over.
        delegated_operators: Operators of the main graph inside those partitions, by name.
        undelegated_operators: Those that stay with the built-in kernels, by name.
        undelegated_reasons: Why they do, one sentence for each name.
        inputs: What the model takes.
        outputs: What the model gives.
        has_metadata: Whether TFLite Metadata (labels, normalisation) are embedded.
        runtime_error: Why this machine's runtime cannot run the file, None if it can. The
            partitions are then 0 and no operator counts as delegated.
    """

    bytes: int
    sha256: str
    operators: Mapping[str, int]
    custom_operators: tuple[str, ...]
    flex_operators: tuple[str, ...]
    delegate_partitions: int
    delegated_operators: Mapping[str, int]
    undelegated_operators: Mapping[str, int]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    has_metadata: bool
    runtime_error: str | None = None
    undelegated_reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def input(self) -> TensorSpec:
        """The first input."""
        return self.inputs[0]

    @property
    def output(self) -> TensorSpec:
        """The first output."""
        return self.outputs[0]


def inspect(path: PathLike | bytes | TFLiteFile) -> FileSummary:
    """What a `.tflite` file holds, and how this machine's runtime divides it.

    Works on files that the runtime cannot run (for instance with Flex operators):
    `runtime_error` then says why.

    Raises:
        InputError: No such file.
        BundleError: The content is no whole `.tflite` model.
    """
    file = open_file(path)
    kinds = [operator.name for operator in file.operators]
    counts = file.operator_counts
    custom = sorted({name for name, is_custom in counts if is_custom})
    partitions, taken, failure = 0, set[int](), None
    try:
        partitions, taken = _partitions(open_runtime(file.content, file.source), len(kinds))
    except BundleError as error:
        failure = str(error)
    outside = [i for i in range(len(kinds)) if i not in taken]
    return FileSummary(
        bytes=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        operators=dict(sorted((name, count) for (name, _), count in counts.items())),
        custom_operators=tuple(custom),
        flex_operators=tuple(name for name in custom if name.startswith(FLEX_PREFIX)),
        delegate_partitions=partitions,
        delegated_operators=_count(kinds[i] for i in sorted(taken)),
        undelegated_operators=_count(kinds[i] for i in outside),
        inputs=tuple(tensor.spec for tensor in file.inputs),
        outputs=tuple(tensor.spec for tensor in file.outputs),
        has_metadata=file.has_metadata,
        runtime_error=failure,
        undelegated_reasons={} if failure else reasons([file.operators[i] for i in outside]),
    )


def _partitions(interpreter: Any, count: int) -> tuple[int, set[int]]:
    """(partitions of the delegate, indices of the main graph's operators inside them).

    The runtime appends a DELEGATE node for each partition to the `count` nodes of the file. Which
    operators a partition holds is found by going from its outputs back to its inputs.
    """
    nodes = interpreter._get_ops_details()  # no public way; ai_edge_litert's own tools use it
    producer = {
        int(tensor): i for i, node in enumerate(nodes[:count]) for tensor in node["outputs"]
    }
    partitions = [node for node in nodes[count:] if node["op_name"] == "DELEGATE"]
    taken: set[int] = set()
    for partition in partitions:
        edge = {int(tensor) for tensor in partition["inputs"]}
        pending = [int(tensor) for tensor in partition["outputs"]]
        while pending:
            tensor = pending.pop()
            index = producer.get(tensor)
            if tensor in edge or index is None or index in taken:
                continue
            taken.add(index)
            pending.extend(int(source) for source in nodes[index]["inputs"])
    return len(partitions), taken


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
