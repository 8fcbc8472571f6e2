"""Losses: by hand, after saving, and for labels that are none."""

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.losses import Crossentropy, ScaledHuber
from kerascnn.visualize.inside.gradient import gradient


def test_differences_count_in_units_of_the_scale():
    loss = ScaledHuber([2.0, 100.0])
    truth, guess = np.array([[1.0, 2000.0]]), np.array([[2.0, 2300.0]])
    # half a scale: 0.5 ** 2 / 2; three scales: 3 - 1 / 2
    assert float(loss(truth, guess)) == pytest.approx((0.125 + 2.5) / 2)


def test_standardised_targets_have_the_same_loss():
    rng = np.random.default_rng(0)
    scale = np.array([0.01, 3.0, 500.0])
    truth, guess = rng.normal(size=(2, 20, 3))
    plain = float(keras.losses.Huber()(truth, guess))
    assert float(ScaledHuber(scale.tolist())(truth * scale, guess * scale)) == pytest.approx(plain)


def test_it_is_rebuilt_from_its_configuration():
    loss = ScaledHuber([2.0, 3.0], delta=0.5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, ScaledHuber)
    assert (again.scale, again.delta, again.name) == (loss.scale, loss.delta, loss.name)


@pytest.mark.parametrize("arguments", [{"scale": []}, {"scale": [1.0, 0.0]}])
def test_scales_must_be_above_zero(arguments):
    with pytest.raises(InputError, match="`scale` must be"):
        ScaledHuber(**arguments)


SHARES = np.random.default_rng(0).dirichlet(np.ones(3), 4).astype("float32")
KNOWN = np.array([0, 1, 2, 1])


def test_crossentropy_takes_a_column_of_indices_and_logits():
    expected = float(Crossentropy(0.1)(KNOWN, SHARES))
    assert float(Crossentropy(0.1)(KNOWN[:, None], SHARES)) == pytest.approx(expected)
    logits = Crossentropy(0.1, from_logits=True)
    assert float(logits(KNOWN, np.log(SHARES))) == pytest.approx(expected, rel=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(logits))
    assert again.from_logits
    assert keras.losses.deserialize(keras.losses.serialize(Crossentropy())).from_logits is False


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 3, 1]),
        np.array([0, 1, -1, 1]),
        np.array([0.0, 1.0, 0.5, 1.0]),
        np.array([0.0, 1.0, np.nan, 1.0]),
        np.array([[0], [1], [7], [1]]),
        np.eye(3)[[0, 1, 2, 1]] * [[1], [1], [0], [1]],
        np.array([[1, 0, 0], [0, 1, 0], [2, -1, 0], [0, 1, 0.0]]),
    ],
    ids=["too large", "-1", "0.5", "nan", "column", "row of zeros", "negative share"],
)
@pytest.mark.parametrize("weights", [None, np.array([1.0, 1.0, 0.0, 1.0])])
def test_a_label_that_is_no_class_makes_loss_and_derivative_nan(labels, weights):
    loss = Crossentropy(0.1)
    each = keras.ops.convert_to_numpy(loss.call(labels, SHARES))
    assert np.isnan(each).tolist() == [False, False, True, False]
    assert np.isnan(float(loss(labels, SHARES, weights)))
    slopes = gradient(
        lambda p: loss(labels.astype("float32"), p, weights), keras.ops.convert_to_tensor(SHARES)
    )
    assert np.isnan(keras.ops.convert_to_numpy(slopes)[2]).all()


@pytest.mark.parametrize("jit", [False, True])
def test_plain_fit_does_not_train_on_labels_counted_from_1(jit):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", Crossentropy(), jit_compile=jit)
    history = model.fit(np.ones((6, 4)), np.array([1, 2, 3] * 2), verbose=0)
    assert np.isnan(history.history["loss"][0])


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_is_a_share(smoothing):
    with pytest.raises(InputError, match=r"\[0, 1\)"):
        Crossentropy(smoothing)
