"""Ordered classes: probabilities against the cumulative form in double precision."""

import numpy as np
import pytest

from kerascnn.layers import CosineDense, OrdinalOutput

RNG = np.random.default_rng(3)


def cumulative_form(x, kernel, first, steps):
    """P(class > k) = sigmoid(score + b_k), then differences of neighbours."""
    biases = np.concatenate([first, first - np.cumsum(np.log1p(np.exp(steps)))])
    above = 1 / (1 + np.exp(-(x @ kernel + biases)))
    edges = np.concatenate([np.ones((len(x), 1)), above, np.zeros((len(x), 1))], axis=1)
    return -np.diff(edges, axis=1)


def test_probabilities_are_differences_of_the_cumulative_ones():
    layer = OrdinalOutput(5)
    x = RNG.normal(size=(7, 3))
    layer(x.astype("float32"))
    weights = [RNG.normal(size=shape) for shape in ((3, 1), (1,), (3,))]
    layer.set_weights(weights)
    wanted = cumulative_form(x, *weights)
    found = np.asarray(layer(x.astype("float32")))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_cumulative_probabilities_fall_for_any_weights(seed):
    random = np.random.default_rng(seed)
    layer = OrdinalOutput(6)
    x = random.normal(size=(50, 3)).astype("float32")
    layer(x)
    layer.set_weights([5 * random.normal(size=weight.shape) for weight in layer.get_weights()])
    probabilities = np.asarray(layer(x))
    assert (probabilities >= 0).all()
    above = 1 - np.cumsum(probabilities, axis=1)
    assert (np.diff(above, axis=1) <= 1e-6).all()


def test_small_probabilities_keep_their_digits():
    layer = OrdinalOutput(3)
    layer(np.zeros((1, 1), "float32"))
    layer.set_weights([np.array(w) for w in ([[1.0]], [0.0], [np.log(np.e - 1)])])
    x = np.array([[-40.0], [40.0]])
    found = np.asarray(layer(x.astype("float32")))
    a, b = np.exp(x[0, 0]), np.exp(x[0, 0] - 1)
    np.testing.assert_allclose(found[0], [1, a - b, b], rtol=1e-4)
    c, d = np.exp(-x[1, 0]), np.exp(1 - x[1, 0])
    np.testing.assert_allclose(found[1], [c, d - c, 1], rtol=1e-4)


def test_two_classes_are_one_sigmoid():
    layer = OrdinalOutput(2)
    x = RNG.normal(size=(4, 3)).astype("float32")
    layer(x)
    layer.set_weights([RNG.normal(size=(3, 1)), np.array([0.3])])
    above = 1 / (1 + np.exp(-(x @ layer.get_weights()[0] + 0.3)))
    np.testing.assert_allclose(layer(x), np.hstack([1 - above, above]), atol=1e-6)


def test_the_classes_start_symmetric():
    layer = OrdinalOutput(4)
    outputs = np.asarray(layer(np.zeros((1, 3), "float32")))[0]
    np.testing.assert_allclose(outputs, outputs[::-1], atol=1e-6)


def test_cosine_dense_does_not_overflow_in_float16():
    layer = CosineDense(2, dtype="mixed_float16")
    x = np.full((1, 4096), 100.0, "float16")
    assert np.isfinite(np.asarray(layer(x))).all()


def test_unusable_arguments_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        OrdinalOutput(1)
    with pytest.raises(ValueError, match="`scale` must be"):
        CosineDense(3, scale=0.0)
