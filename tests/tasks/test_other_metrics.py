"""Figures of multi-label classifiers and regressors, by hand and by scikit-learn."""

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.tasks.multi_label import multi_label_metrics
from kerascnn.tasks.regression import regression_metrics


def test_labels_by_hand():
    probabilities = np.array([[0.9, 0.2], [0.6, 0.7], [0.4, 0.1], [0.3, 0.6]])
    truth = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    metrics = multi_label_metrics(probabilities, truth, ("cat", "dog"))
    # cat: by falling probability right, wrong, right, wrong: (1 + 2/3) / 2
    cat, dog = metrics.per_label["cat"], metrics.per_label["dog"]
    assert cat.average_precision == pytest.approx(5 / 6)
    assert (cat.precision, cat.recall, cat.f1, cat.images) == (0.5, 0.5, 0.5, 2)
    assert (dog.average_precision, dog.precision, dog.recall, dog.f1) == (1, 1, 1, 1)
    assert metrics.mean_average_precision == pytest.approx((5 / 6 + 1) / 2)
    assert metrics.exact_match == 0.5
    assert metrics.hamming_loss == 2 / 8
    right = [0.9, 0.8, 0.4, 0.7, 0.4, 0.9, 0.7, 0.6]
    assert metrics.loss == pytest.approx(-np.log(right).mean())
    assert metrics.images == 4


def test_labels_as_scikit_learn_counts_them():
    from sklearn import metrics as judged

    generator = np.random.default_rng(0)
    truth = (generator.random((200, 5)) < 0.3).astype(np.float32)
    probabilities = np.clip(0.5 * truth + 0.6 * generator.random((200, 5)), 0, 1)
    found = multi_label_metrics(probabilities, truth, tuple("abcde"))
    given = probabilities > 0.5
    expected = judged.average_precision_score(truth, probabilities, average="macro")
    assert found.mean_average_precision == pytest.approx(expected)
    assert found.hamming_loss == pytest.approx(judged.hamming_loss(truth, given))
    assert found.exact_match == pytest.approx(judged.accuracy_score(truth, given))
    columns = judged.precision_recall_fscore_support(truth, given, zero_division=0.0)
    for name, *row in zip("abcde", *columns, strict=True):
        label = found.per_label[name]
        assert (label.precision, label.recall, label.f1, label.images) == pytest.approx(tuple(row))


def test_a_label_without_images_does_not_count():
    probabilities = np.array([[0.9, 0.8], [0.1, 0.2]])
    metrics = multi_label_metrics(probabilities, np.array([[1, 0], [0, 0]]), ("a", "b"))
    assert metrics.mean_average_precision == 1
    assert metrics.per_label["b"].average_precision is None
    assert metrics.per_label["b"].precision == 0
    none = multi_label_metrics(probabilities, np.zeros((2, 2)), ("a", "b"))
    assert none.mean_average_precision is None


def test_one_label_is_enough():
    metrics = multi_label_metrics(np.array([[0.9], [0.2]]), np.array([[1], [0]]), ("a",))
    assert (metrics.mean_average_precision, metrics.exact_match) == (1, 1)


def test_values_by_hand():
    outputs = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 30.0]])
    values = np.array([[1.0, 12.0], [3.0, 20.0], [5.0, 28.0]])
    metrics = regression_metrics(outputs, values, ("age", "height"))
    age, height = metrics.per_target["age"], metrics.per_target["height"]
    assert age.mae == pytest.approx(2 / 3)
    assert age.rmse == pytest.approx(np.sqrt(2 / 3))
    assert age.r2 == pytest.approx(1 - 2 / 8)
    assert (age.mean, age.std) == pytest.approx((3, np.sqrt(8 / 3)))
    assert height.mae == pytest.approx(4 / 3)
    assert height.r2 == pytest.approx(1 - 8 / 128)
    assert metrics.r2 == pytest.approx((1 - 2 / 8 + 1 - 8 / 128) / 2)


def test_equal_values_have_no_r2():
    metrics = regression_metrics(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]]), ("x",))
    assert metrics.r2 is None
    assert metrics.per_target["x"].r2 is None
    assert metrics.per_target["x"].mae == 1.5


@pytest.mark.parametrize("measure", [multi_label_metrics, regression_metrics])
@pytest.mark.parametrize("shapes", [((2, 3), (2, 2)), ((1, 2), (2, 2)), ((0, 2), (0, 2))])
def test_shapes_must_fit(measure, shapes):
    with pytest.raises(InputError, match="must have the shape"):
        measure(*map(np.zeros, shapes), ("a", "b"))
