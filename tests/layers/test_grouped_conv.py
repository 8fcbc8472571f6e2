"""The grouped convolution is Keras's own, number for number, with and without a native kernel."""

import keras
import numpy as np
import pytest

from kerascnn.layers import GroupedConv2D, grouped_conv, to_stock

RNG = np.random.default_rng(0)
CONFIGS = [
    {"groups": 4},
    {"groups": 1},
    {"groups": 4, "strides": 2, "padding": "same"},
    {"groups": 2, "padding": "same", "use_bias": False},
    {"groups": 2, "dilation_rate": 2, "padding": "same"},
]


@pytest.fixture(params=["native", "one by one"])
def kernels(request, monkeypatch):
    """With TensorFlow's grouped kernel, and as where its gradients are missing."""
    if request.param == "one by one":
        monkeypatch.setattr(grouped_conv, "_has_gradients", lambda dtype: False)


def gradients(layer, x):
    import tensorflow as tf

    image = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(image)
        y = layer(image)
        loss = tf.reduce_sum(tf.sin(y))
    return [y, *tape.gradient(loss, [image, *layer.trainable_variables])]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.usefixtures("kernels")
def test_outputs_and_gradients_equal_keras(config, mode):
    import tensorflow as tf

    ours, stock = (kind(8, 3, **config) for kind in (GroupedConv2D, keras.layers.Conv2D))
    x = RNG.normal(size=(2, 6, 7, 8)).astype("float32")
    for layer in (ours, stock):
        layer.build(x.shape)
    ours.set_weights([RNG.normal(size=w.shape) for w in stock.get_weights()])
    stock.set_weights(ours.get_weights())
    run = tf.function(gradients) if mode == "graph" else gradients
    for mine, theirs in zip(run(ours, x), gradients(stock, x), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_an_output_depends_on_its_own_group_only():
    layer = GroupedConv2D(6, 1, groups=3)
    x = RNG.normal(size=(1, 2, 2, 6)).astype("float32")
    before = np.asarray(layer(x))
    x[..., 2:4] += 1
    changed = np.abs(np.asarray(layer(x)) - before).max(axis=(0, 1, 2)) > 1e-6
    assert changed.tolist() == [False, False, True, True, False, False]


def test_stock_form_is_a_keras_layer_with_equal_output():
    inputs = keras.Input((5, 5, 4))
    model = keras.Model(inputs, GroupedConv2D(4, 3, groups=2, name="grouped")(inputs))
    stock = to_stock(model)
    assert type(stock.get_layer("grouped")) is keras.layers.Conv2D
    x = RNG.normal(size=(1, 5, 5, 4)).astype("float32")
    np.testing.assert_allclose(stock(x), model(x), atol=1e-5)
