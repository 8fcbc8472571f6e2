"""Grad-CAM against class activation maps by hand, in every kind of model."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import grad_cam, overlay

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype("float32")


def body(x):
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="early")(x)
    return layers.Conv2D(6, 3, padding="same", activation="relu", name="late")(x)


def head(x, activation="softmax"):
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(5, activation=activation, name="predictions")(x)


@pytest.fixture
def model():
    keras.utils.set_random_seed(3)
    inputs = keras.Input((16, 16, 3))
    return keras.Model(inputs, head(layers.MaxPooling2D(2, name="pool")(body(inputs))))


def average_model():
    """Ends in global average pooling and a dense layer: Grad-CAM is CAM (section 3.1)."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((16, 16, 3))
    return keras.Model(inputs, head(body(inputs)))


def class_activation_maps(model, images, classes):
    """Zhou et al. 2016: the maps, weighted by the kernel of the dense layer."""
    maps = np.asarray(keras.Model(model.input, model.get_layer("late").output)(images))
    kernel = np.asarray(model.get_layer("predictions").kernel)
    heat = np.maximum(np.einsum("bhwc,cb->bhw", maps, kernel[:, classes]), 0)
    heat = keras.ops.image.resize(heat[..., None], (16, 16), data_format="channels_last")
    heat = np.asarray(heat)[..., 0]
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-30)


@pytest.mark.parametrize("classes", [(0, 1, 2), (4, 4, 0)])
def test_it_is_cam_where_the_head_is_linear(classes):
    model = average_model()
    found = grad_cam(model, IMAGES, classes)
    assert found.shape == (3, 16, 16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, class_activation_maps(model, IMAGES, list(classes)), atol=1e-5
    )


def test_weights_are_the_slopes_of_the_score():
    """Slopes by differences of the part of the network behind the maps, in NumPy."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((16, 16, 3))
    late = layers.Conv2D(4, 5, strides=4, name="late")(layers.Rescaling(1 / 255)(inputs))
    dense = [layers.Dense(8, activation="tanh"), layers.Dense(5, activation="softmax")]
    model = keras.Model(inputs, dense[1](dense[0](layers.Flatten()(late))))
    maps = np.asarray(keras.Model(inputs, late)(IMAGES), np.float64)
    (k0, b0), (k1, b1) = ([np.asarray(w, np.float64) for w in layer.weights] for layer in dense)

    def scores(maps):
        return np.tanh(maps.reshape(3, -1) @ k0 + b0) @ k1 + b1

    classes, step = scores(maps).argmax(axis=1), 1e-6
    slopes = np.zeros(maps.shape)
    for place in np.ndindex(maps.shape[1:]):
        moved = maps.copy()
        moved[:, *place] += step
        slopes[:, *place] = ((scores(moved) - scores(maps)) / step)[np.arange(3), classes]
    heat = np.maximum(np.einsum("bhwc,bc->bhw", maps, slopes.mean(axis=(1, 2))), 0)[..., None]
    heat = np.asarray(keras.ops.image.resize(heat, (16, 16), data_format="channels_last"))[..., 0]
    heat = heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-30)
    assert np.count_nonzero(heat) > 100
    np.testing.assert_allclose(grad_cam(model, IMAGES), heat, atol=1e-4)


def as_logits(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.get_layer("predictions").activation = keras.activations.linear
    return copy


def with_softmax_layer(model):
    return keras.Sequential([keras.Input((16, 16, 3)), as_logits(model), layers.Softmax()])


def with_softmax_operation(model):
    inputs = keras.Input((16, 16, 3))
    return keras.Model(inputs, keras.ops.softmax(as_logits(model)(inputs)))


def nested(model):
    inputs = keras.Input((16, 16, 3))
    inner = keras.Model(model.input, model.get_layer("late").output, name="backbone")
    x = layers.GlobalAveragePooling2D()(inner(inputs))
    return keras.Model(inputs, model.get_layer("predictions")(x))


def sequential(model):
    inner = keras.Sequential([model.get_layer("early"), model.get_layer("late")])
    last = [layers.GlobalAveragePooling2D(), model.get_layer("predictions")]
    return keras.Sequential([keras.Input((16, 16, 3)), inner, *last])


class Subclassed(keras.Model):
    def __init__(self, model):
        super().__init__()
        self.inner = model

    def call(self, inputs):
        return self.inner(inputs)


@pytest.mark.parametrize(
    "change", [as_logits, with_softmax_layer, with_softmax_operation, nested, sequential]
)
def test_the_form_of_the_model_does_not_matter(change):
    model = average_model()
    other = change(model)
    np.testing.assert_allclose(other(IMAGES)[:, :0], model(IMAGES)[:, :0])
    np.testing.assert_allclose(
        grad_cam(other, IMAGES, (1, 2, 3)), grad_cam(model, IMAGES, (1, 2, 3)), atol=1e-5
    )


def test_subclassed_models_are_fine_too():
    model = average_model()
    wrapped = Subclassed(as_logits(model))
    for layer in (None, "late"):
        found = grad_cam(wrapped, IMAGES, (1, 2, 3), layer)
        np.testing.assert_allclose(found, grad_cam(model, IMAGES, (1, 2, 3)), atol=1e-5)


def test_it_leaves_the_model_as_it_was(model):
    before = np.asarray(model(IMAGES))
    config = model.get_config()
    grad_cam(model, IMAGES)
    np.testing.assert_array_equal(np.asarray(model(IMAGES)), before)
    assert model.get_config() == config
    assert "call" not in vars(model.get_layer("late"))
    assert model.get_layer("predictions").activation is keras.activations.softmax


def test_an_earlier_layer_can_be_named(model):
    assert not np.allclose(grad_cam(model, IMAGES, layer="early"), grad_cam(model, IMAGES))


def test_the_last_maps_before_the_pooling_are_the_default(model):
    np.testing.assert_array_equal(grad_cam(model, IMAGES), grad_cam(model, IMAGES, layer="late"))


def test_where_nothing_spoke_for_the_class_it_is_zero():
    model = average_model()
    dense = model.get_layer("predictions")
    dense.kernel.assign(-np.abs(np.asarray(dense.kernel)))
    assert grad_cam(model, IMAGES).max() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "absent"}, r"no layer 'absent'.*predictions"),
        ({"layer": "predictions"}, "must give maps"),
        ({"classes": [0, 1]}, "must hold 3 whole numbers"),
        ({"classes": [0, 1, 5]}, "from 0 to 4"),
    ],
)
def test_what_does_not_fit_is_said(model, options, message):
    with pytest.raises(InputError, match=message):
        grad_cam(model, IMAGES, **options)


def test_a_network_without_maps_is_an_error():
    start = [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255)]
    model = keras.Sequential([*start, layers.Flatten(), layers.Dense(2)])
    with pytest.raises(InputError, match="needs a layer that gives feature maps"):
        grad_cam(model, np.zeros((1, 4, 4, 1), "float32"))


def test_an_overlay_is_blue_where_cold_and_red_where_hot():
    image = np.full((2, 2, 1), 100, np.uint8)
    mixed = overlay(image, np.array([[0.0, 1.0], [0.0, 1.0]]), strength=1.0)
    assert mixed.shape == (2, 2, 3)
    assert mixed[0, 0].argmax() == 2
    assert mixed[0, 1].argmax() == 0
    np.testing.assert_array_equal(overlay(image, np.zeros((2, 2)), 0.0), np.repeat(image, 3, 2))


@pytest.mark.parametrize(
    ("image", "heatmap"),
    [
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3))),
        (np.zeros((2, 2, 3), np.uint8), np.full((2, 2), 2.0)),
    ],
)
def test_an_overlay_of_other_arrays_is_an_error(image, heatmap):
    with pytest.raises(InputError, match="expected a"):
        overlay(image, heatmap)


def test_half_precision_gives_the_same_places():
    model = average_model()
    halved = keras.models.clone_model(model, clone_function=in_bfloat16)
    halved.set_weights(model.get_weights())
    found, wanted = (grad_cam(each, IMAGES, (1, 2, 3)) for each in (halved, model))
    assert found.dtype == np.float32
    assert np.abs(found - wanted).mean() < 0.02


def in_bfloat16(layer):
    return type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
