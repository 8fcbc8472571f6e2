"""A model of raw images, whatever file it comes from."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.files import PathLike
from kerascnn.tasks import Arrays, Kind, Output, Task

if TYPE_CHECKING:
    from kerascnn.data import ResizeRule, Splits
    from kerascnn.training import Run

BATCH = 256
# First labels of published files for the class "none of these": 1001 outputs for ImageNet.
BACKGROUND = {"background", "dummy", "???"}


@dataclass(frozen=True)
class Predictor:
    """A model of raw images, whatever file it comes from.

    Attributes:
        name: How to call it in a table: a file name or a recipe.
        path: Where it comes from.
        input_shape: (height, width, channels) of the images it takes.
        labels: Names of its classes, labels or quantities in the order of the outputs, or None
            where the file has none.
        resize: How images are brought to size, or None where the file does not say.
        compute: Raw images (n, height, width, channels) to the outputs: one array, several in the
            order of the task's roles, or a mapping by role.
        task: One of `tasks.names()`; None where the file does not say: classification, unless the
            data it is measured on is of another task.
        outputs: What its outputs are, where the file or earlier images say it.
        kinds: What the last layers or operators say, where there are no `outputs`.
        steps: Smallest step of each output, 0 for floats.
        facts: What else to say of a file whose outputs are not those of the task.
        run: The run it belongs to, or None.
        model: The Keras model, or None where the file holds none.
        first: The first output that stands for a class.
        threshold: From which score on labels or objects are given, in place of what the file says.
        pixel_range: Of image files with more than 8 bits, the values that become 0 and 255; None
            where they are taken as `kerascnn.data.load` does.
    """

    name: str
    path: Path
    input_shape: tuple[int, int, int]
    labels: tuple[str, ...] | None
    resize: "ResizeRule | None"
    compute: Callable[[np.ndarray], Any]
    task: str | None = None
    outputs: tuple[Output, ...] | None = None
    kinds: tuple[Kind | None, ...] = ()
    steps: tuple[float, ...] = ()
    facts: str = ""
    run: "Run | None" = None
    model: Any = None
    first: int = 0
    threshold: float | None = None
    pixel_range: tuple[float, float] | None = None

    @property
    def meaning(self) -> Task:
        """The task by which its outputs are read."""
        return tasks.get(self.task or "classification")

    def of_task(self, task: str | None) -> "Predictor":
        """This model for a task, where its file does not say another one.

        Raises:
            InputError: It does.
        """
        if task is None or task == self.task:
            return self
        if self.task is not None:
            raise InputError(f"{self.path} is of the task {self.task}, not {task}.")
        found, kinds = tasks.get(task), self.kinds
        if self.model is not None:
            from kerascnn.last_layers import kinds_by_role

            kinds = kinds_by_role(self.model, found.roles)
        return replace(self, task=found.name, kinds=kinds)

    def arrays(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs for raw uint8 images (n, height, width, channels), by role."""
        if images.shape[1:] != self.input_shape:
            raise InputError(
                f"{self.path} takes images of {self.input_shape}. Received: {images.shape[1:]}."
            )
        parts = []
        for start in range(0, len(images), BATCH):
            values = self.compute(images[start : start + BATCH])
            with self._explained():
                parts.append(self.meaning.arrays(values, str(self.path)))
        return {
            role: np.concatenate([part[role] for part in parts]).astype("float32")
            for role in parts[0]
        }

    def described(self, arrays: Arrays) -> "Predictor":
        """This model with what its outputs are: by its file, or by its outputs for all images."""
        if self.outputs is not None:
            return self._above_threshold(self.outputs)
        kinds = self.kinds or (None,) * len(self.meaning.roles)
        with self._explained():
            outputs = self.meaning.describe(arrays, kinds, str(self.path))
            self.meaning.check_rows(outputs, str(self.path))
        return self._above_threshold(outputs)

    def _above_threshold(self, outputs: tuple[Output, ...]) -> "Predictor":
        if self.threshold is not None:
            outputs = tasks.with_threshold(outputs, self.threshold, str(self.path))
        return replace(self, outputs=outputs)

    def with_threshold(self, threshold: float) -> "Predictor":
        """This model, giving labels or objects from another score on, 0..1."""
        return replace(self, threshold=threshold)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Adds what the file is to a message that says what it is not."""
        try:
            yield
        except InputError as error:
            if not self.facts:
                raise
            what = str(error).partition(". ")[0]  # the rest is advice for models of one's own
            raise InputError(f"{what}. {self.facts}") from None

    def predictions(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Probabilities or quantities of the outputs of a model that is `described`."""
        outputs = self.outputs or ()
        found = self.meaning.predictions(arrays, outputs)
        if self.first:
            found[outputs[0].role] = found[outputs[0].role][..., self.first :]
        return found

    def predict(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Predictions for raw uint8 images (n, height, width, channels), by role.

        Give all images at once: what a file leaves open is decided by all of its outputs.
        """
        arrays = self.arrays(images)
        return self.described(arrays).predictions(arrays)

    def names(self) -> tuple[str, ...]:
        """The names of the outputs of a model that is `described`: its labels, or numbers."""
        if self.labels is not None:
            return self.labels
        one = "target" if self.meaning.name == "regression" else self.meaning.nouns[0]
        count = self.meaning.names(self.outputs or ()) - self.first
        return tuple(f"{one} {i}" for i in range(count))

    def check_names(self, names: Sequence[str], source: str = "the data") -> None:
        """Raises InputError unless `names` are classes that this model knows.

        Files made elsewhere may know them in another order, or one more in front, a background
        class that stands for none of them.
        """
        if self.labels is None:
            return
        known = self.labels[1:] if is_background(self.labels[0]) else self.labels
        if len(set(known)) != len(known) or not set(names) <= set(known):
            raise InputError(
                f"{self.path} knows the {self.meaning.nouns[1]} {_some(self.labels)}, but {source} "
                f"has {_some(names)}: the accuracy would mean nothing."
            )

    def score(
        self, predictions: Arrays, targets: np.ndarray, names: Sequence[str]
    ) -> tasks.Metrics:
        """How good predictions are, of a model that is `described`.

        Args:
            predictions: Of this model.
            targets: By `names`.
            names: Of the data: all of the model's, in any order, or some of them.

        Raises:
            InputError: The model has no labels and another number of outputs.
        """
        own, outputs = self.names(), self.outputs or ()
        # Finished objects show no more classes than there are objects of.
        fewer = len(outputs) > 1 and outputs[0].role == "boxes" and len(own) <= len(names)
        if self.labels is None and len(own) != len(names) and not fewer:
            raise InputError(
                f"{self.path} gives {len(own)} outputs for the {len(names)} "
                f"{self.meaning.nouns[1]} of the data. Where its first output is a background "
                "class, say --background."
            )
        known = tuple(names) if self.labels is None else own
        scored = predictions[outputs[0].role].shape[1:] == (len(own),)
        if scored and self.labels and is_background(own[0]) and own[0] not in names:
            role, known = outputs[0].role, own[1:]
            predictions = {**predictions, role: predictions[role][..., 1:]}
        found, truth, order = self.meaning.align(predictions, targets, known, names)
        step = self.steps[0] if self.steps else 0.0
        return self.meaning.score(found, truth, outputs, order, step)

    def without_first(self) -> "Predictor":
        """This classifier without its first output, a background class.

        Raises:
            InputError: It has labels, which say themselves what its first output is.
        """
        if self.meaning.name != "classification":
            raise InputError(
                f"{self.path} is of the task {self.meaning.name}, which has no background class."
            )
        if self.labels is not None:
            raise InputError(f"{self.path} has labels: its first output is {self.labels[0]!r}.")
        return replace(self, first=1)

    def load_data(
        self,
        source: str,
        *,
        image_size: tuple[int, int] | None = None,
        seed: int = 0,
        data_dir: str | None = None,
    ) -> "Splits":
        """Loads `source` as this model takes it: its size, colour and resize rule.

        Args:
            image_size: Another size, for test-time crops of larger images.
        """
        from kerascnn import data

        height, width, channels = self.input_shape
        splits = data.load(
            source,
            image_size or (height, width),
            task=self.task or "auto",
            channels=channels,
            resize=self.resize or "auto",
            seed=seed,
            data_dir=data_dir,
            pixel_range=self.pixel_range,
        )
        self.of_task(splits.task).check_names(splits.class_names, source)
        return splits

    def load_image(self, path: PathLike) -> np.ndarray:
        """Reads an image file as this model takes it, uint8 (height, width, channels).

        Raises:
            InputError, DataError: No file there, or none that can be read as an image.
        """
        from kerascnn import data

        height, width, channels = self.input_shape
        # Boxes are shares of the whole picture, whatever its shape.
        fit = "stretch" if self.meaning.name == "detection" else data.ResizeRule().fit
        rule = self.resize or data.ResizeRule(fit=fit)
        return data.load_image(path, (height, width), channels, rule, self.pixel_range)

    def load_images(self, paths: Sequence[PathLike]) -> np.ndarray:
        """Reads image files as this model takes them."""
        return np.stack([self.load_image(path) for path in paths])


def is_background(label: str) -> bool:
    """Whether the first label of a file stands for none of its classes."""
    return label.strip().lower() in BACKGROUND


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
