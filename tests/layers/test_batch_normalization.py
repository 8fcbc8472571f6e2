"""The fused batch normalisation is Keras's own, number for number."""

import keras
import numpy as np
import pytest

from kerascnn.layers import BatchNormalization, to_stock

RNG = np.random.default_rng(0)


def pair(**config):
    """Our layer and Keras's, with equal weights."""
    ours, stock = BatchNormalization(**config), keras.layers.BatchNormalization(**config)
    x = RNG.normal(2, 3, (4, 5, 6, 8)).astype("float32")
    for layer in (ours, stock):
        layer.build(x.shape)
    weights = [RNG.uniform(0.5, 2, w.shape) for w in stock.get_weights()]
    for layer in (ours, stock):
        layer.set_weights(weights)
    return ours, stock, x


CONFIGS = [{}, {"scale": False}, {"center": False}, {"epsilon": 1e-5, "momentum": 0.9}]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("training", [False, True])
def test_outputs_and_statistics_equal_keras(config, training):
    ours, stock, x = pair(**config)
    np.testing.assert_allclose(ours(x, training=training), stock(x, training=training), atol=2e-5)
    for mine, theirs in zip(ours.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_equal_keras(training):
    import tensorflow as tf

    ours, stock, x = pair()
    gradients = []
    for layer in (ours, stock):
        image = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(image)
            y = layer(image, training=training)
            loss = tf.reduce_sum(tf.sin(y))
        gradients.append(tape.gradient(loss, [image, *layer.trainable_variables]))
    for mine, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=2e-4)


def test_a_frozen_layer_keeps_its_statistics():
    ours, _, x = pair()
    ours.trainable = False
    before = ours.get_weights()
    inference = np.asarray(ours(x, training=False))
    np.testing.assert_array_equal(ours(x, training=True), inference)
    for mine, earlier in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, earlier)


@pytest.mark.parametrize("shape", [(4, 8), (4, 5, 8)])
def test_other_ranks_take_keras_way(shape):
    x = RNG.normal(size=shape).astype("float32")
    ours, stock = BatchNormalization(), keras.layers.BatchNormalization()
    np.testing.assert_allclose(ours(x, training=True), stock(x, training=True), atol=1e-6)


def test_float16_keeps_float32_statistics():
    layer = BatchNormalization(dtype="mixed_float16")
    y = layer(RNG.normal(size=(4, 5, 6, 8)).astype("float16"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert {str(w.dtype) for w in layer.get_weights()} == {"float32"}


def test_to_stock_keeps_names_weights_and_outputs(tmp_path):
    inputs = keras.Input((8, 8, 3))
    inner_input = keras.Input((8, 8, 4))
    inner = keras.Model(inner_input, BatchNormalization(name="inner_bn")(inner_input), name="inner")
    x = BatchNormalization(name="bn")(keras.layers.Conv2D(4, 3, padding="same")(inputs))
    model = keras.Model(inputs, inner(x))
    model.compile("sgd", "mse")
    images = RNG.normal(size=(4, 8, 8, 3)).astype("float32")
    model.fit(images, np.zeros((4, 8, 8, 4)), verbose=0)
    stock = to_stock(model)
    types = {type(layer) for layer in stock._flatten_layers()}
    assert BatchNormalization not in types
    assert keras.layers.BatchNormalization in types
    assert [layer.name for layer in stock.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(
        stock.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-5
    )
