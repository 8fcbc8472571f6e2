"""Golden inputs: the few images by which a device shows that it computes what Keras computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerascnn.errors import VerificationError
from kerascnn.export.bundle.report.values import stratified
from kerascnn.export.contract.manifest import Tolerance
from kerascnn.tasks import Arrays, Output, Task

COUNT = 8


@dataclass(frozen=True)
class GoldenFile:
    """A file that has to repeat the answers: how to run it, and how far each output may be off."""

    predict: Callable[[np.ndarray], Arrays]
    tolerances: tuple[Tolerance, ...]


def choose(
    pixels: np.ndarray,
    arrays: Arrays,
    files: Sequence[GoldenFile],
    task: Task,
    outputs: Sequence[Output],
) -> np.ndarray:
    """Up to 8 images: kinds of answers in turn, answered alike by every file.

    Verification allows a share of differing answers, a self-test of eight images cannot: an image
    is golden only if every file keeps its limits on it. Half are clear cases and half closer ones,
    whose outputs tell more about the arithmetic; the closest tenth comes last, since another
    processor may round these to another answer.

    Args:
        pixels: Images [n, height, width, channels].
        arrays: The Keras model's outputs for them, by role.
        files: Those that have to repeat the outputs.
        task: What the outputs mean.
        outputs: What they are.

    Returns:
        The places of the images.

    Raises:
        VerificationError: No image qualifies.
    """
    kinds, margins = task.groups(arrays, outputs), task.margins(arrays, outputs)
    tenth, half = np.quantile(margins, (0.1, 0.5))
    clear, hard = margins >= half, margins < tenth
    chosen: list[int] = []
    for members, most in (
        (clear, COUNT // 2),
        (~clear & ~hard, COUNT),
        (clear, COUNT),
        (hard, COUNT),
    ):
        group = np.flatnonzero(members)
        for i in group[stratified(kinds[group])]:
            if len(chosen) == most:
                break
            wanted = {role: values[[i]] for role, values in arrays.items()}
            if int(i) not in chosen and all(
                _repeats(file, pixels[[i]], wanted, task, outputs) for file in files
            ):
                chosen.append(int(i))
    if not chosen:
        raise VerificationError(
            "no sample is answered alike by the Keras model and every file, so none can be a "
            "golden input. Nothing was written. Give more samples, or train the model further."
        )
    return np.array(chosen)


def narrowed(
    file: GoldenFile,
    pixels: np.ndarray,
    wanted: Arrays,
    task: Task,
    outputs: Sequence[Output],
    ranges: Sequence[float],
) -> tuple[Tolerance, ...]:
    """Limits for a self-test: what the file does here, doubled, never beyond the file's own limits.

    Verification has to let the most sensitive networks pass; a device that runs one given file
    has to repeat it. Another processor's 8-bit and 16-bit kernels round differently, by a few
    steps, hence the floor of a twentieth of the range; a float32 file keeps its own, tight, limits.

    Args:
        file: A file whose golden images were chosen.
        pixels: The golden images.
        wanted: The Keras model's outputs for them, by role.
        task: What the outputs mean.
        outputs: What they are.
        ranges: Of each output: 1 for probabilities, and for quantities, whose limits are shares of
            the range of each.
    """
    differences = task.differences(wanted, file.predict(pixels), outputs)
    found = []
    for output, limits, unit in zip(outputs, file.tolerances, ranges, strict=True):
        largest, mean = extent(differences[output.role])
        found.append(
            replace(
                limits,
                max_abs=min(limits.max_abs, max(unit / 20, 2 * largest)),
                mean_abs=min(limits.mean_abs, max(unit / 100, 2 * mean)),
            )
        )
    return tuple(found)


def _repeats(
    file: GoldenFile, pixels: np.ndarray, wanted: Arrays, task: Task, outputs: Sequence[Output]
) -> bool:
    got = file.predict(pixels)
    differences = task.differences(wanted, got, outputs)
    for output, limits in zip(outputs, file.tolerances, strict=True):
        largest, mean = extent(differences[output.role])
        if largest > limits.max_abs or mean > limits.mean_abs:
            return False
    return bool(task.agrees(wanted, got, outputs)[0])


def extent(differences: np.ndarray) -> tuple[float, float]:
    """The largest difference and their mean; 0 where there are none."""
    if not differences.size:
        return 0.0, 0.0
    return float(differences.max()), float(differences.mean())
