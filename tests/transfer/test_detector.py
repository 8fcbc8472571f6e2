"""Detectors upon backbones: their points, their two forms, and what they refuse."""

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import models
from kerascnn.errors import InputError
from kerascnn.layers import PointBoxes
from kerascnn.transfer import attach_detector
from kerascnn.transfer.detector import grid_sizes, inference_form, training_form


def tiny_backbone(size=(64, 96), padding="same"):
    """Strides 2, 4, 8, 16, 32 in a few channels."""
    x = images = keras.Input((*size, 3))
    for level in range(1, 6):
        x = keras.layers.Conv2D(4, 3, 2, padding=padding, activation="relu", name=f"c{level}")(x)
    return keras.Model(images, x, name="tiny")


@pytest.fixture(scope="module")
def detector():
    return attach_detector(tiny_backbone(), 3, channels=8, depth=1)


def test_boxes_and_scores_of_every_point(detector):
    points = 8 * 12 + 4 * 6 + 2 * 3
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3)).astype("uint8")
    scores, boxes = detector.predict(images, verbose=0)
    assert boxes.shape == (2, points, 4)
    assert scores.shape == (2, points, 3)
    assert detector.name == "tiny_detector"
    assert scores.max() < 0.1  # nothing is likely before training
    # Around each point, in the order of the grids.
    middles = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2
    start = 0
    for height, width in grid_sizes(64, 96):
        down, across = np.mgrid[:height, :width].reshape(2, -1) + 0.5
        own = middles[start : start + height * width]
        np.testing.assert_allclose(own[:, 0], down / height, atol=0.5 / height)
        np.testing.assert_allclose(own[:, 1], across / width, atol=0.5 / width)
        start += height * width


def test_the_layer_of_boxes_is_its_formula():
    maps = np.random.default_rng(0).normal(size=(1, 2, 3, 4)).astype("float32")
    got = np.asarray(PointBoxes()(maps))[0]
    far = np.log1p(np.exp(maps[0].astype(float)))
    for row in range(2):
        for column in range(3):
            top, left, bottom, right = far[row, column]
            y, x = (row + 0.5) / 2, (column + 0.5) / 3
            wanted = (y - top / 2, x - left / 3, y + bottom / 2, x + right / 3)
            np.testing.assert_allclose(got[row * 3 + column], wanted, rtol=1e-5)


def test_both_forms_share_weights_and_survive_saving(detector, tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3)).astype("uint8")
    training = training_form(detector)
    training.save(tmp_path / "training.keras")
    again = inference_form(kerascnn.load_model(tmp_path / "training.keras"))
    again.save(tmp_path / "inference.keras")
    loaded = kerascnn.load_model(tmp_path / "inference.keras")
    scores, boxes = detector.predict(images, verbose=0)
    joined = training.predict(images, verbose=0)
    np.testing.assert_allclose(joined[..., :4], boxes, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-joined[..., 4:])), scores, atol=1e-6)
    for model in (again, loaded):
        for got, wanted in zip(model.predict(images, verbose=0), (scores, boxes), strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (models.MobileNetV3Small, {}),
        (models.ResNet18, {}),
        (models.SqueezeNet1_1, {}),
        (models.InceptionV3, {"input_shape": (224, 192, 3)}),  # does not pad
        (models.EfficientNetLite0, {"input_shape": (96, 64, 3)}),
        (models.ConvNeXtTiny, {}),
        (models.DenseNet121, {}),
    ],
)
def test_backbones_of_the_zoo(factory, options):
    options = {"input_shape": (64, 64, 3), "include_top": False, **options}
    with keras.StatelessScope(initialize_variables=False):
        model = attach_detector(factory(weights=None, **options), 2, channels=8, depth=1)
    points = sum(h * w for h, w in grid_sizes(*options["input_shape"][:2]))
    assert [output.shape for output in model.outputs] == [(None, points, 2), (None, points, 4)]


def test_an_old_top_is_left_out():
    with keras.StatelessScope(initialize_variables=False):
        backbone = models.ResNet18(weights=None, input_shape=(64, 64, 3), classes=7)
        model = attach_detector(backbone, 2, channels=8)
    assert "predictions" not in [layer.name for layer in model.layers]


def test_a_model_of_keras_applications_is_a_backbone():
    with keras.StatelessScope(initialize_variables=False):
        backbone = keras.applications.MobileNet(
            alpha=0.25, weights=None, input_shape=(64, 64, 3), include_top=False
        )
        model = attach_detector(backbone, 2, channels=8, preprocessing=None)
    assert model.outputs[1].shape == (None, 84, 4)


@pytest.mark.parametrize(
    ("backbone", "arguments", "message"),
    [
        (lambda: tiny_backbone((None, None)), {}, "known image size"),
        (
            lambda: keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Conv2D(4, 3, 2)]),
            {},
            "maps of 1/8, 1/16 and 1/32",
        ),
        (tiny_backbone, {"classes": 0}, "`classes`"),
        (tiny_backbone, {"channels": 1.5}, "`channels`"),
        (tiny_backbone, {"depth": 0}, "`depth`"),
        (lambda: "ResNet18", {}, "must be a keras.Model"),
    ],
)
def test_what_cannot_be_a_detector_is_said(backbone, arguments, message):
    with pytest.raises(InputError, match=message):
        attach_detector(backbone(), **{"classes": 3, **arguments})


def test_another_model_has_no_training_form():
    with pytest.raises(InputError, match="no detector of `attach_detector`"):
        training_form(tiny_backbone())
