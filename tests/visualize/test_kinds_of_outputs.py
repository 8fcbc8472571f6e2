"""What is explained of one sigmoid, of labels and of quantities, by every method."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import (
    METHODS,
    attribute,
    grad_cam,
    integrated_gradients,
    integration_path,
    maximize_activation,
    occlusion,
)

ABOUT_A_CLASS = [name for name, method in METHODS.items() if method.takes_classes]


def network(units, activation):
    """Maps of the left and of the right half: the first feature is left, the second right."""
    inputs = keras.Input((16, 16, 1))
    maps = layers.Conv2D(2, 1, activation="relu", name="maps")(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(inputs, layers.Dense(units, activation=activation, name="scores")(x))
    model.get_layer("maps").set_weights([np.array([[[[1.0, -1.0]]]]), np.array([-0.5, 0.5])])
    return model


@pytest.fixture(scope="module")
def images():
    """Bright on the left, dark on the right: the first map is on the left, the second right."""
    picture = np.zeros((2, 16, 16, 1), np.float32)
    picture[:, :, :8] = 255
    picture += np.random.default_rng(0).uniform(0, 9, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255)


@pytest.fixture(scope="module")
def binary():
    """Bright speaks for the second class, dark for the first."""
    model = network(1, "sigmoid")
    model.get_layer("scores").set_weights([np.array([[4.0], [-4.0]]), np.zeros(1)])
    return model


@pytest.fixture(scope="module")
def twin(binary):
    """The same two classes with a score each: the negative of the logit, and the logit."""
    model = network(2, "softmax")
    kernel = np.array([[-4.0, 4.0], [4.0, -4.0]])
    model.get_layer("scores").set_weights([kernel, np.zeros(2)])
    return model


@pytest.mark.parametrize("name", ABOUT_A_CLASS)
@pytest.mark.parametrize("of", [0, 1])
def test_one_sigmoid_is_explained_as_two_classes(binary, twin, images, name, of):
    found, expected = (attribute(model, images, name, of) for model in (binary, twin))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found).max() > 0


@pytest.mark.parametrize("name", ABOUT_A_CLASS)
def test_against_a_class_is_for_the_other_of_two(binary, images, name):
    against = attribute(binary, images, name, 1, against=True)
    np.testing.assert_allclose(against, attribute(binary, images, name, 0), atol=1e-5)


def test_the_evidence_is_where_it_is(binary, images):
    for of, side in ((1, slice(0, 8)), (0, slice(8, 16))):
        heat = grad_cam(binary, images, of)
        assert heat[:, :, side].mean() > 0.9
        assert heat.mean() < 0.6


def test_the_likelier_class_is_explained_by_default(binary, images):
    chosen = (binary.predict_on_batch(images)[:, 0] > 0.5).astype(int)
    np.testing.assert_array_equal(grad_cam(binary, images), grad_cam(binary, images, chosen))
    frames = integration_path(binary, images, 0, frames=2, steps=2)
    assert frames.shape == (2, 32, 32, 3)


def test_a_sigmoid_as_a_layer_or_behind_a_cast_counts_too(binary, images):
    logit = keras.Model(binary.input, binary.get_layer("maps").output)
    x = layers.GlobalAveragePooling2D()(logit.output)
    dense = layers.Dense(1)
    ends = [
        lambda values: layers.Activation("sigmoid")(values),
        lambda values: keras.ops.sigmoid(values),
        lambda values: layers.Activation("linear")(keras.ops.sigmoid(values)),
    ]
    for end in ends:
        model = keras.Model(binary.input, end(dense(x)))
        dense.set_weights(binary.get_layer("scores").get_weights())
        found = grad_cam(model, images, 0)
        np.testing.assert_allclose(found, grad_cam(binary, images, 0), atol=1e-6)


def test_only_two_classes_are_known(binary, images):
    with pytest.raises(InputError, match="from 0 to 1"):
        grad_cam(binary, images, 2)


def test_labels_are_explained_one_by_one(images):
    model = network(3, "sigmoid")
    kernel = np.array([[5.0, 0.0, -5.0], [0.0, 5.0, 5.0]])
    model.get_layer("scores").set_weights([kernel, np.zeros(3)])
    left, right = grad_cam(model, images, 0), grad_cam(model, images, 1)
    assert left[:, :, :8].mean() > 0.9 > 0.1 > left[:, :, 8:].mean()
    assert right[:, :, 8:].mean() > 0.9 > 0.1 > right[:, :, :8].mean()
    np.testing.assert_allclose(grad_cam(model, images, 2, against=True), left, atol=1e-6)


def test_quantities_are_explained_by_what_raises_or_lowers_them(images):
    model = network(2, None)
    model.get_layer("scores").set_weights([np.array([[300.0, 0.0], [-100.0, 1.0]]), np.zeros(2)])
    raised, lowered = (grad_cam(model, images, 0, against=against) for against in (False, True))
    assert raised[:, :, :8].mean() > 0.9 > 0.1 > raised[:, :, 8:].mean()
    assert lowered[:, :, 8:].mean() > 0.9 > 0.1 > lowered[:, :, :8].mean()
    gains = integrated_gradients(model, images, 0, steps=64).gains
    values = model.predict_on_batch(images)[:, 0]
    black = model.predict_on_batch(np.zeros_like(images))[:, 0]
    np.testing.assert_allclose(gains, values - black, rtol=1e-4)
    falls = occlusion(model, images, 0, patch=4)
    np.testing.assert_allclose(
        occlusion(model, images, 0, patch=4, against=True), -falls, atol=1e-4
    )


def test_pictures_are_made_for_either_class(binary):
    options = {"steps": 8, "parametrization": "pixels", "jitter": 0}
    first, second = maximize_activation(binary, [0, 1], **options).pictures.mean(axis=(1, 2, 3))
    assert first < second  # dark, bright
