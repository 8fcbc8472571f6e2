"""What a written `.tflite` file is."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from kerascnn.export.automatic import Trial
from kerascnn.export.runtime.interpreter import TensorSpec, inspect
from kerascnn.tasks import Report


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A `.tflite` file that was written.

    Attributes:
        path: The file.
        recipe: The recipe's name.
        bytes: Size of the file.
        sha256: Its hash, in hexadecimal.
        input: Name, shape, type and quantisation of the input.
        outputs: The same of each output.
        operators: How often each operator occurs.
        delegate_partitions: How many parts of the graph the CPU delegate runs; 1 is best.
        undelegated_operators: Operators outside these partitions, with counts.
        undelegated_reasons: Why they are outside, one sentence for each.
        report: The comparison with the Keras model; None with `verify=False`.
        seconds: Wall time of the export.
        trials: With the recipe "auto", what was tried; the last is this file.
    """

    path: Path
    recipe: str
    bytes: int
    sha256: str
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    operators: Mapping[str, int]
    delegate_partitions: int
    undelegated_operators: Mapping[str, int]
    undelegated_reasons: Mapping[str, str]
    report: Report | None
    seconds: float
    trials: tuple[Trial, ...] = ()

    def __str__(self) -> str:
        checked = "not verified" if self.report is None else str(self.report)
        return f"{self.path}: {self.recipe}, {self.bytes:,} bytes, {checked}"

    @property
    def output(self) -> TensorSpec:
        """The first output, the only one of most files."""
        return self.outputs[0]


def result_of(
    path: Path,
    recipe: str,
    content: bytes,
    report: Report | None,
    seconds: float,
    trials: tuple[Trial, ...],
) -> ExportResult:
    """What `content`, written to `path`, is."""
    summary = inspect(content)
    return ExportResult(
        path=path,
        recipe=recipe,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        input=summary.input,
        outputs=summary.outputs,
        operators=summary.operators,
        delegate_partitions=summary.delegate_partitions,
        undelegated_operators=summary.undelegated_operators,
        undelegated_reasons=summary.undelegated_reasons,
        report=report,
        seconds=seconds,
        trials=trials,
    )
