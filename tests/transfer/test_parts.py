"""Where a backbone ends and a head begins, in every kind of model."""

import keras
import numpy as np
import pytest
from backbones import SIZE, Subclassed, backbone, images, sequential
from keras import layers

import kerascnn
from kerascnn.errors import InputError
from kerascnn.transfer import attach_head, split


def names(part):
    return [layer.name for layer in part]


def features_of(model, head=None):
    """The features that `split` names, computed."""
    return np.asarray(keras.Model(model.inputs[0], split(model, head).features)(images(2)))


@pytest.mark.parametrize(
    ("name", "size", "head"),
    [
        ("ResNet20", 32, ["predictions"]),
        ("NIN", 32, None),
        ("MobileNetV2", 32, None),
        ("ConvNeXtTiny", 32, ["head_norm", "predictions"]),
    ],
)
def test_models_of_the_zoo(name, size, head):
    model = kerascnn.create_model(name, input_shape=(size, size, 3), classes=5)
    parts = split(model)
    assert names(parts.head)[-1] == "predictions"
    if head is not None:
        assert [n for n in names(parts.head) if model.get_layer(n).weights] == head
    own = [*parts.backbone, *parts.head]
    assert {id(layer) for layer in own} == {id(layer) for layer in model.layers[1:]}


def test_an_attached_head():
    base = backbone()
    model = attach_head(base, 3, "mlp", hidden=4)
    parts = split(model)
    assert names(parts.head)[0] == "head_dense1"
    assert names(parts.backbone)[-1] == "head_pool"
    wanted = np.asarray(base(images(2))).mean(axis=(1, 2))
    np.testing.assert_allclose(features_of(model), wanted, atol=1e-6)


def test_a_model_of_keras_applications():
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=7)
    parts = split(model)
    assert names(parts.head) == ["predictions"]
    assert parts.features.shape == (None, 1280)


def test_a_sequential_model_with_a_nested_backbone():
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255, name="first"),
            backbone(),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(4, name="last"),
        ]
    )
    parts = split(model)
    assert names(parts.head) == ["drop", "last"]
    assert names(parts.backbone)[0] == "first"
    assert {"conv2", "stage3", "pool"} <= set(names(parts.backbone))
    assert features_of(model).shape == (2, 12)


def test_a_functional_model_with_a_nested_backbone():
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Flatten(name="flat")(sequential()(inputs, training=False))
    model = keras.Model(inputs, layers.Dense(4, name="out")(x))
    parts = split(model)
    assert names(parts.head) == ["out"]
    assert {"conv1", "conv2", "flat"} <= set(names(parts.backbone))


def test_a_model_that_ends_in_its_backbone_needs_no_name_for_the_last_layer():
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.Dropout(0.1, name="drop")(layers.GlobalAveragePooling2D(name="pool")(x))
    model = keras.Model(inputs, layers.Dense(2, name="answer")(x))
    assert names(split(model).head) == ["drop", "answer"]
    assert names(split(model, head="pool").head) == ["drop", "answer"]


def test_the_head_can_be_named():
    model = attach_head(backbone(), 3, cut="stage3")
    assert names(split(model, head="conv3").head)[0] == "conv3"
    assert features_of(model, head="conv3").shape == (2, 4, 4, 8)
    with pytest.raises(InputError, match="no layer 'top'"):
        split(model, head="top")


def test_what_cannot_be_taken_apart_is_refused():
    own = Subclassed()
    own(images(1))
    with pytest.raises(InputError, match="no graph of layers"):
        split(own)
    with pytest.raises(InputError, match="no graph of layers"):
        split(keras.Sequential([layers.Dense(3)]))
    with pytest.raises(InputError, match=r"expected a keras\.Model"):
        split("model")
    with pytest.raises(InputError, match="found no head"):
        split(backbone())
    base = backbone()
    with pytest.raises(InputError, match="one input and one output"):
        split(keras.Model(base.input, [base.output, base.get_layer("stage2").output]))
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(3, 1, name="a")(inputs)
    b = layers.Conv2D(3, 1, name="b")(a)
    x = layers.Dense(2)(layers.Flatten()(layers.Add(name="sum")([a, b])))
    with pytest.raises(InputError, match="more than one tensor"):
        split(keras.Model(inputs, x), head="sum")
