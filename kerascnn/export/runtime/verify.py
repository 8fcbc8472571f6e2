"""Does a TFLite file answer like the Keras model it was made from? Works on any file."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import last_layers, tasks
from kerascnn.errors import InputError
from kerascnn.export.recipes import FLOAT32
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.samples import check_samples, synthetic_images
from kerascnn.files import PathLike
from kerascnn.tasks import Arrays, Kind, Output, Report, Task, Tolerance
from kerascnn.tasks.words import percent

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

    def __str__(self) -> str:
        top5 = "" if self.top5 is None else f", top 5 {percent(self.top5)}"
        return f"accuracy {percent(self.accuracy)}{top5}, loss {self.loss:.4f}, {self.n} images"


def verify_tflite(
    model_or_outputs: "keras.Model | np.ndarray | Sequence[np.ndarray]",
    path: PathLike | bytes,
    samples: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    tolerance: Tolerance = FLOAT32.tolerance,
    *,
    task: str = "classification",
    threads: int | None = None,
) -> Report:
    """Compares a TFLite file with the model it was made from; `Report.raise_if_failed` judges.

    Args:
        model_or_outputs: The Keras model, or its outputs for `samples` [n, ...]; of a model with
            several outputs a list of them.
        path: Any `.tflite` file with one image input and the outputs of the task, or its content.
        samples: Raw images [n, height, width, channels] 0..255. Without them a seeded mixture of
            noise, smooth colour and flat images is used, which needs the model itself.
        labels: True class of each sample, or rows of 0 and 1 of a multi-label classifier; turns
            the accuracy limit on.
        tolerance: The limits; a recipe's is `recipes.get(name).tolerance`. With few samples one
            differing answer is always allowed where the recipe allows any.
        task: What the outputs are, one of `kerascnn.tasks.names()`, which decides how they are
            compared.
        threads: CPU threads of the interpreter; by default up to four.

    Raises:
        InputError: Samples, labels and outputs do not fit the file or one another.
        BundleError: The file is damaged.
    """
    import keras

    found, name = tasks.get(task), "the file" if isinstance(path, bytes) else str(path)
    file = TFLiteModel(path, threads=threads or default_threads())
    shape, generated = tuple(file.input.shape[1:]), samples is None
    kinds: tuple[Kind | None, ...] = file.kinds
    given: Any = model_or_outputs
    if samples is None:
        if not isinstance(given, keras.Model):
            raise InputError("outputs without the samples they belong to cannot be compared")
        samples = synthetic_images(shape)
    samples = check_samples(samples, shape)
    if isinstance(given, keras.Model):
        given, kinds = keras_outputs(given, samples), known_kinds(given, found, kinds)
    wanted, got = found.arrays(given, "the model"), found.arrays(file.predict(samples), name)
    for values in wanted.values():
        if len(values) != len(samples):
            raise InputError(f"{len(values)} outputs were given for {len(samples)} samples")
    found.check_alike(wanted, got)
    outputs = found.describe(wanted, kinds, "the model")
    return compare_file(
        *(found, file, name, wanted, got, outputs),
        check_truth(found, labels, len(samples), outputs),
        tolerance,
        synthetic=generated,
    )


def compare_file(
    task: Task,
    file: TFLiteModel,
    name: str,
    wanted: Arrays,
    got: Arrays,
    outputs: Sequence[Output],
    targets: np.ndarray | None,
    tolerance: Tolerance,
    *,
    synthetic: bool = False,
) -> Report:
    """The comparison of a file's outputs `got` with the model's, `wanted`, both by role."""
    return task.compare(
        *(name, wanted, got, outputs, targets, tolerance),
        "synthetic" if synthetic else "samples",
        file.steps,
        image_size=(file.input.shape[1], file.input.shape[2]),
    )


def known_kinds(
    model: "keras.Model", task: Task, otherwise: Sequence[Kind | None] = ()
) -> tuple[Kind | None, ...]:
    """What the outputs of a model are by its last layers, in the order of the task's roles.

    Args:
        model: Any Keras model.
        task: Whose roles its outputs have.
        otherwise: What a file made from it says, in that order, where the layers do not.
    """
    found = last_layers.kinds_by_role(model, task.roles)
    rest = [*otherwise, *([None] * len(found))]
    return tuple(kind or other for kind, other in zip(found, rest, strict=False))


def check_truth(task: Task, labels: Any, n: int, outputs: Sequence[Output]) -> np.ndarray | None:
    """Labels in the form that the task compares, None without; raises InputError."""
    if labels is None:
        return None
    if not task.accuracy:
        raise InputError(
            "labels are for classifiers; a regressor is verified by its outputs alone. Leave "
            "them out."
        )
    return task.check_targets(labels, n, task.names(outputs))


def evaluate_tflite(
    path: PathLike | bytes,
    samples: np.ndarray,
    labels: np.ndarray,
    *,
    threads: int | None = None,
) -> Evaluation:
    """Measures accuracy, top-5 and loss of any TFLite classifier on labelled raw images.

    Args:
        path: A `.tflite` file with one image input and one output [1, classes], or its content; one
            number that a sigmoid gives is the probability of the second of two classes.
        samples: Raw images [n, height, width, channels], 0..255.
        labels: True class of each, 0 to classes - 1.
        threads: CPU threads of the interpreter; by default up to four.

    Raises:
        InputError: Samples or labels do not fit the file.
        BundleError: The file is damaged.
    """
    task, source = tasks.get("classification"), "the file"
    file = TFLiteModel(path, threads=threads or default_threads())
    samples = check_samples(samples, tuple(file.input.shape[1:]))
    arrays = task.arrays(file.predict(samples), source)
    if next(iter(arrays.values())).ndim != 2:
        shape = next(iter(arrays.values())).shape
        raise InputError(f"a classifier has outputs [n, classes]. Received: {list(shape)}.")
    outputs = task.describe(arrays, file.kinds, source)
    targets = task.check_targets(labels, len(samples), task.names(outputs))
    names = tuple(map(str, range(task.names(outputs))))
    predictions = task.predictions(arrays, outputs)
    found: Any = task.score(predictions, targets, outputs, names, file.steps[0])
    return Evaluation(
        accuracy=found.accuracy, top5=found.top5_accuracy, loss=found.loss, n=found.images
    )


def keras_outputs(model: "keras.Model", samples: np.ndarray) -> Any:
    """A Keras model's float32 outputs for raw images, in inference mode.

    Returns:
        As the model gives them: an array [n, ...], or a list or mapping of several.
    """
    import keras
    from keras import ops

    step = images_at_once(model)
    parts = [
        keras.tree.map_structure(
            lambda values: np.asarray(ops.convert_to_numpy(values), np.float32),
            model(samples[start : start + step].astype(np.float32), training=False),
        )
        for start in range(0, len(samples), step)
    ]
    return keras.tree.map_structure(lambda *values: np.concatenate(values), *parts)


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
