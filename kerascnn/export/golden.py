"""Golden inputs: the few images by which a device shows that it computes what Keras computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerascnn.errors import VerificationError
from kerascnn.export.answers import Answers
from kerascnn.export.manifest import Tolerance
from kerascnn.export.report import stratified

COUNT = 8


@dataclass(frozen=True)
class GoldenFile:
    """A file that has to repeat the answers: how to run it, and how far it may be off."""

    predict: Callable[[np.ndarray], np.ndarray]
    tolerance: Tolerance


def choose(
    pixels: np.ndarray, outputs: np.ndarray, files: Sequence[GoldenFile], answers: Answers
) -> tuple[np.ndarray, np.ndarray]:
    """Up to 8 images and their outputs: kinds of answers in turn, answered alike by every file.

    Verification allows a share of differing answers, a self-test of eight images cannot: an image
    is golden only if every file keeps its limits on it. Half are clear cases and half closer ones,
    whose outputs tell more about the arithmetic; the closest tenth comes last, since another
    processor may round these to another answer.

    Args:
        pixels: Images [n, height, width, channels].
        outputs: The Keras model's outputs [n, outputs] for them.
        files: Those that have to repeat the outputs.
        answers: What the outputs mean.

    Raises:
        VerificationError: No image qualifies.
    """
    kinds, margins = answers.groups(outputs), answers.margins(outputs)
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
            if int(i) not in chosen and all(
                _repeats(file, pixels[[i]], outputs[[i]], answers) for file in files
            ):
                chosen.append(int(i))
    if not chosen:
        raise VerificationError(
            "no sample is answered alike by the Keras model and every file, so none can be a "
            "golden input. Nothing was written. Give more samples, or train the model further."
        )
    return pixels[chosen], outputs[chosen]


def narrowed(
    file: GoldenFile, pixels: np.ndarray, wanted: np.ndarray, unit: float, answers: Answers
) -> Tolerance:
    """Limits for a self-test: what the file does here, doubled, never beyond the file's own limits.

    Verification has to let the most sensitive networks pass; a device that runs one given file
    has to repeat it. Another processor's 8-bit and 16-bit kernels round differently, by a few
    steps, hence the floor of a twentieth of `unit`; a float32 file keeps its own, tight, limits.

    Args:
        file: A file whose golden images were chosen.
        pixels: The golden images.
        wanted: The Keras model's outputs for them.
        unit: Range of the outputs: 1 for probabilities, and for quantities, whose limits are shares
            of the range of each.
        answers: What the outputs mean.
    """
    difference = np.abs(file.predict(pixels) - wanted) / answers.units
    limits = file.tolerance
    return replace(
        limits,
        max_abs=min(limits.max_abs, max(unit / 20, 2 * float(difference.max()))),
        mean_abs=min(limits.mean_abs, max(unit / 100, 2 * float(difference.mean()))),
    )


def _repeats(file: GoldenFile, pixels: np.ndarray, wanted: np.ndarray, answers: Answers) -> bool:
    got = file.predict(pixels)
    difference, limits = np.abs(got - wanted) / answers.units, file.tolerance
    near = difference.max() <= limits.max_abs and difference.mean() <= limits.mean_abs
    return bool(near and answers.agrees(wanted, got)[0])
