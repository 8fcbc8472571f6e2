"""What is frozen stays as it was, to the bit; what is not, moves."""

import keras
import numpy as np
import pytest
from backbones import SIZE, Subclassed, backbone, images
from keras import layers

import kerascnn
from kerascnn.errors import InputError
from kerascnn.transfer import attach_head, freeze


def values(model):
    return {weight.path: np.array(weight) for weight in model.weights}


def changed(model, before):
    """Names of layers with a weight that training has changed, and which weights."""
    after = values(model)
    return {path for path, old in before.items() if not np.array_equal(old, after[path])}


def train(model, eager=True):
    """Which weights two steps of training change. Eagerly, as tracing takes longer."""
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=eager)
    before = values(model)
    model.fit(images(8), np.arange(8) % 3, batch_size=4, verbose=0)
    return changed(model, before)


HEAD = {"predictions/kernel", "predictions/bias"}
CONV3 = {"conv3/kernel"}
NORM3 = {f"norm3/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")}
ALL2 = {"conv2/kernel", *(path.replace("3", "2") for path in NORM3)}


@pytest.mark.parametrize(
    ("until", "batch_norm", "moving"),
    [
        ("head", "frozen", HEAD),
        ("head", "train", HEAD),
        ("stage2", "frozen", HEAD | CONV3),
        ("stage2", "train", HEAD | CONV3 | NORM3),
        ("conv3", "frozen", HEAD | CONV3),
        ("norm3", "train", HEAD | NORM3),
        ("norm3", "frozen", HEAD),
        ("none", "train", HEAD | CONV3 | NORM3 | ALL2),
        (0.0, "frozen", HEAD | CONV3 | {"conv2/kernel"}),
        (0.5, "train", HEAD | CONV3 | NORM3),
        (0.25, "train", HEAD | CONV3 | NORM3 | ALL2 - {"conv2/kernel"}),
        (-4, "train", HEAD | NORM3),
        (5, "train", HEAD | CONV3 | NORM3),
    ],
)
def test_training_changes_what_is_not_frozen(until, batch_norm, moving):
    model = attach_head(backbone(), 3, dropout=0)
    summary = freeze(model, until, batch_norm=batch_norm)
    assert train(model) == moving
    trained = {p for p in moving if "moving" not in p}
    assert {variable.path for variable in model.trainable_variables} == trained
    assert summary.trainable_parameters == sum(
        int(np.prod(weight.shape)) for weight in model.weights if weight.path in trained
    )
    total = sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert summary.trainable_parameters + summary.frozen_parameters == total


def test_the_first_trainable_layer_is_named():
    model = attach_head(backbone(), 3)
    assert freeze(model).first_trainable == "predictions"
    assert freeze(model, "stage2").first_trainable == "conv3"
    assert freeze(model, "none").first_trainable == "conv2"


def test_batch_norm_of_the_head_is_always_trained():
    model = attach_head(backbone(), 3, "mlp", hidden=4)
    freeze(model)
    moving = train(model)
    assert "head_norm1/moving_mean" in moving
    assert not [path for path in moving if not path.startswith(("head_", "predictions"))]


def nested():
    inputs = keras.Input((SIZE, SIZE, 3))
    base = backbone()
    base.trainable = False  # as Keras's guide to transfer learning does
    x = layers.GlobalAveragePooling2D()(base(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="predictions")(x))


def test_nested_models_stay_trainable_as_containers():
    model = nested()
    freeze(model, "stage2")
    moving = {path.removeprefix("small/") for path in train(model)}
    assert moving == HEAD | CONV3
    freeze(model)
    assert {path.removeprefix("small/") for path in train(model)} == HEAD
    assert model.get_layer("small").trainable


def test_phases_follow_each_other():
    model = attach_head(backbone(), 3)
    freeze(model)
    assert train(model, eager=False) == HEAD
    freeze(model, "stage2", batch_norm="train")
    assert train(model, eager=False) == HEAD | CONV3 | NORM3


def test_a_compiled_model_must_be_compiled_again():
    model = attach_head(backbone(), 3)
    train(model)
    freeze(model)
    with pytest.raises(ValueError, match="compile"):
        model.fit(images(4), np.zeros(4), verbose=0)
    assert train(model) == HEAD


@keras.saving.register_keras_serializable(package="tests.transfer")
class Block(layers.Layer):
    """A composite layer with batch norms inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 3, name="inner_conv")
        self.norm = kerascnn.layers.BatchNormalization(name="inner_norm")

    def build(self, input_shape):
        self.conv.build(input_shape)
        self.norm.build(self.conv.compute_output_shape(input_shape))

    def call(self, x, training=None):
        return self.norm(self.conv(x), training=training)

    def compute_output_shape(self, input_shape):
        return self.conv.compute_output_shape(input_shape)


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
def test_batch_norm_inside_composite_layers(batch_norm):
    base = keras.Sequential([keras.Input((SIZE, SIZE, 3)), Block(name="block")])
    model = attach_head(base, 3)
    freeze(model, "none", batch_norm=batch_norm)
    moving = {path.split("block/")[-1] for path in train(model)}
    assert "inner_conv/kernel" in moving
    assert ("inner_norm/moving_mean" in moving) == (batch_norm == "train")


def test_weights_beside_the_layers_of_a_nested_model():
    class WithToken(Subclassed):
        def build(self, input_shape):
            self.offset = self.add_weight(shape=(1, 1, 1, 3), name="offset")

        def call(self, x, training=None):
            return super().call(x + self.offset, training=training)

    base = WithToken(name="own")
    base(images(1))
    model = attach_head(base, 3, dropout=0)
    freeze(model)
    assert train(model) == HEAD
    freeze(model, "none")
    assert "own/offset" in train(model)


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("stage7", r"Its stages: \['stage2', 'stage3'\]"),
        ("covn3", "Did you mean 'conv3'"),
        ("predictions", "part of the head"),
        (1.5, "`until` must be"),
        (99, "`until` must be"),
        (True, "`until` must be"),
        (None, "`until` must be"),
    ],
)
def test_unknown_places_are_refused(until, message):
    model = attach_head(backbone(), 3)
    with pytest.raises(InputError, match=message):
        freeze(model, until)


def test_unknown_batch_norm_is_refused():
    with pytest.raises(InputError, match="`batch_norm` must be one of"):
        freeze(attach_head(backbone(), 3), batch_norm="half")


def test_a_frozen_backbone_with_random_weights_is_said(caplog):
    def warned(model, until="head"):
        caplog.clear()
        with caplog.at_level("WARNING", "kerascnn.transfer"):
            freeze(model, until)
        return "has random weights" in caplog.text

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    assert warned(model)
    assert not warned(model, "none")
    model.get_layer("norm").moving_mean.assign([0.1] * 4)
    assert not warned(model)
