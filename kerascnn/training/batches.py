"""What a network is fitted to: the training images, augmented if the run says so."""

from functools import partial
from typing import TYPE_CHECKING, Any

from kerascnn import augment
from kerascnn.inputs.targets import Form, Targets
from kerascnn.training import objectives

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.run_folder import RunConfig

# What the losses of the tasks take, before `Task.targets` makes rows of classes.
_LABELS: dict[str, Form] = {
    "classification": "indices",
    "multi_label": "binary",
    "regression": "numbers",
}


def check_labels(splits: "Splits") -> None:
    """Checks the labels of all images before anything is trained on them.

    A test split of TensorFlow Datasets may have -1 for all, for instance.

    Raises:
        BatchError: The first label that cannot be, with its split and row.
    """
    form = _LABELS.get(splits.task)
    if form is None:
        return
    targets = Targets(form, len(splits.class_names))
    for split in splits.counts:
        targets.check(splits.labels(split), partial(_place, f"{split} images of {splits.source}"))


def _place(images: str, row: int) -> str:
    return f"row {row} (from 0) of the {images}"


def training_batches(config: "RunConfig", splits: "Splits", first_epoch: int) -> Any:
    """One pass per epoch over the training images, in the order of their epochs.

    Args:
        config: Of the run: its task, its augmentation, its seed, its classes.
        splits: The data.
        first_epoch: Epochs done already, so that a resumed run draws what the first would have.

    Returns:
        `tf.data.Dataset` of (uint8 images `[B, H, W, C]`, what the loss takes: in classification
        one-hot labels, float32 `[B, classes]`).
    """
    return objectives.of(config.task, config.model, config.options).batches(
        splits.train_from(first_epoch),
        augment.get(config.augment, config.input_shape[:2]),
        config.class_names,
        config.seed,
        first_epoch,
    )
