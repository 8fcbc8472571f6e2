"""What 8 bits cost a trained classifier or regressor: float32 against two int8 files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.tasks import Kind, Metrics
from kerascnn.training.judging import kinds_of, metrics_of

if TYPE_CHECKING:
    from kerascnn.data import Splits

SAMPLES = 500  # training images that set the ranges


@dataclass(frozen=True)
class EightBits:
    """The figures of three networks on the same images.

    Attributes:
        split: The images: "test", or "validation" where there are none.
        float32: Of the Keras model of the best epoch.
        after_training: Of the int8 file that is made from it.
        aware: Of the int8 file of the quantisation-aware model.
    """

    split: str
    float32: Metrics
    after_training: Metrics
    aware: Metrics

    def to_dict(self) -> dict[str, Any]:
        return {
            "split": self.split,
            "float32": self.float32.to_dict(),
            "int8_after_training": self.after_training.to_dict(),
            "int8_quantize_aware": self.aware.to_dict(),
        }


def measure(model: keras.Model, aware: keras.Model, splits: "Splits", seed: int) -> EightBits:
    """Makes both int8 files in memory, and runs them on all images of the last split.

    Args:
        model: The float model, compiled with its loss.
        aware: The quantisation-aware model that was trained from it.
        splits: The data of the run.
        seed: Of the run; it draws the images that set ranges.

    Raises:
        ExportError: One of them cannot become a file.
    """
    from kerascnn.export import TFLiteModel, convert_float
    from kerascnn.export.quantize.learned_ranges import learned_ranges
    from kerascnn.export.quantize.quantizer import quantize

    split = "test" if splits.test is not None else "validation"
    samples, _ = splits.sample("train", SAMPLES, seed=seed)
    plain = quantize(convert_float(model), "int8", samples)
    rounded = convert_float(aware)
    learned = learned_ranges(aware, rounded, samples[0])
    files = [
        TFLiteModel(file) for file in (plain, quantize(rounded, "int8", samples, learned=learned))
    ]

    labels = splits.labels(split)

    def measured(
        answer: Callable[[np.ndarray], Any],
        kinds: Sequence[Kind | None],
        step: float,
    ) -> Metrics:
        batches = [answer(images) for images, _ in splits.batches(split)]
        values = keras.tree.map_structure(
            lambda *parts: np.concatenate([np.asarray(part) for part in parts]), *batches
        )
        return metrics_of(values, labels, splits, kinds, model.name, step)

    exact = measured(model.predict_on_batch, kinds_of(model, splits), 0.0)
    return EightBits(
        split, exact, *(measured(file.predict, file.kinds, file.steps[0]) for file in files)
    )
