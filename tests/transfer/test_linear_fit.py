"""Linear heads at their optimum, against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from kerascnn.transfer.linear_fit import STRENGTHS, fit_linear


def problem(rows, features, classes=3, noise=2.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.gamma(1.0, 1.0, (rows, features)) * rng.uniform(0.01, 20, features)
    scores = (x / x.std(axis=0)) @ rng.normal(size=(features, classes))
    return x, (scores + rng.gumbel(size=scores.shape) * noise).argmax(axis=1)


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def probabilities(fit, x):
    scores = np.exp(x @ fit.kernel + fit.bias - (x @ fit.kernel + fit.bias).max())
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("rows", "features"), [(60, 8), (40, 90)])
@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_regression_is_that_of_scikit_learn(rows, features, weighted):
    x, y = problem(rows, features)
    weights = np.linspace(0.2, 2.0, rows) if weighted else None
    fit = fit_linear([x], np.eye(3)[y], "softmax", weights)
    total = rows if weights is None else weights.sum()
    judge = LogisticRegression(C=1 / (fit.strength * total), max_iter=10_000, tol=1e-9)
    expected = judge.fit(standardised(x), y, weights).predict_proba(standardised(x))
    np.testing.assert_allclose(probabilities(fit, x), expected, atol=2e-3)


def test_quantities_are_those_of_ridge_regression():
    x, _ = problem(50, 6)
    y = np.stack([x[:, 0] * 3 + 100, x[:, 1] * 1e-3], axis=1)
    fit = fit_linear([x], y, "squared")
    judge = Ridge(alpha=fit.strength * len(x)).fit(standardised(x), y)
    expected = judge.predict(standardised(x))
    np.testing.assert_allclose(x @ fit.kernel + fit.bias, expected, rtol=1e-3, atol=1e-4)
    assert fit.strength == min(STRENGTHS)  # there is no noise


def test_labels_of_any_number_each_have_their_own_regression():
    x, y = problem(80, 5)
    rows = np.stack([y == 0, y > 0], axis=1).astype(float)
    fit = fit_linear([x], rows, "sigmoid")
    # The penalty is on a mean over images of a sum over outputs.
    judge = LogisticRegression(C=1 / (fit.strength * len(x)), max_iter=10_000, tol=1e-9)
    expected = judge.fit(standardised(x), rows[:, 1]).decision_function(standardised(x))
    np.testing.assert_allclose((x @ fit.kernel + fit.bias)[:, 1], expected, rtol=2e-2, atol=2e-3)


def test_the_penalty_is_stronger_where_features_say_less():
    x, y = problem(60, 30, noise=1.0)
    noise = np.arange(60) % 3
    clear, unclear = (fit_linear([x], np.eye(3)[each], "softmax") for each in (y, noise))
    assert unclear.strength > clear.strength
    assert clear.accuracy > 0.6 > unclear.accuracy + 0.05  # chance is a third


def test_an_image_and_its_mirror_image_are_left_out_together():
    """Were they not, the mirror image would give the answer away, and no penalty would be best."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 200)), np.arange(60) % 3
    fit = fit_linear([x, x + 1e-3 * rng.normal(size=x.shape)], np.eye(3)[y], "softmax")
    assert fit.strength >= 10


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_images_of_constant_features(count):
    x = np.ones((count, 4))
    x[:, 0] = np.arange(count)
    fit = fit_linear([x], np.eye(2)[np.arange(count) % 2], "softmax")
    assert np.isfinite(fit.kernel).all()
    assert np.isfinite(fit.bias).all()
    assert not fit.kernel[1:].any()
