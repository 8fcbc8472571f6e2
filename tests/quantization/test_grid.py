"""Rounding to int8 grids: equal to the quantiser of the files, and with a gradient."""

import numpy as np
import pytest
from keras import ops
from litert_quantizer import qtyping
from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as oracle

from kerascnn.quantization.grid import exact_range, round_activations, round_weights

RANGES = [(0.0, 6.0), (-1.0, 1.0), (-0.3, 7.7), (0.2, 3.0), (-5.0, -1.0), (0.0, 0.0)]


def quantized(values, low, high):
    """Values on the grid of the file's own quantiser."""
    zero_point, scale = oracle.tensor_zp_scale_from_min_max(
        np.array([low]), np.array([high]), 8, False, qtyping.QuantGranularity.TENSORWISE
    )
    params = qtyping.UniformQuantParams(
        num_bits=8, quantized_dimension=None, scale=scale, zero_point=zero_point, symmetric=False
    )
    steps = oracle.uniform_quantize(values, params)
    return (steps.astype(np.float64) - zero_point) * scale


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_activations_are_those_of_the_file(low, high):
    values = np.random.default_rng(0).uniform(low - 1, high + 1, 1000)
    rounded = round_activations(ops.convert_to_tensor(values, "float32"), low, high)
    np.testing.assert_allclose(rounded, quantized(values, *exact_range(low, high)), atol=1e-5)


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_the_exact_range_is_less_than_a_step_from_the_learned_one(low, high):
    # Its zero point is an integer: no rounding of the file's quantiser can turn it over.
    exact = exact_range(low, high)
    scale = (exact[1] - exact[0]) / 255
    assert exact[0] / scale == pytest.approx(round(exact[0] / scale), abs=1e-4)
    assert exact_range(*exact) == pytest.approx(exact, rel=1e-6)
    assert abs(exact[0] - min(low, 0)) < 0.51 * scale
    assert exact[1] - exact[0] == pytest.approx(max(high, 0) - min(low, 0), rel=1e-6, abs=2e-9)


def test_weights_are_those_of_the_file():
    weights = np.random.default_rng(1).normal(size=(3, 3, 4, 5)).astype(np.float32)
    weights[..., 2] = 0.0
    bounds = np.abs(weights).max((0, 1, 2))
    zero_points, scales = oracle.tensor_zp_scale_from_min_max(
        -bounds, bounds, 8, True, qtyping.QuantGranularity.CHANNELWISE
    )
    params = qtyping.UniformQuantParams(
        num_bits=8, quantized_dimension=3, scale=scales, zero_point=zero_points, symmetric=True
    )
    expected = oracle.uniform_quantize(weights, params) * scales
    np.testing.assert_allclose(round_weights(weights, (0, 1, 2)), expected, rtol=1e-5)


def test_rounded_weights_stay_when_rounded_again():
    weights = np.random.default_rng(2).normal(size=(3, 3, 4, 50)).astype(np.float32)
    once = np.asarray(round_weights(weights, (0, 1, 2)))
    np.testing.assert_allclose(round_weights(once, (0, 1, 2)), once, rtol=1e-6)


def test_folding_commutes_with_rounding():
    # Why batch normalisation needs no correction: factors per channel, of either sign.
    random = np.random.default_rng(3)
    weights = random.normal(size=(3, 3, 4, 50)).astype(np.float32)
    factors = random.normal(size=50).astype(np.float32) * 10.0 ** random.uniform(-3, 3, 50)
    factors = factors.astype(np.float32)
    folded = np.asarray(round_weights(weights * factors, (0, 1, 2)))
    np.testing.assert_allclose(round_weights(weights, (0, 1, 2)) * factors, folded, rtol=1e-5)


def test_gradients_pass_inside_the_range_and_stop_outside():
    tf = pytest.importorskip("tensorflow")
    x = tf.constant([-2.0, -0.9, 0.1234, 2.9, 3.5])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = round_activations(x, -1.0, 3.0)
    np.testing.assert_array_equal(tape.gradient(y, x), [0, 1, 1, 1, 0])


def test_gradients_of_weights_pass():
    tf = pytest.importorskip("tensorflow")
    weights = tf.random.normal((3, 3, 2, 4))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        y = round_weights(weights, (0, 1, 2))
    np.testing.assert_array_equal(tape.gradient(y, weights), np.ones((3, 3, 2, 4)))
