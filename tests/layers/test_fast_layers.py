"""Layers that only make Keras's own faster: the same outputs and gradients, number for number."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerascnn import layers
from kerascnn.layers import _compiled, to_stock

RNG = np.random.default_rng(0)
MAPS = (3, 9, 7, 8)
CASES = {
    "gelu": ("Activation", {"activation": "gelu"}),
    "silu": ("Activation", {"activation": "silu"}),
    "hard_silu": ("Activation", {"activation": "hard_silu"}),
    "relu": ("Activation", {"activation": "relu"}),
    "depthwise 7": ("DepthwiseConv2D", {"kernel_size": 7, "padding": "same"}),
    "depthwise 5, valid": ("DepthwiseConv2D", {"kernel_size": 5, "activation": "relu"}),
    "depthwise 6x5": ("DepthwiseConv2D", {"kernel_size": (6, 5), "padding": "same"}),
    "depthwise 5, step 2": ("DepthwiseConv2D", {"kernel_size": 5, "strides": 2}),
    "depthwise 3": ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same", "use_bias": False}),
    "layer norm": ("LayerNormalization", {"epsilon": 1e-6}),
    "layer norm, plain": ("LayerNormalization", {"scale": False, "center": False}),
    "layer norm, all axes": ("LayerNormalization", {"axis": [1, 2, 3]}),
    "layer norm, axis 3": ("LayerNormalization", {"axis": 3}),
}


@pytest.fixture(params=CASES)
def pair(request):
    """Our layer and Keras's, with equal weights."""
    name, config = CASES[request.param]
    both = getattr(layers, name)(**config), getattr(keras.layers, name)(**config)
    for layer in both:
        layer.build(MAPS)
    weights = [RNG.normal(size=array.shape) for array in both[1].get_weights()]
    for layer in both:
        layer.set_weights(weights)
    return both


def upstream(shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def run(layer, x, training):
    """Output, and gradients with respect to the input and the weights."""
    ours = type(layer).__module__.startswith("kerascnn")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training) if ours else layer(x)
    return y, *tape.gradient(y, [x, *layer.trainable_variables], upstream(y.shape))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_outputs_and_gradients_equal_keras(pair, training, graph):
    x = RNG.normal(1, 2, MAPS).astype("float32")
    x.ravel()[:4] = (-3, 3, 0, 80)  # corners of hard SiLU, and far out

    results = []
    for layer in pair:
        way = functools.partial(run, layer, training=training)
        results.append((tf.function(way) if graph else way)(tf.constant(x)))
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "config", "slow"),
    [
        ("Activation", {"activation": "gelu"}, "Exp"),
        ("DepthwiseConv2D", {"kernel_size": 7}, "DepthwiseConv2dNativeBackpropFilter"),
        ("LayerNormalization", {}, "RsqrtGrad"),
    ],
)
def test_the_fast_way_is_taken_in_training(name, config, slow):
    assert _compiled.available()
    operations = []
    for package in (layers, keras.layers):
        layer = getattr(package, name)(**config)
        layer.build(MAPS)
        way = tf.function(functools.partial(run, layer, training=True))
        graph = way.get_concrete_function(tf.TensorSpec(MAPS)).graph
        operations.append({operation.type for operation in graph.get_operations()})
    assert slow in operations[1]
    assert slow not in operations[0]


def test_to_stock_turns_them_into_keras_layers():
    inputs = keras.Input(MAPS[1:])
    x = layers.DepthwiseConv2D(7, padding="same", name="dwconv")(inputs)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    model = keras.Model(inputs, layers.Activation("gelu", name="gelu")(x))
    stock = to_stock(model)
    assert {type(layer).__module__.split(".")[0] for layer in stock.layers} == {"keras"}
    assert [layer.name for layer in stock.layers] == [layer.name for layer in model.layers]
    images = RNG.normal(size=MAPS).astype("float32")
    np.testing.assert_allclose(stock(images), model(images), atol=1e-5)


def test_images_of_unknown_size_are_trained_on():
    inputs = keras.Input((None, None, 8))
    x = layers.DepthwiseConv2D(5, padding="same")(inputs)
    x = layers.Activation("gelu")(layers.LayerNormalization()(x))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    model.compile("sgd", "mse")
    for size in (6, 9):
        images = RNG.normal(size=(2, size, size, 8)).astype("float32")
        assert np.isfinite(model.train_on_batch(images, np.zeros((2, 8))))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_other_precisions_take_keras_way(policy):
    inputs = keras.Input(MAPS[1:])
    results = []
    for package in (layers, keras.layers):
        keras.utils.set_random_seed(0)
        x = package.DepthwiseConv2D(5, dtype=policy)(inputs)
        x = package.LayerNormalization(dtype=policy)(x)
        model = keras.Model(inputs, package.Activation("gelu", dtype=policy)(x))
        images = np.random.default_rng(0).normal(size=MAPS).astype("float32")
        results.append(np.asarray(model(images, training=True), "float64"))
    np.testing.assert_array_equal(*results)
