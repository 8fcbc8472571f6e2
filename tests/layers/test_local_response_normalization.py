"""Local response normalisation is the paper's formula, computed fast enough to be delegated."""

import keras
import numpy as np
import pytest

from kerascnn import export
from kerascnn.layers import LocalResponseNormalization

RNG = np.random.default_rng(0)


def by_the_formula(x, n=5, k=2.0, alpha=1e-4, beta=0.75):
    y = np.empty_like(x, dtype="float64")
    maps = x.shape[-1]
    for i in range(maps):
        first, last = max(0, i - n // 2), min(maps - 1, i + n // 2)
        sums = (x[..., first : last + 1].astype("float64") ** 2).sum(axis=-1)
        y[..., i] = x[..., i] / (k + alpha * sums) ** beta
    return y


def maps(channels=12, scale=100.0):
    return RNG.normal(0, scale, (2, 5, 4, channels)).astype("float32")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"n": 3, "k": 1.0, "alpha": 2e-5},
        {"n": 1},
        {"n": 7, "beta": 0.5},
        {"n": 99, "beta": 1.0},
    ],
)
def test_the_papers_formula(config):
    x = maps()
    got = LocalResponseNormalization(**config)(x)
    np.testing.assert_allclose(got, by_the_formula(x, **config), rtol=2e-5, atol=1e-5)


def test_equals_tensorflows_own_kernel():
    import tensorflow as tf

    x = maps(96)
    wanted = tf.nn.local_response_normalization(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75)
    np.testing.assert_allclose(LocalResponseNormalization()(x), wanted, rtol=2e-5, atol=1e-5)


def test_groups_do_not_see_each_other():
    x = maps()
    got = np.asarray(LocalResponseNormalization(groups=2)(x))
    wanted = np.concatenate([by_the_formula(x[..., :6]), by_the_formula(x[..., 6:])], axis=-1)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-5)


def test_strong_neighbours_inhibit():
    x = np.ones((1, 1, 1, 9), "float32")
    x[..., 4] = 300.0
    y = np.asarray(LocalResponseNormalization()(x)).ravel()
    assert y[3] < 0.5 * y[0]
    assert y[0] == pytest.approx(y[8])


def test_float16_does_not_overflow():
    x = maps(scale=1000.0).astype("float16")
    y = np.asarray(LocalResponseNormalization(dtype="mixed_float16")(x))
    np.testing.assert_allclose(y, by_the_formula(x.astype("float32")), rtol=2e-2, atol=1e-2)


def test_on_a_device_it_stays_in_one_piece_with_its_neighbours(tmp_path):
    inputs = keras.Input((15, 15, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu")(inputs)
    x = LocalResponseNormalization()(x)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    result = export.export_tflite(model, tmp_path / "model.tflite")
    assert result.delegate_partitions == 1
    assert result.undelegated_operators == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalResponseNormalization(4), "`n` must be an odd"),
        (lambda: LocalResponseNormalization(k=0), "a number above 0"),
        (lambda: LocalResponseNormalization(alpha=-1.0), "a number above 0"),
        (lambda: LocalResponseNormalization(groups=0), "at least 1"),
        (lambda: LocalResponseNormalization(groups=2).build((None, 4, 4, 3)), "must divide"),
    ],
)
def test_unusable_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
