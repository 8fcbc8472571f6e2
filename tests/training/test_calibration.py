"""Calibration by hand and against SciPy's minimiser."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from kerascnn.errors import InputError
from kerascnn.quantization import learned_ranges, quantize_aware
from kerascnn.training import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
)
from kerascnn.training.calibration import scale


def drawn(temperature, images=4000, classes=5, seed=0):
    """Probabilities that are right after division by `temperature`, and labels drawn so."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 2, (images, classes))
    right = softmax(scores, axis=1)
    labels = (right.cumsum(axis=1) < random.uniform(size=(images, 1))).sum(axis=1)
    return softmax(scores * temperature, axis=1), labels


def test_bins_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.55, 0.45]])
    bins = reliability_bins(probabilities, np.array([0, 1, 1, 0]), bins=4)
    assert [one.images for one in bins] == [0, 0, 2, 2]
    assert (bins[2].confidence, bins[2].accuracy) == (pytest.approx(0.575), 1.0)
    assert (bins[3].confidence, bins[3].accuracy) == (pytest.approx(0.85), 0.5)
    error = expected_calibration_error(probabilities, np.array([0, 1, 1, 0]), bins=4)
    assert error == pytest.approx((2 * 0.425 + 2 * 0.35) / 4)


def test_a_certain_and_right_model_has_no_error():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0
    assert expected_calibration_error(np.eye(3), np.array([1, 2, 0])) == 1


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_the_temperature_is_that_of_scipys_minimiser(temperature):
    probabilities, labels = drawn(temperature)

    def loss(value):
        scores = log_softmax(np.log(probabilities) / value, axis=1)
        return -scores[np.arange(len(labels)), labels].mean()

    wanted = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-7})
    found = fit_temperature(probabilities, labels)
    assert found == pytest.approx(wanted.x, rel=1e-4)
    assert found == pytest.approx(temperature, rel=0.06)


def test_scaling_mends_overconfidence():
    probabilities, labels = drawn(3.0)
    others, other_labels = drawn(3.0, seed=1)
    before = expected_calibration_error(others, other_labels)
    scaled = scale(others, fit_temperature(probabilities, labels))
    assert before > 0.1
    assert expected_calibration_error(scaled, other_labels) < 0.02
    np.testing.assert_array_equal(scaled.argmax(1), others.argmax(1))


def test_plain_zeros_are_no_trouble():
    probabilities = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    assert 1 < fit_temperature(probabilities, np.array([0, 1, 1])) <= 20.001
    assert fit_temperature(probabilities, np.array([0, 1, 0])) == pytest.approx(0.05, rel=1e-3)


def network(*last):
    keras.utils.set_random_seed(0)
    first = (layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten())
    # Names of their own: `last` was made with the module, when numbers were others.
    for number, layer in enumerate((*first, *last)):
        layer.name = f"layer{number}"
    return keras.Sequential([keras.Input((6, 6, 1)), *first, *last])


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_temperature_moves_into_the_last_layer(use_bias, tmp_path):
    model = network(layers.Dense(4, activation="softmax", use_bias=use_bias))
    images = np.random.default_rng(0).normal(0, 3, (8, 6, 6, 1)).astype("float32")
    before = np.asarray(model(images))
    other = apply_temperature(model, 2.5)
    np.testing.assert_allclose(np.asarray(other(images)), scale(before, 2.5), atol=1e-5)
    np.testing.assert_array_equal(np.asarray(model(images)), before)
    kinds = [type(layer) for layer in other.layers if not isinstance(layer, layers.InputLayer)]
    assert kinds == [type(layer) for layer in model.layers]
    other.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(np.asarray(again(images)), np.asarray(other(images)), atol=1e-6)


def test_a_temperature_reaches_a_nested_head():
    inputs = keras.Input((6, 6, 1))
    model = keras.Model(inputs, network(layers.Dense(4, activation="softmax"))(inputs))
    images = np.random.default_rng(0).normal(0, 3, (8, 6, 6, 1)).astype("float32")
    scaled = scale(np.asarray(model(images)), 0.7)
    np.testing.assert_allclose(np.asarray(apply_temperature(model, 0.7)(images)), scaled, atol=1e-5)


@pytest.mark.parametrize(
    "last",
    [
        (layers.Dense(4),),
        (layers.Dense(4), layers.ReLU(6), layers.Softmax()),
        (layers.Dense(4, activation="sigmoid"),),
        (layers.Dense(4, activation="tanh"), layers.Softmax()),
        (layers.Dense(4), layers.Softmax(), layers.ReLU()),
    ],
)
def test_another_end_is_an_error(last):
    with pytest.raises(InputError, match="behind which a softmax comes"):
        apply_temperature(network(*last), 2.0)


@pytest.mark.parametrize(
    "last",
    [
        (layers.Dense(4), layers.Softmax()),
        (layers.Dense(4, activation="relu"), layers.Dropout(0.5), layers.Activation("softmax")),
        # The end of NIN and SqueezeNet.
        (
            *(layers.Reshape((4, 4, 3)), layers.Conv2D(5, 1), layers.ReLU()),
            *(layers.GlobalAveragePooling2D(), layers.Softmax()),
        ),
    ],
)
def test_what_lets_factors_pass_may_stand_between(last):
    model = network(*last)
    images = np.random.default_rng(0).normal(0, 3, (8, 6, 6, 1)).astype("float32")
    expected = scale(np.asarray(model(images)), 0.4)
    np.testing.assert_allclose(
        np.asarray(apply_temperature(model, 0.4)(images)), expected, atol=1e-5
    )


def test_a_quantisation_aware_model_rounds_as_before():
    """Weights and ranges shrink together: before the softmax, all integers stay what they were."""
    model = network(layers.Dense(4, activation="softmax"))
    images = np.random.default_rng(0).normal(0, 3, (8, 6, 6, 1)).astype("float32")
    aware = quantize_aware(model, images)
    other = apply_temperature(aware, 0.5)  # exact in floating point
    scores = [keras.Model(m.input, m.layers[-2].input)(images) for m in (aware, other)]
    np.testing.assert_array_equal(np.asarray(scores[1]), 2 * np.asarray(scores[0]))
    expected = scale(np.asarray(aware(images)), 0.5)
    np.testing.assert_allclose(np.asarray(other(images)), expected, atol=0.03)  # of 1/256 steps
    assert learned_ranges(other).keys() == learned_ranges(aware).keys()


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf])
def test_a_temperature_is_above_zero(temperature):
    with pytest.raises(InputError, match="must be a number above 0"):
        apply_temperature(network(layers.Dense(4, activation="softmax")), temperature)


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((0, 3), (0,)), ((3,), (3,))])
def test_shapes_must_fit_together(shapes):
    probabilities, labels = np.zeros(shapes[0]), np.zeros(shapes[1], int)
    for function in (fit_temperature, reliability_bins, expected_calibration_error):
        with pytest.raises(InputError, match="expected probabilities"):
            function(probabilities, labels)
