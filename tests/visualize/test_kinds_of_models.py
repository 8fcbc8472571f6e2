"""The same calls on every kind of model, small inputs, real weights where they are at hand."""

import keras
import numpy as np
import pytest
import tiny
from keras import layers

import kerascnn
from kerascnn.visualize import (
    architecture_diagram,
    deconvnet,
    feature_maps,
    filters,
    hidden_features,
    loss_landscape,
    maximize_activation,
    top_patches,
)

REAL = "mobilenet_v1_0.25_224_imagenet.weights.h5"


def lenet(shared):
    return kerascnn.models.LeNet5(activation="relu", pool="max"), "c3", "c5"


def resnet(shared):
    with pytest.MonkeyPatch.context() as patch:
        tiny.make_shallow(patch)
        model = kerascnn.models.ResNet18(input_shape=(32, 32, 3), classes=10)
    return model, "stage2", "stage3"


def mobilenet(shared):
    weights = shared() / "weights" / REAL
    model = kerascnn.models.MobileNet(alpha=0.25, weights=str(weights), input_shape=(64, 64, 3))
    return model, "stage2", "stage4"


def application(shared):
    model = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, weights=None, classes=10, classifier_activation="softmax"
    )
    return model, "block_1_expand_relu", "block_3_project_BN"


def nested(shared):
    inner = keras.Sequential(
        [
            layers.Conv2D(6, 3, strides=2, padding="same", name="inner_conv"),
            layers.BatchNormalization(),
            layers.ReLU(name="inner_act"),
        ]
    )
    head = [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(4)]
    return keras.Sequential([keras.Input((24, 20, 3)), inner, *head]), "inner_conv", "inner_act"


def with_rescaling(shared):
    inputs = keras.Input((16, 16, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(5, 3, activation="relu", name="early")(x)
    x = layers.Conv2D(7, 3, activation="relu", name="late")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x)), "early", "late"


@pytest.mark.parametrize("build", [lenet, resnet, mobilenet, application, nested, with_rescaling])
def test_the_same_calls_work_on_any_model(build, request):
    keras.utils.set_random_seed(0)
    model, early, late = build(lambda: request.getfixturevalue("shared"))
    images = np.random.default_rng(0).uniform(0, 255, (3, *model.input_shape[1:]))
    images = images.astype("float32")
    classes = model.output_shape[-1]

    kernels = filters(model)
    assert kernels.shape[-1] == images.shape[-1]
    assert kernels.min() == 0 or kernels.max() == 1
    maps = feature_maps(model, images, [early, late])
    assert maps[early].shape[0] == 3
    assert maps[early].std() > 0
    units = maps[early].max((0, 1, 2)).argsort()[-2:].tolist()
    top = top_patches(model, images, early, 2, units=units, projections=True)
    assert top.patches.shape[:2] == (2, 2)
    assert np.abs(top.projections).max() > 0
    np.testing.assert_allclose(
        top.values[0], np.sort(maps[early][..., units[0]].max((1, 2)))[:0:-1], rtol=1e-4
    )
    assert np.isfinite(deconvnet(model, images, late)).all()
    assert hidden_features(model, images).shape[0] == 3
    climbed = maximize_activation(model, [0, classes - 1], steps=2, jitter=1)
    assert climbed.pictures.shape == (2, *model.input_shape[1:])
    assert np.isfinite(climbed.activations).all()
    assert architecture_diagram(model).startswith("<svg")
    landscape = loss_landscape(
        model, "sparse_categorical_crossentropy", images, np.zeros(3), points=3, span=0.1
    )
    assert np.isfinite(landscape.losses).all()


def test_real_weights_have_learned_edges_and_colours(shared):
    """Filters of a trained first layer are smoother than what they started from."""
    weights = str(shared / "weights" / REAL)
    trained = kerascnn.models.MobileNet(alpha=0.25, weights=weights, include_top=False)
    fresh = kerascnn.models.MobileNet(alpha=0.25, include_top=False)
    steps = [
        np.abs(np.diff(filters(model, together=True), axis=1)).mean() for model in (trained, fresh)
    ]
    assert steps[0] < 0.7 * steps[1]
