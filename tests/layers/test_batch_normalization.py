"""The fused batch normalisation is Keras's own, number for number."""

import keras
import numpy as np
import pytest

from kerascnn.layers import BatchNormalization, GroupedConv2D, to_stock

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


CONVOLUTIONS = {
    "stride": lambda: keras.layers.Conv2D(8, 3, 2, padding="same", use_bias=False),
    "dilation": lambda: keras.layers.Conv2D(8, 3, dilation_rate=2, use_bias=False),
    "groups": lambda: GroupedConv2D(8, 3, groups=2, use_bias=False),
    "bias": lambda: keras.layers.Conv2D(8, 3),
    "depthwise": lambda: keras.layers.DepthwiseConv2D(
        3, 2, depth_multiplier=2, depthwise_initializer="he_normal", use_bias=False
    ),
    "depthwise dilation": lambda: keras.layers.DepthwiseConv2D(
        3, depth_multiplier=2, dilation_rate=2, use_bias=False
    ),
}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_behind_a_convolution_inference_in_a_graph_equals_keras(kind, config):
    ours, stock, _ = pair(**config)
    convolution = CONVOLUTIONS[kind]()
    inputs = keras.Input((9, 9, 4))
    maps = convolution(inputs)
    models = [keras.Model(inputs, layer(maps)) for layer in (ours, stock)]
    x = RNG.normal(size=(2, 9, 9, 4)).astype("float32")
    got, wanted = (model.predict(x, verbose=0) for model in models)
    assert np.ptp(wanted) > 0.1
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_the_factors_go_into_the_filters():
    import tensorflow as tf

    convolution = keras.layers.Conv2D(8, 3, use_bias=False)
    ours, stock, _ = pair()
    inputs = keras.Input((9, 9, 4))
    for layer, expected in ((ours, False), (stock, True)):
        model = keras.Model(inputs, layer(convolution(inputs)))
        infer = tf.function(lambda x, model=model: model(x, training=False))
        graph = infer.get_concrete_function(tf.TensorSpec((2, 9, 9, 4))).graph
        result = graph.outputs[0]
        while result.op.type in ("Identity", "BiasAdd"):
            result = result.op.inputs[0]
        assert (result.op.type != "Conv2D") == expected


def test_a_frozen_layer_behind_a_convolution_lets_gradients_through():
    import tensorflow as tf

    convolution = keras.layers.Conv2D(8, 3, use_bias=False)
    ours, stock, _ = pair()
    inputs = keras.Input((9, 9, 4))
    x = tf.constant(RNG.normal(size=(2, 9, 9, 4)).astype("float32"))
    gradients = []
    for layer in (ours, stock):
        layer.trainable = False
        model = keras.Model(inputs, layer(convolution(inputs)))

        @tf.function
        def gradient(x, model=model):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.sin(model(x, training=True)))
            return tape.gradient(loss, model.trainable_variables)

        gradients.append(gradient(x))
    assert len(gradients[0]) == 1
    np.testing.assert_allclose(gradients[0][0], gradients[1][0], rtol=1e-4, atol=1e-4)
