"""Validation of a head on features that fit into one batch."""

from typing import Any

import keras

from kerascnn.transfer.cache import FeatureCache

# More than this is judged by `fit`, batch by batch.
MOST_BYTES = 32 * 2**20


def fits(features: FeatureCache) -> bool:
    """Whether features are few enough to be judged in one batch."""
    return features.features[0].nbytes <= MOST_BYTES


class Judge(keras.callbacks.Callback):
    """Adds validation figures to the logs of each epoch, for the callbacks that come after it.

    `fit` starts an iterator for its validation data in each epoch. For a small head that takes
    longer than the validation.

    Args:
        head: The model that is fitted.
        features: Its validation data.
    """

    def __init__(self, head: keras.Model, features: FeatureCache):
        super().__init__()
        self.head, self.features = head, features
        self.everyone: Any = None  # the list of callbacks that this one is in

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        everyone, features = self.everyone, self.features
        everyone.on_test_begin()
        everyone.on_test_batch_begin(0)
        self.head.reset_metrics()  # which `test_on_batch` does not do in every version of Keras
        found = self.head.test_on_batch(
            features.features[0], features.labels, features.weights, return_dict=True
        )
        everyone.on_test_batch_end(0, found)
        everyone.on_test_end(found)
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in found.items()})
