"""Files that a user saved from keras.applications: pixels, head and details are those of the file.

The names of every family's layers are tried with its outputs, in tests/models.
"""

import logging

import keras
import numpy as np
import pytest
from parity import TOLERANCE, difference, infer, pixels, randomize

from kerascnn import models, weights

FORMATS = ("model.weights.h5", "model.h5", "model.keras")
SMALL = {"include_top": False, "input_shape": (32, 32, 3)}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(autouse=True, scope="module")
def _free_memory():
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras on its format `.h5`
    yield
    keras.backend.clear_session()


def save(model, path):
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)
    return path


def normalise(model, mean, variance):
    """Gives the normalisation of pixels in an EfficientNet of keras.applications its numbers."""
    layer = next(layer for layer in model.layers if layer.name.startswith("normalization"))
    old, _, count = layer.get_weights()
    layer.set_weights([np.reshape(mean, old.shape), np.reshape(variance, old.shape), count])


@pytest.fixture(scope="module")
def efficientnet():
    """One of keras.applications, with random weights."""
    model = keras.applications.EfficientNetB0(weights=None, **SMALL)
    randomize(model)
    return model


ADAPTED = ((0.3, 0.4, 0.5), (0.04, 0.05, 0.06))


@pytest.mark.parametrize(
    ("kind", "mean", "variance"),
    [
        *((kind, *ADAPTED) for kind in FORMATS),
        # Never given any, as a network from scratch.
        ("model.keras", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        # The published file, loaded by its path into a network from scratch.
        ("model.weights.h5", MEAN, DEVIATION),
    ],
)
def test_every_format_tells_the_pixels(mean, variance, kind, efficientnet, tmp_path):
    normalise(efficientnet, mean, variance)
    path = save(efficientnet, tmp_path / kind)
    scale, offset = weights.facts(weights.read(path), "efficientnet").pixels
    np.testing.assert_allclose(scale, 1 / (255 * np.sqrt(variance)), rtol=1e-5)
    np.testing.assert_allclose(offset, -np.array(mean) / np.sqrt(variance), rtol=1e-5, atol=1e-7)


def test_pixels_are_those_of_the_file_and_stay_so(efficientnet, tmp_path):
    normalise(efficientnet, *ADAPTED)
    images = pixels((32, 32, 3))
    wanted = infer(efficientnet, images)
    ours = efficientnet
    for number in range(2):  # what was loaded, saved and loaded again
        path = save(ours, tmp_path / f"{number}.weights.h5")
        ours = models.EfficientNetB0(weights=path, **SMALL)
        assert difference(infer(ours, images), wanted) < TOLERANCE


def test_a_network_from_imagenet_is_ours_as_it_is(efficientnet, tmp_path, monkeypatch):
    """keras.applications adds a second scaling of the pixels for `weights="imagenet"`."""
    normalise(efficientnet, MEAN, DEVIATION)
    fetched = save(efficientnet, tmp_path / "fetched.h5")
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(fetched))
    tuned = keras.applications.EfficientNetB0(weights="imagenet", **SMALL)
    assert sum("rescaling" in layer.name for layer in tuned.layers) == 2
    for kind in FORMATS:
        path = save(tuned, tmp_path / kind)
        assert weights.facts(weights.read(path), "efficientnet").pixels is None


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """The files of one with a sigmoid for each of its classes."""
    folder = tmp_path_factory.mktemp("mobilenet")
    options = {"alpha": 0.35, "input_shape": (32, 32, 3), "classes": 4}
    model = keras.applications.MobileNetV2(weights=None, classifier_activation="sigmoid", **options)
    for kind in FORMATS:
        save(model, folder / kind)
    return folder, options


@pytest.mark.parametrize("kind", FORMATS[1:])
def test_the_activation_of_the_head_is_that_of_the_file(kind, mobilenet):
    folder, options = mobilenet
    path = folder / kind
    assert models.MobileNetV2(weights=path, **options).layers[-1].activation.__name__ == "sigmoid"
    if kind == "model.keras":
        asked = models.MobileNetV2(weights=path, classifier_activation=None, **options)
        assert asked.layers[-1].activation.__name__ == "linear"
        other = models.MobileNetV2(weights=path, **{**options, "classes": 7})  # another head
        assert other.layers[-1].activation.__name__ == "softmax"


def test_details_of_another_library_are_refused(mobilenet):
    folder, options = mobilenet
    with pytest.raises(ValueError, match=r"network with style='keras'.*Received: style='torch'"):
        models.MobileNetV2(weights=folder / "model.weights.h5", style="torch", **options)
