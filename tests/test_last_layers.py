"""What the last layer of a model says about its outputs, however it is wrapped."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.last_layers import kinds_by_role, output_kinds
from kerascnn.quantization import quantize_aware

PROBABILITIES, INDEPENDENT, LOGITS = "probabilities", "independent", "logits"


def ending(end, policy="float32"):
    """A model of 8x8 pixels that ends in `end` of its features."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, end(layers.Flatten()(layers.Conv2D(4, 5)(inputs))))
    keras.config.set_dtype_policy(before)
    return model


def dense(activation=None, units=4):
    return layers.Dense(units, activation=activation)


ENDS = [
    (lambda x: dense("softmax")(x), PROBABILITIES),
    (lambda x: layers.Softmax()(dense()(x)), PROBABILITIES),
    (lambda x: layers.Activation("softmax")(dense()(x)), PROBABILITIES),
    (lambda x: ops.softmax(dense()(x)), PROBABILITIES),
    (lambda x: keras.activations.softmax(dense()(x)), PROBABILITIES),
    (lambda x: layers.Reshape((2, 2))(layers.Dropout(0.5)(dense("softmax")(x))), PROBABILITIES),
    (lambda x: ops.cast(dense("softmax")(x), "float16"), PROBABILITIES),
    (lambda x: dense("sigmoid")(x), INDEPENDENT),
    (lambda x: dense("sigmoid", 1)(x), INDEPENDENT),
    (lambda x: ops.sigmoid(dense()(x)), INDEPENDENT),
    (lambda x: layers.Activation("sigmoid")(dense()(x)), INDEPENDENT),
    (lambda x: dense()(x), LOGITS),
    (lambda x: dense("relu")(x), LOGITS),
    (lambda x: dense("log_softmax")(x), LOGITS),
    (lambda x: layers.Activation("linear", dtype="float32")(dense()(x)), LOGITS),
    (lambda x: layers.GlobalAveragePooling1D()(layers.Reshape((16, 4))(x)), LOGITS),
    (lambda x: layers.Lambda(lambda y: y)(dense("softmax")(x)), None),
    (lambda x: layers.Average()([dense("softmax")(x), dense("softmax")(x)]), None),
    (lambda x: dense("softmax")(x) * 2, None),
    (lambda x: dense(lambda y: y)(x), None),
]


@pytest.mark.parametrize(("end", "kind"), ENDS)
def test_the_last_layer_decides(end, kind):
    assert output_kinds(ending(end)) == (kind,)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_hides_nothing(policy):
    end = layers.Activation("linear", dtype="float32")
    assert output_kinds(ending(lambda x: end(dense("sigmoid")(x)), policy)) == (INDEPENDENT,)


@pytest.mark.parametrize(("end", "kind"), [ENDS[0], ENDS[1], ENDS[7], ENDS[11]])
def test_quantisation_aware_models_say_what_the_plain_ones_say(end, kind):
    samples = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    assert output_kinds(quantize_aware(ending(end), samples)) == (kind,)


def test_nested_and_sequential_models_are_entered():
    inner = ending(ENDS[0][0])
    outer = keras.Input((8, 8, 3))
    assert output_kinds(keras.Model(outer, inner(outer))) == (PROBABILITIES,)
    assert output_kinds(keras.Sequential([keras.Input((8, 8, 3)), inner])) == (PROBABILITIES,)
    unbuilt = keras.Sequential([layers.Flatten(), dense("softmax")])
    assert output_kinds(unbuilt) == (None,)


def test_a_subclassed_model_says_nothing():
    class Own(keras.Model):
        def call(self, images):
            return ops.softmax(ops.mean(images, (1, 2)))

    assert output_kinds(Own()) == (None,)


def test_several_outputs_by_order_and_by_role():
    pair = ending(lambda x: [dense("softmax")(x), dense()(x)])
    assert output_kinds(pair) == (PROBABILITIES, LOGITS)
    named = ending(lambda x: {"scores": dense("softmax")(x), "count": dense()(x)})
    assert kinds_by_role(named, ("scores", "count")) == (PROBABILITIES, LOGITS)
