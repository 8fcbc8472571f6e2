"""What a written `.tflite` file is."""

import dataclasses
from pathlib import Path

from kerascnn.export.automatic import Trial
from kerascnn.export.runtime.summary import FileSummary
from kerascnn.tasks import Report


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportResult(FileSummary):
    """A `.tflite` file that was written: what is in it, and how it came to be.

    Attributes:
        path: The file.
        recipe: The recipe's name.
        report: The comparison with the Keras model; None with `verify=False`.
        seconds: Wall time of the export.
        trials: With the recipe "auto", what was tried; the last is this file.
    """

    path: Path
    recipe: str
    report: Report | None
    seconds: float
    trials: tuple[Trial, ...] = ()

    def __str__(self) -> str:
        checked = "not verified" if self.report is None else str(self.report)
        return f"{self.path}: {self.recipe}, {self.bytes:,} bytes, {checked}"
