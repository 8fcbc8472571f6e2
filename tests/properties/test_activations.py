"""Statistics of activations against NumPy, and filters that were killed on purpose."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.models import LeNet5
from kerascnn.properties import activation_statistics, dead_filters

IMAGES = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype("float32")


@pytest.fixture
def model():
    """A nested one: convolution, ReLU, pooling, and a dense layer outside."""
    keras.utils.set_random_seed(0)
    body = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3, name="conv"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(2, name="pool"),
        ],
        name="body",
    )
    inputs = keras.Input((8, 8, 3))
    x = layers.Flatten(name="flat")(body(inputs))
    return keras.Model(inputs, layers.Dense(4, activation="relu", name="dense")(x))


def test_statistics_are_those_of_numpy_whatever_the_batch(model):
    inner = model.get_layer("body")
    for size in (2, 32):
        rows = {row.name: row for row in activation_statistics(model, IMAGES, size)}
        assert list(rows) == ["conv", "relu", "pool", "flat", "dense"]
        values = np.asarray(inner.get_layer("conv")(IMAGES))
        row = rows["conv"]
        assert (row.kind, row.shape) == ("Conv2D", (6, 6, 6))
        np.testing.assert_allclose(
            [row.mean, row.std, row.minimum, row.maximum],
            [values.mean(), values.std(), values.min(), values.max()],
            rtol=1e-4,
        )
        assert row.zeros == 0
        assert rows["relu"].zeros == pytest.approx(np.mean(values <= 0))
        assert rows["relu"].minimum == 0


def test_filters_that_never_open_are_found(model):
    conv, dense = model.get_layer("body").get_layer("conv"), model.get_layer("dense")
    conv.bias.assign([0, 0, -1000, 0, 0, -1000])
    dense.kernel.assign(np.zeros(dense.kernel.shape))
    dense.bias.assign([1, -1, 0, 2])
    found = {row.name: row.dead for row in dead_filters(model, IMAGES)}
    assert found == {"relu": (2, 5), "dense": (1, 2)}  # not the pooling, which only hands on
    rows = {row.name: row.dead for row in activation_statistics(model, IMAGES)}
    assert rows["pool"] == (2, 5)


def test_a_filter_that_one_image_opens_is_not_dead(model):
    conv = model.get_layer("body").get_layer("conv")
    conv.kernel.assign(np.zeros(conv.kernel.shape))
    kernel = np.zeros(conv.kernel.shape, "float32")
    kernel[1, 1, 0] = 1.0
    conv.kernel.assign(kernel)
    images = -np.ones_like(IMAGES)
    assert dead_filters(model, images)[0].dead == tuple(range(6))
    images[4, 3, 3, 0] = 1.0
    names = [row.name for row in dead_filters(model, images, batch_size=2)]
    assert "relu" not in names


def test_a_layer_called_twice_has_one_row():
    shared = layers.Conv2D(3, 1, name="shared")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, shared(shared(inputs)))
    (row,) = activation_statistics(model, IMAGES)
    once = np.asarray(shared(IMAGES))
    both = np.concatenate([once, np.asarray(shared(once))])
    assert (row.mean, row.std) == pytest.approx((both.mean(), both.std()), rel=1e-4)


def test_an_untrained_lenet_is_alive():
    keras.utils.set_random_seed(0)
    model = LeNet5()
    images = np.random.default_rng(0).uniform(0, 255, (4, *model.input_shape[1:]))
    names = [row.name for row in activation_statistics(model, images)]
    assert {"c1", "s2", "c3", "s4", "c5"} <= set(names)
    assert dead_filters(model, images) == ()


def test_images_are_needed(model):
    with pytest.raises(InputError, match="expected images"):
        activation_statistics(model, IMAGES[0])
