"""What outputs mean: the single rule, softmax and sigmoid, one number for two classes."""

import numpy as np
import pytest

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.tasks.outputs import Output

RNG = np.random.default_rng(0)


def int8_probabilities(rows, classes):
    """Softmax outputs in steps of 1/256, as an int8 file gives them: rows sum to about 1."""
    shares = tasks.softmax(RNG.normal(0, 3, (rows, classes)))
    return (np.round(shares * 256) / 256).astype(np.float32)


def scores_of(values, kind):
    task = tasks.get("classification")
    outputs = task.describe({"scores": values}, [kind], "the model")
    return outputs, task.predictions({"scores": values}, outputs)["scores"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([[0.2, 0.8], [0.5, 0.5]]), "probabilities"),
        (np.array([[0.2, 0.71], [0.5, 0.59]]), "probabilities"),  # sums of 0.91 and 1.09
        (np.array([[0.9, 0.9], [0.1, 0.1]]), "independent"),
        (np.array([[0.2, 0.8], [0.9, 0.9]]), "independent"),  # one row decides for all
        (np.array([[0.2, 0.8], [1.5, -0.5]]), "logits"),
        (np.array([[0.3], [0.9]]), "independent"),
        (np.array([[-3.0], [0.9]]), "logits"),
        (np.array([[1.0005, -0.0005]]), "probabilities"),  # 16 bits
    ],
)
def test_the_rule_for_outputs_that_say_nothing(values, kind):
    assert tasks.kind_of(values) == kind


@pytest.mark.parametrize("classes", [3, 10, 1000])
def test_probabilities_of_8_bits_stay_as_they_are(classes):
    values = int8_probabilities(40, classes)
    _, found = scores_of(values, "probabilities")
    np.testing.assert_array_equal(found, values)


def test_a_kind_that_is_known_wins_over_the_values():
    unsure = np.array([[0.4, 0.2, 0.1]], np.float32)  # sums to 0.7
    np.testing.assert_array_equal(scores_of(unsure, "probabilities")[1], unsure)
    np.testing.assert_array_equal(scores_of(unsure, "independent")[1], unsure)
    np.testing.assert_allclose(scores_of(unsure, "logits")[1].sum(), 1, rtol=1e-6)


def test_a_sigmoid_per_class_is_shown_as_it_is():
    values = np.array([[0.953, 0.881, 0.018]], np.float32)
    outputs, found = scores_of(values, "independent")
    np.testing.assert_array_equal(found, values)
    words = tasks.get("classification").words({"scores": found[0]}, outputs, ("a", "b", "c"))
    assert words == "a 95.30 %  b 88.10 %  c 1.80 %"


def test_one_sigmoid_is_two_classes():
    outputs, found = scores_of(np.array([[0.9], [0.25]], np.float32), "independent")
    assert outputs[0].is_binary
    assert outputs[0].names == 2
    np.testing.assert_allclose(found, [[0.1, 0.9], [0.75, 0.25]], rtol=1e-6)
    assert outputs[0].decisions(np.array([[0.9], [0.25]])).tolist() == [[1], [0]]
    task = tasks.get("classification")
    metrics = task.score({"scores": found}, np.array([1, 1]), outputs, ("cat", "dog"))
    assert metrics.accuracy == 0.5
    assert metrics.loss == pytest.approx(-(np.log(0.9) + np.log(0.25)) / 2)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("logits", r"one number without a sigmoid.*Activation\('sigmoid'\).*regression"),
        ("probabilities", "softmax over one number, which is always 1"),
    ],
)
def test_one_number_that_is_no_sigmoid_is_refused(kind, message):
    with pytest.raises(InputError, match=message):
        scores_of(np.ones((3, 1)), kind)


def test_what_only_the_values_tell_is_said(caplog):
    with caplog.at_level("INFO", logger="kerascnn"):
        scores_of(np.array([[0.9, 0.9]]), None)
    assert "the model: the last layer does not say" in caplog.text
    assert "1 images" in caplog.text
    assert "independent probabilities" in caplog.text


def test_logits_of_labels_go_through_a_sigmoid_each():
    task = tasks.get("multi_label")
    outputs = task.describe({"scores": np.array([[-800.0, 0.0, 800.0]])}, ["logits"], "it")
    found = task.predictions({"scores": np.array([[-800.0, 0.0, 800.0]])}, outputs)["scores"]
    np.testing.assert_allclose(found, [[0, 0.5, 1]])
    with pytest.raises(InputError, match="End it with a sigmoid"):
        task.check_outputs(outputs, 3)


def test_softmax_survives_large_and_infinite_logits():
    values = np.array([[1000.0, 1000.0], [-np.inf, 0.0], [-np.inf, -np.inf]])
    np.testing.assert_array_equal(tasks.softmax(values), [[0.5, 0.5], [0, 1], [0, 0]])


def test_maps_choose_a_class_for_every_pixel():
    output = Output(role="mask", shape=(1, 2, 2, 3), kind="logits")
    values = RNG.normal(size=(4, 2, 2, 3))
    assert output.decisions(values).shape == (4, 4)
    assert output.agrees(values, values).all()
    assert output.margins(values).shape == (4,)


@pytest.mark.parametrize(
    ("task", "targets", "message"),
    [
        (
            "classification",
            [0, 2, 7, 9],
            r"0 to 2 .* Received: 0 to 9: the first unfit one is 7 at",
        ),
        ("classification", [0, -1, 2, 2], "-1 at position 1"),
        ("classification", [0.0, 1.0, 2.0, 2.0], "class indices"),
        ("classification", [["a"]] * 4, "one per sample"),
        ("multi_label", np.eye(4, 3) * 2, r"2.0 in row 0, column 0"),
        ("multi_label", [0, 1, 1, 0], "rows .* of 0 and 1"),
        ("regression", [[1, 2, np.nan]] * 4, "nan in row 0, column 2"),
        ("regression", [["x"] * 3] * 4, "rows of numbers"),
    ],
)
def test_targets_that_do_not_fit_name_the_value_and_where(task, targets, message):
    with pytest.raises(InputError, match=message):
        tasks.get(task).check_targets(targets, 4, 3)


def test_an_unknown_task_is_refused_and_a_near_name_offered():
    with pytest.raises(InputError, match=r"task must be one of classification, .*'multi_label'\?"):
        tasks.get("multi-label")


def test_outputs_are_found_by_role_by_order_or_alone():
    task = tasks.get("classification")
    values = np.zeros((2, 3))
    for given in (values, [values], {"scores": values}, {"predictions": values}):
        assert list(task.arrays(given, "it")) == ["scores"]
    with pytest.raises(InputError, match=r"it does not suit .* Received: 2 outputs"):
        task.arrays([values, values], "it")


def test_scores_of_a_model_and_data_in_another_order():
    task = tasks.get("classification")
    scores = np.eye(3)[[2, 0]]
    found, truth, names = task.align({"scores": scores}, np.array([0, 1]), "abc", ("c", "a"))
    metrics = task.score(found, truth, task.describe(found, [None], "it"), names)
    assert metrics.accuracy == 1
    assert metrics.per_class["b"].images == 0


def test_labels_lack_columns_that_the_data_lacks():
    task = tasks.get("multi_label")
    scores = np.array([[0.9, 0.1, 0.8]])
    found, truth, names = task.align({"scores": scores}, np.array([[1, 1]]), "abc", ("c", "a"))
    np.testing.assert_array_equal(found["scores"], [[0.8, 0.9]])
    assert names == ("c", "a")
    assert truth.tolist() == [[1, 1]]
