"""What cannot be explained is refused in plain words, before Keras or NumPy fail on it."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import visualize
from kerascnn.errors import InputError
from kerascnn.visualize import METHODS, attribute


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="maps"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="scores"),
        ],
        name="small",
    )


CALLS = {
    **{name: lambda m, x, name=name: attribute(m, x, name) for name in METHODS},
    "path": lambda m, x: visualize.integration_path(m, x, frames=2, steps=1),
    "feature_maps": visualize.feature_maps,
    "hidden_features": visualize.hidden_features,
    "deconvnet of a layer": lambda m, x: visualize.deconvnet(m, x, "maps"),
    "top_patches": lambda m, x: visualize.top_patches(m, x, "maps", 1),
}
WRONG = {
    "rank": (np.zeros((8, 8, 3), "float32"), r"\[B, H, W, C\].*\(8, 8, 3\)"),
    "size": (np.zeros((1, 9, 8, 3), "float32"), "takes images 8x8x3. Received: 9x8x3"),
    "channels": (np.zeros((1, 8, 8, 1), "float32"), "takes images 8x8x3. Received: 8x8x1"),
    "empty": (np.zeros((0, 8, 8, 3), "float32"), "at least one|at least count=1"),
    "nan": (np.full((1, 8, 8, 3), np.nan, "float32"), "no finite numbers"),
    "text": (np.full((1, 8, 8, 3), "a"), "images of numbers. Received the type <U1"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("call", CALLS)
def test_images_that_do_not_fit_are_named(call, wrong, network):
    images, words = WRONG[wrong]
    with pytest.raises(InputError, match=words):
        CALLS[call](network, images)


@pytest.mark.parametrize("call", CALLS)
def test_a_model_of_two_images_is_named(call):
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    maps = layers.Conv2D(2, 3, name="maps")(layers.Concatenate()(inputs))
    scores = layers.Dense(2)(layers.GlobalAveragePooling2D()(maps))
    images = np.zeros((1, 8, 8, 3), "float32")
    with pytest.raises(InputError, match=r"one input of images .*\(None, 8, 8, 3\), \(None"):
        CALLS[call](keras.Model(inputs, scores), images)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_holds_an_image_at_least(method, network):
    images = np.zeros((1, 8, 8, 3), "float32")
    with pytest.raises(InputError, match=r"`batch_size` must be at least 1. Received: 0"):
        attribute(network, images, method, batch_size=0)
    with pytest.raises(InputError, match="`batch_size`"):
        visualize.hidden_features(network, images, batch_size=0)


@pytest.mark.parametrize("method", ["grad-cam", "grad-cam++", "layer-cam", "score-cam"])
def test_a_layer_without_maps_is_named_in_our_words_alone(method, network):
    with pytest.raises(InputError, match=r"^the layer 'scores' must give maps"):
        attribute(network, np.zeros((1, 8, 8, 3), "float32"), method, layer="scores")


def test_what_is_no_model_is_said():
    with pytest.raises(InputError, match=r"expected a keras.Model. Received: str"):
        visualize.saliency("MobileNet", np.zeros((1, 8, 8, 3), "float32"))
