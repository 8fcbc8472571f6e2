"""What every task's training has: the base class, and the registry."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np

from kerascnn import catalog
from kerascnn.catalog import Entry
from kerascnn.errors import InputError
from kerascnn.tasks import Metrics
from kerascnn.training.precision import keep_outputs

if TYPE_CHECKING:
    from kerascnn.augment import Compose
    from kerascnn.data import Splits
    from kerascnn.training.report.pages import TaskPages


class Objective:
    """Base of what training needs of a task; a new one is a subclass and `register`.

    This base suits a task with one output, [B, names].

    Attributes:
        task: Its name in `kerascnn.tasks`.
        options: Options of the architecture that the task decides.
        metrics: What Keras measures beside the loss in each epoch, as `compile` takes it.
        monitor: The column of the history whose highest value makes the best epoch; "" where the
            lowest validation loss does.
    """

    task: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    metrics: ClassVar[Any]
    monitor: ClassVar[str] = ""

    def chosen(self, entry: Entry, options: Mapping[str, Any]) -> "Objective":
        """This objective as the options of a run want it.

        Args:
            entry: The architecture.
            options: What the user asked for.
        """
        return self

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raises InputError for options of the architecture that the task decides."""
        for name in self.options:
            if name in options:
                raise InputError(
                    f"option {name!r} is decided by the task {self.task}; leave it out."
                )

    def network(
        self,
        create: Callable[..., keras.Model],
        names: Sequence[str],
        labels: np.ndarray,
        options: Mapping[str, Any],
    ) -> keras.Model:
        """The network of a run that does not fine-tune.

        Args:
            create: Makes the architecture from options, such as `classes`.
            names: Of the classes, labels or quantities.
            labels: Of the training images.
            options: What the user asked for.
        """
        model = create(classes=len(names), **self.options, **options)
        if not keras.backend.is_keras_tensor(model.output):
            raise InputError(
                f"`train` takes models with one output. {model.name} with the options "
                f"{dict(options)} has the outputs {list(model.output)}: leave the option out, or "
                "train with `model.fit`, as `kerascnn.models.googlenet` shows."
            )
        return self.complete(keep_outputs(model), labels)

    def fine_tuned(
        self, backbone: keras.Model, names: Sequence[str], head: str, labels: np.ndarray
    ) -> keras.Model:
        """The network of a run that fine-tunes: a backbone with a fresh head."""
        from kerascnn.transfer import attach_head

        model = attach_head(backbone, len(names), head, task=self.task, name=backbone.name)
        return self.complete(keep_outputs(model), labels)

    def complete(self, model: keras.Model, labels: np.ndarray) -> keras.Model:
        """The model with the layers that the task adds at its end."""
        return model

    def rows(self, labels: np.ndarray, names: Sequence[str]) -> Any:
        """What the loss takes, from the labels of `Splits`."""
        return labels

    def targets(self, dataset: Any, names: Sequence[str]) -> Any:
        """From a dataset with the labels of `Splits` to one with what the loss takes."""
        return dataset

    def batches(
        self,
        dataset: Any,
        pipeline: "Compose",
        names: Sequence[str],
        seed: int,
        first_epoch: int,
    ) -> Any:
        """From training images with the labels of `Splits` to augmented ones for the loss.

        Args:
            dataset: Batches of the epochs from the first on.
            pipeline: The augmentation; it may have no steps.
            names: Of the classes, labels or quantities.
            seed: Of all draws.
            first_epoch: Epochs done already.
        """
        # One-hot before augmentation: steps that mix images mix these labels too.
        dataset = self.targets(dataset, names)
        return pipeline.map(dataset, seed, first_epoch=first_epoch) if pipeline.steps else dataset

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        """What training lowers, as `compile` takes it.

        Args:
            model: The complete network.
            labels: Of the training images.
            label_smoothing: Share of each label spread over all classes, in classification.
        """
        raise NotImplementedError

    def epoch_scores(self, splits: "Splits") -> keras.callbacks.Callback | None:
        """What adds figures of the validation images to the logs of each epoch, named `val_...`.

        None where the metrics of Keras say it all.
        """
        return None

    def finished(self, model: keras.Model) -> keras.Model:
        """The network that leaves a run, from the one that was trained: with the task's outputs."""
        return model

    def class_weight(self, splits: "Splits", least: float) -> dict[int, float] | None:
        """The weight of each class in the loss, where the largest has `least` times the smallest.

        None where the task has no classes, or they are balanced.
        """
        return None

    def plots(self, judged: Metrics, names: Sequence[str], folder: Path, title: str) -> None:
        """Writes pictures of a finished run beside its curves."""

    def pages(self) -> "type[TaskPages]":
        """What a report shows of this task."""
        from kerascnn.training.report.pages import TaskPages

        return TaskPages


_OBJECTIVES: dict[str, Objective] = {}


def register(objective: Objective) -> Objective:
    """Makes a task one that can be trained for, in place of an earlier objective of its name."""
    _OBJECTIVES[objective.task] = objective
    return objective


def get(task: str) -> Objective:
    """How to train for a task; InputError where nothing says it."""
    if task not in _OBJECTIVES:
        raise InputError(
            f"nothing says how to train for the task {task!r}. Expected one of "
            f"{', '.join(_OBJECTIVES)}; others need an objective "
            "(kerascnn.training.objectives.register)."
        )
    return _OBJECTIVES[task]


def of(task: str, model: str, options: Mapping[str, Any]) -> Objective:
    """How to train an architecture of the catalogue with options for the task."""
    return get(task).chosen(catalog.find(model), options)
