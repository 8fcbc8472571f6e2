"""Gradient norms against derivatives by hand and TensorFlow's tape, and what shortcuts change."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerascnn import create_model
from kerascnn.errors import InputError
from kerascnn.properties import gradient_norms

ONE = np.full((1, 1, 1, 1), 1.5, "float32")


def chain(factors, shortcut):
    """y = w1 w2 ... x, or with shortcuts y = (1 + w1)(1 + w2) ... x."""
    inputs = x = keras.Input((1, 1, 1))
    for number, factor in enumerate(factors):
        constant = keras.initializers.Constant(factor)
        layer = layers.Dense(1, use_bias=False, kernel_initializer=constant, name=f"w{number}")
        x = layers.Add()([x, layer(x)]) if shortcut else layer(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_chain_of_products_by_hand(shortcut):
    factors = np.array([0.5, 0.25, 0.4])
    rows = gradient_norms(chain(factors, shortcut), ONE, np.zeros((1, 1, 1, 1)), "mse")
    steps = factors + shortcut
    y = 1.5 * steps.prod()
    np.testing.assert_allclose([row.norm for row in rows], 2 * y * y / steps, rtol=1e-5)
    np.testing.assert_allclose([row.weight_norm for row in rows], factors, rtol=1e-6)
    assert rows[0].relative == pytest.approx(2 * y * y / steps[0] / factors[0], rel=1e-5)
    assert [row.layer for row in rows] == ["w0", "w1", "w2"]


def test_the_gradient_reaches_the_first_layer_through_shortcuts_only():
    """20 layers: plain, it vanishes by 0.3 per layer; with shortcuts it does not."""
    plain = gradient_norms(chain([0.3] * 20, False), ONE, np.ones((1, 1, 1, 1)), "mae")
    residual = gradient_norms(chain([0.3] * 20, True), ONE, np.ones((1, 1, 1, 1)), "mae")
    assert plain[0].norm == pytest.approx(1.5 * 0.3**19, rel=1e-4)
    assert residual[0].norm == pytest.approx(1.5 * 1.3**19, rel=1e-4)


def test_real_networks_agree_with_the_tape_and_are_left_as_they_are():
    keras.utils.set_random_seed(0)
    model = create_model("ResNet20", input_shape=(16, 16, 3), classes=4)
    outer = keras.Sequential([keras.Input((16, 16, 3)), model])
    images = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype("float32")
    targets = np.array([0, 1, 2, 3])
    before = [np.array(weight) for weight in outer.get_weights()]
    loss = keras.losses.SparseCategoricalCrossentropy()
    for training in (True, False):
        rows = gradient_norms(outer, images, targets, loss, training)
        with tf.GradientTape() as tape, keras.StatelessScope():
            value = loss(targets, outer(images, training=training))
            tape_variables = [variable.value for variable in outer.trainable_variables]
        gradients = tape.gradient(value, tape_variables)
        total = np.sqrt(sum(float(tf.reduce_sum(g**2)) for g in gradients))
        assert np.linalg.norm([row.norm for row in rows]) == pytest.approx(total, rel=1e-3)
        by_name = {row.layer: row.norm for row in rows}
        last = [np.linalg.norm(g) for g in gradients[-2:]]
        assert by_name[rows[-1].layer] == pytest.approx(np.linalg.norm(last), rel=1e-3)
    for old, new in zip(before, outer.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_plain_networks_pass_gradients_on_less_evenly_than_residual_ones():
    """32 layers, before training: on the way to the input the gradient of the plain one grows."""
    images = np.random.default_rng(0).uniform(0, 255, (8, 16, 16, 3)).astype("float32")
    growth = {}
    for name in ("PlainNet32", "ResNet32"):
        keras.utils.set_random_seed(0)
        model = create_model(name, input_shape=(16, 16, 3))
        rows = gradient_norms(model, images, np.arange(8), "sparse_categorical_crossentropy")
        convolutions = [row.norm for row in rows if "Conv2D" in row.kind]
        growth[name] = convolutions[0] / convolutions[-1]
    assert growth["PlainNet32"] > 15
    assert growth["ResNet32"] < 6


def test_a_function_as_loss_and_shared_layers_count_once():
    shared = layers.Dense(1, use_bias=False, kernel_initializer="ones", name="shared")
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, shared(shared(inputs)))
    (row,) = gradient_norms(model, ONE, ONE, lambda targets, outputs: outputs - targets)
    assert row.norm == pytest.approx(2 * 1.5)  # the derivative of w^2 x


def test_weights_are_needed():
    model = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten()])
    with pytest.raises(InputError, match="no trainable weights"):
        gradient_norms(model, ONE, np.zeros((1, 1)), "mse")
