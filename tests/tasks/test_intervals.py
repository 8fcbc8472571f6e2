"""Intervals of accuracies, against published values and SciPy's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from kerascnn.tasks.classification import classification_metrics
from kerascnn.tasks.intervals import caution, wilson_interval


@pytest.mark.parametrize(
    ("right", "images"), [(0, 1), (1, 1), (58, 72), (360, 360), (9000, 10_000)]
)
def test_the_interval_is_that_of_scipy(right, images):
    expected = binomtest(right, images).proportion_ci(0.95, "wilson")
    found = wilson_interval(right / images, images)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_few_images_are_said_to_tell_little():
    assert caution(58 / 72, 72) == "72 images cannot tell 70 % from 88 %."
    assert caution(1.0, 1) == "1 image cannot tell 21 % from 100 %."
    assert caution(0.8, 10_000) == ""


def metrics(images):
    labels = np.arange(images) % 2
    return classification_metrics(np.eye(2)[labels * (labels < 2)], labels, ("a", "b"))


def test_every_accuracy_stands_beside_its_interval():
    few = metrics(20)
    assert few.to_dict()["accuracy_interval"] == pytest.approx([0.838875, 1.0])
    assert "accuracy 100.00 % (95 % interval 83.9 to 100.0 %)" in few.headline()
    assert few.headline().endswith("20 images. 20 images cannot tell 84 % from 100 %.")
    assert "cannot tell" not in metrics(1000).headline()
    columns, (row,) = few.rows()
    assert row[columns.index("95 % interval")] == "83.9 to 100.0 %"
