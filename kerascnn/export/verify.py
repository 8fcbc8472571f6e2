"""Does a TFLite file answer like the Keras model it was made from? Works on any file."""

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.comparison import Report, output_kind
from kerascnn.export.interpreter import TFLiteModel
from kerascnn.export.recipes import FLOAT32, Tolerance
from kerascnn.export.runtime import default_threads
from kerascnn.export.samples import (
    check_label_rows,
    check_labels,
    check_samples,
    synthetic_images,
)
from kerascnn.export.task_comparison import Task, check_task, compare_for
from kerascnn.files import PathLike

if TYPE_CHECKING:
    import keras

_MOST_AT_ONCE = 32
_ACTIVATION_BYTES = 2**31  # Keras keeps what every layer gives until a call ends


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How good a file is on labelled images.

    Attributes:
        accuracy: Share of images whose best class is the true one, 0 to 1.
        top5: Share whose true class is among the best five; None with five classes or fewer.
        loss: Mean cross-entropy; probabilities of 0, as 8-bit outputs have, count as half the
            smallest one the file can express.
        n: Number of images.
    """

    accuracy: float
    top5: float | None
    loss: float
    n: int


def verify_tflite(
    model_or_outputs: "keras.Model | np.ndarray",
    path: PathLike | bytes,
    samples: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    tolerance: Tolerance = FLOAT32.tolerance,
    *,
    task: Task = "classification",
    threads: int | None = None,
) -> Report:
    """Compares a TFLite file with the model it was made from; `Report.raise_if_failed` judges.

    Args:
        model_or_outputs: The Keras model, or its outputs for `samples` [n, ...].
        path: Any `.tflite` file with one image input and one output, or its content.
        samples: Raw images [n, height, width, channels] 0..255. Without them a seeded mixture of
            noise, smooth colour and flat images is used, which needs the model itself.
        labels: True class of each sample, or rows of 0 and 1 of a multi-label classifier; turns
            the accuracy limit on.
        tolerance: The limits; a recipe's is `recipes.get(name).tolerance`. With few samples one
            differing answer is always allowed where the recipe allows any.
        task: What the outputs are: "classification", "multi_label" or "regression"
            (`task_comparison.compare_for` says how these are compared).
        threads: CPU threads of the interpreter; by default up to four.

    Raises:
        InputError: Samples, labels and outputs do not fit the file or one another.
        BundleError: The file is damaged.
    """
    file = TFLiteModel(path, threads=threads or default_threads())
    shape = tuple(file.input.shape[1:])
    source: Literal["samples", "synthetic"] = "samples"
    if samples is None:
        if isinstance(model_or_outputs, np.ndarray):
            raise InputError("outputs without the samples they belong to cannot be compared")
        samples, source = synthetic_images(shape), "synthetic"
    samples = check_samples(samples, shape)
    wanted = (
        model_or_outputs
        if isinstance(model_or_outputs, np.ndarray)
        else keras_outputs(model_or_outputs, samples)
    )
    if len(wanted) != len(samples):
        raise InputError(f"{len(wanted)} outputs were given for {len(samples)} samples")
    got = file.predict(samples)
    if got.shape != wanted.shape:
        raise InputError(
            f"the file's outputs have shape {list(got.shape)}, the model's {list(wanted.shape)}: "
            "they are not the same model"
        )
    truth = check_truth(task, labels, len(samples), got.shape[-1])
    name = "the file" if isinstance(path, bytes) else str(path)
    return compare_for(task, name, wanted, got, truth, tolerance, source, file.output.scale or 0.0)


def check_truth(task: Task, labels: np.ndarray | None, n: int, outputs: int) -> np.ndarray | None:
    """Returns labels in the form that the task compares, None without; raises InputError."""
    check_task(task)
    if labels is None:
        return None
    if task == "regression":
        raise InputError(
            "labels are for classifiers; a regressor is verified by its outputs alone. Leave "
            "them out."
        )
    check = check_labels if task == "classification" else check_label_rows
    return check(labels, n, outputs)


def evaluate_tflite(
    path: PathLike | bytes,
    samples: np.ndarray,
    labels: np.ndarray,
    *,
    threads: int | None = None,
) -> Evaluation:
    """Measures accuracy, top-5 and loss of any TFLite classifier on labelled raw images.

    Args:
        path: A `.tflite` file with one image input and one output [1, classes], or its content.
        samples: Raw images [n, height, width, channels], 0..255.
        labels: True class of each, 0 to classes - 1.
        threads: CPU threads of the interpreter; by default up to four.

    Raises:
        InputError: Samples or labels do not fit the file.
        BundleError: The file is damaged.
    """
    file = TFLiteModel(path, threads=threads or default_threads())
    samples = check_samples(samples, tuple(file.input.shape[1:]))
    outputs = file.predict(samples)
    if outputs.ndim != 2:
        raise InputError(f"a classifier has outputs [n, classes], got {list(outputs.shape)}")
    return score(outputs, check_labels(labels, *outputs.shape), file.output.scale or 0.0)


def score(outputs: np.ndarray, labels: np.ndarray, step: float = 0.0) -> Evaluation:
    """Scores classifier outputs [n, classes], probabilities or logits, against true classes.

    `step` is the smallest non-zero value the outputs can have (0 for floats).
    """
    n, classes = outputs.shape
    if output_kind(outputs, strict=False) == "probabilities":
        floor = max(step / 2, 1e-7)
        likely = np.clip(outputs, floor, 1.0)
        log_likely = np.log(likely / likely.sum(-1, keepdims=True))
    else:
        shifted = outputs - outputs.max(-1, keepdims=True)
        log_likely = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    rows = np.arange(n)
    # A true class that shares its value with others gets the worst place among them.
    places = (outputs >= outputs[rows, labels][:, np.newaxis]).sum(-1)
    return Evaluation(
        accuracy=float((outputs.argmax(-1) == labels).mean()),
        top5=float((places <= 5).mean()) if classes > 5 else None,
        loss=float(-log_likely[rows, labels].mean()),
        n=n,
    )


def keras_outputs(model: "keras.Model", samples: np.ndarray) -> np.ndarray:
    """Returns a Keras model's float32 outputs for raw images, in inference mode."""
    from keras import ops

    step = images_at_once(model)
    parts = [
        np.asarray(
            ops.convert_to_numpy(
                model(samples[start : start + step].astype(np.float32), training=False)
            ),
            np.float32,
        )
        for start in range(0, len(samples), step)
    ]
    return np.concatenate(parts)


def images_at_once(model: "keras.Model") -> int:
    """How many images a call may take: 1 to 32, so that the activations stay below 2 GiB.

    Of a subclassed model, or one for images of any size, nothing is known beforehand: it gets 8.
    """
    from kerascnn.profile import profile

    try:
        one = sum(layer.activation_bytes for layer in profile(model))
    except InputError:
        return 8
    return int(np.clip(_ACTIVATION_BYTES // max(one, 1), 1, _MOST_AT_ONCE))
