"""Metrics by hand."""

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.tasks.classification import classification_metrics


def test_numbers_by_hand():
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.2, 0.8]])
    metrics = classification_metrics(probabilities, np.array([0, 0, 1, 1]), ["cat", "dog"])
    assert metrics.accuracy == 0.5
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.4, 0.1, 0.8]).mean())
    assert metrics.confusion == ((1, 1), (1, 1))
    assert metrics.per_class["cat"].precision == 0.5
    assert metrics.top5_accuracy is None


def test_top5_counts_the_first_five():
    probabilities = np.tile(np.array([7, 6, 5, 4, 3, 2, 1]) / 28, (2, 1))
    metrics = classification_metrics(probabilities, np.array([4, 5]), list("abcdefg"))
    assert metrics.top5_accuracy == 0.5
    assert metrics.accuracy == 0.0


def test_a_class_without_images_has_zeros_not_errors():
    metrics = classification_metrics(np.array([[0.9, 0.1]]), np.array([0]), ["a", "b"])
    assert metrics.per_class["b"].recall == 0
    assert metrics.per_class["b"].images == 0


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (0, 2)])
def test_shapes_must_fit(shape):
    with pytest.raises(InputError, match="must have the shape"):
        classification_metrics(np.zeros(shape), np.zeros(shape[0] * (shape != (1, 2)) or 0), "ab")
