"""What a network is fitted to: the training images, augmented if the run says so."""

from typing import TYPE_CHECKING, Any

from kerascnn import augment
from kerascnn.training import objectives

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.run_folder import RunConfig


def training_batches(config: "RunConfig", splits: "Splits", first_epoch: int) -> Any:
    """One pass per epoch over the training images, in the order of their epochs.

    Args:
        config: Of the run: its task, its augmentation, its seed, its classes.
        splits: The data.
        first_epoch: Epochs done already, so that a resumed run draws what the first would have.

    Returns:
        `tf.data.Dataset` of (uint8 images `[B, H, W, C]`, float32 labels `[B, classes]`, one-hot in
        classification).
    """
    # One-hot before augmentation: steps that mix images mix these labels too.
    objective = objectives.get(config.task)
    batches = objective.targets(splits.train_from(first_epoch), config.class_names)
    pipeline = augment.get(config.augment, config.input_shape[:2])
    if not pipeline.steps:
        return batches
    return pipeline.map(batches, config.seed, first_epoch=first_epoch)
