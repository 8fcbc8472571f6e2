"""`recipe="auto"`: the smallest and fastest file that keeps the accuracy, found by measuring."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kerascnn import tasks
from kerascnn.errors import ExportError, InputError
from kerascnn.export.quantize.calibration import Progress
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.quantize.sensitivity import all_but, sensitivity_of, tensors_of
from kerascnn.export.recipes import INT8, get
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.runtime.verify import compare_file
from kerascnn.tasks import Output, Report, Task

_LOG = logging.getLogger(__name__)
_SHARES = (0.05, 0.1, 0.2)  # of the layers that are left in float, one after the other


@dataclasses.dataclass(frozen=True)
class Trial:
    """A file that `recipe="auto"` made and measured.

    Attributes:
        recipe: The recipe's name.
        float_layers: Layers that were left in float.
        bytes: Size of the file without metadata.
        drop: Accuracy lost on the samples; without labels, the share of samples whose best class
            changed where the float file was sure of it, which accuracy cannot lose more than.
        kept: Whether `drop` is within the limit, and the other limits of the recipe are kept; the
            first such file was taken.
    """

    recipe: str
    float_layers: tuple[str, ...]
    bytes: int
    drop: float
    kept: bool

    def __str__(self) -> str:
        layers = f" with {', '.join(self.float_layers)} in float" if self.float_layers else ""
        verdict = "taken" if self.kept else "drops too much"
        return f"{self.recipe}{layers}: {self.bytes:,} bytes, drop {self.drop:.4f}: {verdict}"


def choose_recipe(
    float_bytes: bytes,
    samples: np.ndarray | None,
    labels: np.ndarray | None,
    limit: float,
    *,
    task: str | Task = "classification",
    outputs: Sequence[Output] | None = None,
    evaluation: tuple[np.ndarray, np.ndarray | None] | None = None,
    io: str = "uint8",
    calibration: str = "auto",
    learned: Mapping[str, tuple[float, float]] | None = None,
    progress: Progress | None = None,
) -> tuple[Trial, ...]:
    """Makes files from the smallest and fastest on until one keeps the accuracy.

    The order is int8, int8 with the most sensitive layers in float (a twentieth, a tenth, a fifth
    of them), weight_only_int8, float16 and float32. A file must also keep the other limits of its
    recipe's `Tolerance`. Each file and the reason is logged.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels], 0..255.
        labels: The truth of each sample in the form of the task, or None.
        limit: The most accuracy that may be lost; 0.01 is one point.
        task: What the outputs mean.
        outputs: What they are; None takes what the float file's last operators say.
        evaluation: Images and labels to measure on; the samples by default, which the files were
            made with and which therefore flatter them a little.
        io: Input and output type of the integer files.
        calibration: As in `quantize`.
        learned: As in `quantize`.
        progress: As in `quantize`.

    Returns:
        What was tried; the last one is the choice.

    Raises:
        InputError: No samples, or a limit below 0.
        ExportError: Not even float32 keeps the limit, which only broken outputs can cause.
    """
    if samples is None:
        raise InputError(
            'recipe "auto" measures files on real images: pass samples=, a uint8 array '
            "[n, height, width, channels] of 100 to 500 typical images, and their labels"
        )
    if not limit >= 0:
        raise InputError(f"accuracy_drop must be 0 or more. Received: {limit}.")
    images, truth = evaluation or (samples, labels)
    task, reference = tasks.get(task), TFLiteModel(float_bytes, threads=default_threads())
    wanted = task.arrays(reference.predict(images), "the float file")
    outputs = outputs or task.describe(wanted, reference.kinds, "the float file")
    trials: list[Trial] = []
    for name, layers in _order(float_bytes, samples):
        try:
            content = quantize(
                float_bytes,
                get(name),
                samples,
                io,
                calibration=calibration,
                learned=learned,
                scope=all_but(tensors_of(float_bytes, layers)),
                progress=progress,
            )
        except ExportError as error:
            _LOG.info("recipe auto: %s is not possible: %s", name, error)
            continue
        file = TFLiteModel(content, threads=default_threads())
        limits = dataclasses.replace(get(name).tolerance, accuracy_drop=limit)
        got = task.arrays(file.predict(images), "the file")
        report = compare_file(task, file, name, wanted, got, outputs, truth, limits)
        drop = _drop(report)
        kept = drop <= limit + 1e-12 and (name == "float32" or report.passed)
        trials.append(Trial(name, layers, len(content), drop, kept))
        _LOG.info("recipe auto: %s (limit %.4f)", trials[-1], limit)
        if trials[-1].kept:
            return tuple(trials)
    raise ExportError(
        f"no recipe keeps the accuracy within {limit:g}, float32 included: the model's outputs "
        "are not finite numbers, or it does not give the same outputs twice"
    )


def _order(float_bytes: bytes, samples: np.ndarray) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(recipe, layers in float), the smallest and fastest first."""
    yield INT8.name, ()
    sensitivity = sensitivity_of(float_bytes, samples)
    names = len({layer.layer for layer in sensitivity.layers})
    for count in sorted({max(1, round(share * names)) for share in _SHARES}):
        if count < names:
            yield INT8.name, tuple(dict.fromkeys(s.layer for s in sensitivity.worst(count)))
    for name in ("weight_only_int8", "float16", "float32"):
        yield name, ()


def _drop(report: Report) -> float:
    if report["finite"].value < 1:
        return float("inf")
    if report.accuracy is not None and report.reference_accuracy is not None:
        return max(0.0, report.reference_accuracy - report.accuracy)
    return (report.changed - report.near_ties) / report.answers
