"""Stochastic depth drops whole images, keeps the mean, and does nothing in inference."""

import keras
import numpy as np
import pytest

from kerascnn.layers import StochasticDepth, to_stock
from kerascnn.layers.stochastic_depth import linear_rates

ONES = np.ones((2000, 3, 2, 4), "float32")


def test_inference_changes_nothing():
    np.testing.assert_array_equal(StochasticDepth(0.9)(ONES), ONES)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.75])
def test_training_drops_or_scales_each_image_as_a_whole(rate):
    y = np.asarray(StochasticDepth(rate, seed=1)(ONES, training=True))
    values = y.reshape(len(y), -1)
    assert (values == values[:, :1]).all()
    np.testing.assert_allclose(np.unique(values), [0, 1 / (1 - rate)] if rate else [1], rtol=1e-6)
    assert (values[:, 0] == 0).mean() == pytest.approx(rate, abs=0.04)
    assert y.mean() == pytest.approx(1, abs=0.1)


def test_draws_differ_from_call_to_call_and_follow_the_seed():
    first, second = (StochasticDepth(0.5, seed=7) for _ in range(2))
    draws = [np.asarray(first(ONES, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(draws[0], second(ONES, training=True))
    assert (draws[0] != draws[1]).any()


def test_any_rank_and_float16():
    layer = StochasticDepth(0.5, seed=1, dtype="mixed_float16")
    y = layer(np.ones((8, 5), "float16"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert {0.0, 2.0} >= set(np.unique(y))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_outside_is_refused(rate):
    with pytest.raises(ValueError, match="`rate` must be"):
        StochasticDepth(rate)


def test_linear_rates():
    assert linear_rates(0.2, 4, reached=False) == pytest.approx([0, 0.05, 0.1, 0.15])
    assert linear_rates(0.3, 4, reached=True) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert linear_rates(0.3, 1, reached=True) == [0]


@pytest.mark.parametrize("shape", [(3, 2, 4), (5,)])
def test_its_stock_form_is_dropout_of_whole_images(shape):
    inputs = keras.Input(shape)
    stock = to_stock(keras.Model(inputs, StochasticDepth(0.5, name="drop")(inputs)))
    layer = stock.get_layer("drop")
    assert type(layer) is keras.layers.Dropout
    y = np.asarray(stock(np.ones((64, *shape), "float32"), training=True)).reshape(64, -1)
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, 2}
