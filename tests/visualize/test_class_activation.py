"""The other class activation maps, each against a few lines that follow its paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import cam, grad_cam, grad_cam_pp, layer_cam, saliency, score_cam

SIDE, CLASSES = 12, 4
IMAGES = np.random.default_rng(0).uniform(0, 255, (5, SIDE, SIDE, 3)).astype("float32")
CHOSEN = [0, 3, 1, 1, 2]


def build(head):
    keras.utils.set_random_seed(11)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="early")(x)
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="late")(x)
    return keras.Model(inputs, head(x))


def dense(x):
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(x))
    return layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def average(x):
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def average_and_convolution(x):
    """As in keras.applications.MobileNet."""
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Reshape((CLASSES,))(layers.Conv2D(CLASSES, 1, name="predictions")(x))
    return layers.Activation("softmax")(x)


@pytest.fixture(scope="module")
def model():
    return build(dense)


def parts(model, layer):
    """The network up to a layer, and the rest without its softmax."""
    before = keras.Model(model.input, model.get_layer(layer).output)
    after = keras.Model(model.get_layer(layer).output, model.output)
    after = keras.models.clone_model(after)
    names = [each.name for each in model.layers]
    behind = names[names.index(layer) + 1 :]
    after.set_weights([w for name in behind for w in model.get_layer(name).get_weights()])
    after.layers[-1].activation = keras.activations.linear
    return before, after


def maps_and_slopes(model, layer):
    before, after = parts(model, layer)
    maps = tf.constant(before(IMAGES))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = tf.gather(after(maps), CHOSEN, axis=1, batch_dims=1)
    return maps.numpy().astype(np.float64), tape.gradient(score, maps).numpy().astype(np.float64)


def finished(heat):
    heat = np.maximum(heat, 0)[..., None].astype("float32")
    heat = tf.image.resize(heat, (SIDE, SIDE)).numpy()[..., 0]
    return heat / np.maximum(heat.max((1, 2), keepdims=True), 1e-30)


def grad_cam_pp_by_hand(maps, slopes):
    """Pixel by pixel, equations 10 (weights), 19 (shares) of the paper."""
    heat = np.zeros(maps.shape[:3])
    for image in range(len(maps)):
        for channel in range(maps.shape[-1]):
            total, weight = maps[image, ..., channel].sum(), 0.0
            for slope in slopes[image, ..., channel].ravel():
                below = 2 * slope**2 + total * slope**3
                weight += max(slope, 0) * (slope**2 / below if below else 0)
            heat[image] += weight * maps[image, ..., channel]
    return heat


def layer_cam_by_hand(maps, slopes):
    return np.einsum("bhwc,bhwc->bhw", maps, np.where(slopes > 0, slopes, 0))


def grad_cam_by_hand(maps, slopes):
    return np.einsum("bhwc,bc->bhw", maps, slopes.mean((1, 2)))


@pytest.mark.parametrize("layer", ["late", "early"])
@pytest.mark.parametrize(
    ("function", "reference"),
    [
        (grad_cam, grad_cam_by_hand),
        (grad_cam_pp, grad_cam_pp_by_hand),
        (layer_cam, layer_cam_by_hand),
    ],
)
def test_maps_and_slopes_become_heat_as_in_the_paper(model, function, reference, layer):
    expected = finished(reference(*maps_and_slopes(model, layer)))
    found = function(model, IMAGES, CHOSEN, layer, batch_size=2)
    assert found.dtype == np.float32
    assert np.count_nonzero(expected) > 100
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("channels", [None, 3])
def test_score_cam_shows_each_map_to_the_network(model, channels):
    before, _ = parts(model, "late")
    scores = keras.models.clone_model(model)
    scores.set_weights(model.get_weights())
    scores.get_layer("predictions").activation = keras.activations.linear
    maps = np.asarray(before(IMAGES))
    heat = np.zeros(maps.shape[:3])
    for image in range(len(IMAGES)):
        order = np.argsort(-maps[image].std((0, 1)), kind="stable")[:channels]
        found = {}
        for channel in order:
            one = maps[image, ..., channel]
            if np.ptp(one) > 0:
                mask = tf.image.resize((one - one.min())[..., None] / np.ptp(one), (SIDE, SIDE))
                found[channel] = float(scores(IMAGES[image] * mask[None])[0, CHOSEN[image]])
        total = sum(np.exp(score) for score in found.values())
        for channel, score in found.items():
            heat[image] += np.exp(score) / total * maps[image, ..., channel]
    given = {"channels": channels, "batch_size": 4}
    assert np.count_nonzero(heat) > 50
    np.testing.assert_allclose(score_cam(model, IMAGES, CHOSEN, **given), finished(heat), atol=1e-4)
    whole = score_cam(model, IMAGES, CHOSEN, channels=channels, batch_size=100)  # not compiled
    np.testing.assert_allclose(whole, finished(heat), atol=1e-4)


@pytest.mark.parametrize("head", [average, average_and_convolution])
def test_cam_and_grad_cam_agree_on_the_networks_of_cam(head):
    model = build(head)
    maps = np.asarray(keras.Model(model.input, model.get_layer("late").output)(IMAGES))
    kernel = np.asarray(model.get_layer("predictions").kernel).reshape(6, CLASSES)
    expected = finished(np.einsum("bhwc,cb->bhw", maps, kernel[:, CHOSEN]))
    found = cam(model, IMAGES, CHOSEN, batch_size=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(grad_cam(model, IMAGES, CHOSEN), found, atol=1e-5)
    np.testing.assert_allclose(grad_cam(model, IMAGES), cam(model, IMAGES), atol=1e-5)


def test_cam_of_nested_models_is_the_same():
    model = build(average)
    inner = keras.Model(model.input, model.get_layer("late").output)
    tail = [layers.GlobalAveragePooling2D(), model.get_layer("predictions")]
    nested = keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner, *tail])
    np.testing.assert_allclose(cam(nested, IMAGES, CHOSEN), cam(model, IMAGES, CHOSEN), atol=1e-6)


def twice(x):
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(CLASSES)(layers.Dense(CLASSES)(x))


def bent(x):
    x = layers.Activation("relu")(layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))
    return layers.Softmax()(x)


@pytest.mark.parametrize("head", [dense, twice, bent])
def test_other_heads_have_no_cam(head):
    with pytest.raises(InputError, match=r"CAM needs a network that ends in .* Use grad_cam"):
        cam(build(head), IMAGES)


class Handmade(keras.Model):
    """Layers, and a `call`: Keras knows no graph of it."""

    def __init__(self):
        super().__init__()
        self.predictions = layers.Dense(CLASSES)
        self.late = layers.Conv2D(6, 3, padding="same", activation="relu")
        self.early = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")

    def call(self, inputs):
        x = self.late(self.early(inputs / 255))
        return self.predictions(keras.ops.mean(x, axis=(1, 2)))


@pytest.mark.parametrize("function", [grad_cam, grad_cam_pp, layer_cam, score_cam])
def test_the_last_maps_of_a_subclassed_model_are_found(function):
    keras.utils.set_random_seed(1)
    model = Handmade()
    found = function(model, IMAGES, CHOSEN)
    np.testing.assert_array_equal(found, function(model, IMAGES, CHOSEN, model.late.name))
    assert not np.allclose(found, function(model, IMAGES, CHOSEN, model.early.name))


def test_a_layer_that_is_used_twice_counts_where_it_is_used_last():
    keras.utils.set_random_seed(6)
    inputs = keras.Input((SIDE, SIDE, 3))
    shared = layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    x = layers.GlobalAveragePooling2D()(shared(shared(inputs)))
    model = keras.Model(inputs, layers.Dense(CLASSES)(x))
    np.testing.assert_allclose(
        grad_cam(model, IMAGES, CHOSEN, "shared"), cam(model, IMAGES, CHOSEN), atol=1e-5
    )


def test_score_cam_needs_a_channel(model):
    with pytest.raises(InputError, match="must be at least 1"):
        score_cam(model, IMAGES, channels=0)


def test_maps_without_a_place_are_dark():
    """A layer whose maps are flat everywhere has nothing to show."""
    model = build(dense)
    late = model.get_layer("late")
    late.kernel.assign(0 * late.kernel)
    late.bias.assign(np.ones(6))
    assert score_cam(model, IMAGES).max() == 0


class _StemAndHead(keras.Model):
    """A graph of its own at the start, and a convolution outside of any graph behind it."""

    def __init__(self):
        super().__init__()
        self.stem = keras.Sequential(
            [keras.Input((12, 12, 3)), layers.Conv2D(4, 3, activation="relu", name="stem")]
        )
        self.late = layers.Conv2D(5, 3, strides=2, activation="relu", name="late")
        self.pool = layers.GlobalAveragePooling2D()
        self.scores = layers.Dense(3)

    def call(self, inputs):
        return self.scores(self.pool(self.late(self.stem(inputs))))


def test_the_last_maps_are_those_outside_of_the_graphs_inside():
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 1, (2, 12, 12, 3)).astype("float32")
    model = _StemAndHead()
    model(images)
    np.testing.assert_allclose(grad_cam(model, images), grad_cam(model, images, layer="late"))
    inputs = keras.Input((12, 12, 3))
    wrapped = keras.Model(inputs, model(inputs))
    np.testing.assert_allclose(grad_cam(wrapped, images), grad_cam(model, images, layer="late"))


@pytest.mark.parametrize("end", ["activation", "layer", "operation"])
def test_a_saturated_sigmoid_leaves_the_score_its_slopes(end):
    """Near 1 a sigmoid has no slope left in float32: maps and slopes are those of the logits."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    logits = layers.Dense(1, bias_initializer=keras.initializers.Constant(200.0))
    x = layers.GlobalAveragePooling2D()(x)
    bare = keras.Model(inputs, logits(x))
    ends = {
        "layer": lambda: layers.Activation("sigmoid")(logits(x)),
        "operation": lambda: keras.ops.sigmoid(logits(x)),
    }
    model = (
        keras.models.clone_model(bare) if end == "activation" else keras.Model(inputs, ends[end]())
    )
    if end == "activation":
        model.set_weights(bare.get_weights())
        model.layers[-1].activation = keras.activations.sigmoid
    images = np.random.default_rng(0).uniform(0, 1, (2, 12, 12, 3)).astype("float32")
    assert float(np.min(keras.ops.convert_to_numpy(model(images)))) == 1
    slopes = saliency(model, images)
    assert slopes.max() > 0
    np.testing.assert_allclose(slopes, saliency(bare, images), rtol=1e-6)
    np.testing.assert_allclose(cam(model, images), grad_cam(bare, images), atol=1e-5)
    assert float(np.min(keras.ops.convert_to_numpy(model(images)))) == 1
