"""The scaled Huber loss: by hand, and after saving."""

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.losses import ScaledHuber


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
