"""Activation maximisation where the answer is known, and its parametrisations by differences."""

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn.errors import InputError
from kerascnn.visualize import maximize_activation, save_animation
from kerascnn.visualize.picture_parameters import AXES, PictureParameters


def linear_model(seed=0, activation=None):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((6, 5, 3))
    dense = layers.Dense(2, name="dense", activation=activation)
    return keras.Model(inputs, dense(layers.Flatten()(inputs)))


def test_a_linear_unit_gets_its_weights():
    """Climbed is w t - l2 t^2 of pixels t in -1..1: highest at t = w / (2 l2)."""
    model = linear_model()
    kernel = np.random.default_rng(1).uniform(-0.5, 0.5, (90, 2)).astype("float32")
    model.get_layer("dense").set_weights([kernel, np.zeros(2)])
    found = maximize_activation(
        model,
        [1, 0],
        parametrization="pixels",
        value_range=(-1, 1),
        jitter=0,
        l2=0.5,
        steps=110,
    )
    wanted = np.stack([kernel[:, 1], kernel[:, 0]]).reshape(2, 6, 5, 3)
    np.testing.assert_allclose(found.pictures, wanted, atol=2e-3)
    assert found.frames is None
    assert found.activations.shape == (111, 2)
    np.testing.assert_allclose(found.activations[-1], (wanted**2).sum((1, 2, 3)), rtol=1e-2)


def test_the_range_is_that_of_the_model():
    """In 0..255 it is w 127.5 t - l2 t^2, so the same picture has 127.5 times the l2."""
    kernel = np.random.default_rng(1).uniform(-0.5, 0.5, (90, 2)).astype("float32")
    model = linear_model()
    model.get_layer("dense").set_weights([kernel, np.zeros(2)])
    options = {"parametrization": "pixels", "jitter": 0, "steps": 110}
    found = maximize_activation(model, 0, l2=0.5 * 127.5, **options)
    wanted = 127.5 + 127.5 * kernel[:, 0].reshape(1, 6, 5, 3)
    np.testing.assert_allclose(found.pictures, wanted, atol=0.3)


def test_a_class_is_climbed_before_the_softmax():
    options = {"jitter": 2, "steps": 3, "value_range": (-1, 1)}
    plain = maximize_activation(linear_model(5), 1, **options)
    softmax = maximize_activation(linear_model(5, "softmax"), 1, **options)
    np.testing.assert_array_equal(plain.pictures, softmax.pictures)


@pytest.mark.parametrize("kind", ["frequency", "pixels"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_derivative_of_a_parametrisation_is_that_by_differences(kind, channels):
    generator = np.random.default_rng(0)
    parameters = PictureParameters((2, 5, 4, channels), kind, (-1, 3), generator)
    weights = generator.normal(size=parameters.values.shape)
    found = parameters.gradient(weights)
    start = parameters.values = parameters.values.astype(np.float64)
    for place in [(0, 0, 0, 0), (1, 2, 3, 0), (0, 4, 1, channels - 1)]:
        heights = []
        for step in (1e-3, -1e-3):
            parameters.values = start.copy()
            parameters.values[place] += step
            heights.append(float((weights * parameters.pictures().astype(np.float64)).sum()))
        assert (heights[0] - heights[1]) / 2e-3 == pytest.approx(found[place], abs=2e-3)


def test_colour_axes_are_orthonormal():
    np.testing.assert_allclose(AXES @ AXES.T, np.eye(3), atol=1e-12)


def conv_model():
    keras.utils.set_random_seed(2)
    middle = [layers.Conv2D(4, 3, name="conv"), layers.ReLU(), layers.GlobalAveragePooling2D()]
    start = [keras.Input((None, None, 3)), layers.Rescaling(1 / 127.5, -1)]
    return keras.Sequential([*start, *middle, layers.Dense(3)])


def roughness(pictures):
    return np.abs(np.diff(pictures, axis=1)).mean() + np.abs(np.diff(pictures, axis=2)).mean()


def test_a_map_is_climbed_and_regularisers_make_it_smoother():
    model = conv_model()
    options = {"size": (12, 12), "steps": 25}
    found = maximize_activation(model, [0, 3], "conv", **options, parametrization="pixels")
    assert found.pictures.shape == (2, 12, 12, 3)
    assert 0 <= found.pictures.min() < found.pictures.max() <= 255
    assert (found.activations[-1] > found.activations[0] + 0.05).all()
    smooth = maximize_activation(
        model, [0, 3], "conv", **options, parametrization="pixels", total_variation=0.01
    )
    assert roughness(smooth.pictures) < 0.7 * roughness(found.pictures)
    again = maximize_activation(model, [0, 3], "conv", **options, parametrization="pixels")
    np.testing.assert_array_equal(again.pictures, found.pictures)


def test_frames_show_the_way():
    found = maximize_activation(conv_model(), 1, size=(8, 8), steps=6, keep_every=2)
    assert found.frames.shape == (4, 1, 8, 8, 3)
    np.testing.assert_array_equal(found.frames[-1], found.pictures)
    short = maximize_activation(conv_model(), 1, size=(8, 8), steps=4)
    np.testing.assert_allclose(found.frames[2], short.pictures, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 3}, "any size: give size"),
        ({"units": 3, "size": (8, 8)}, "units from 0 to 2"),
        ({"units": 0, "size": (8, 8), "parametrization": "waves"}, 'or "pixels"'),
        ({"units": 0, "size": (8, 8), "value_range": (1, 0)}, "a rising value_range"),
        ({"units": [], "size": (8, 8)}, "a whole number, or several"),
        ({"units": 1.5, "size": (8, 8)}, "a whole number, or several. Received: 1.5"),
        ({"units": 0, "size": (8, 8), "keep_every": 0}, "keep_every of at least 1"),
        ({"units": 0, "size": (8, 8), "layer": "absent"}, "no layer 'absent'"),
    ],
)
def test_what_does_not_fit_is_said(options, message):
    with pytest.raises(InputError, match=message):
        maximize_activation(conv_model(), **options, steps=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_is_read_back(tmp_path, channels):
    frames = np.zeros((3, 4, 5, channels), np.float32)
    frames[1, :, 2:], frames[2] = 1, 1
    save_animation(frames, tmp_path / "a.gif", seconds=0.1, scale=2)
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 3
        assert picture.size == (10, 8)
        assert picture.info["loop"] == 0
        picture.seek(1)
        shown = np.asarray(picture.convert("L"))
        assert shown[:, :4].max() < 10
        assert shown[:, 4:].min() > 245
        assert picture.info["duration"] == 100


def test_other_frames_are_an_error(tmp_path):
    for frames in (np.zeros((2, 4, 5, 2)), np.full((2, 4, 5, 3), 7.0), np.zeros((4, 5, 3))):
        with pytest.raises(InputError, match="expected frames"):
            save_animation(frames, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
