"""Files that a user saved from keras.applications, of every family we share, in every format.

All weights are random, moving statistics and the normalisation of pixels too.
"""

import logging

import keras
import numpy as np
import pytest
from parity import TOLERANCE, difference, infer, pixels, randomize

from kerascnn import catalog, models, weights
from kerascnn.weights.apply import match

FORMATS = ("model.weights.h5", "model.h5", "model.keras")
# Name -> side of the images, options, and the module of `preprocess_input` where they need it.
NETWORKS = {
    "VGG16": (32, {}, "vgg16"),
    "ResNet50": (32, {}, "resnet50"),
    "ResNet50V2": (32, {}, "resnet_v2"),
    "InceptionV3": (75, {}, "inception_v3"),
    "InceptionResNetV2": (75, {}, "inception_resnet_v2"),
    "Xception": (71, {}, "xception"),
    "MobileNet": (32, {"alpha": 0.25}, "mobilenet"),
    "MobileNetV2": (32, {"alpha": 0.35}, "mobilenet_v2"),
    "MobileNetV3Small": (32, {}, None),
    "MobileNetV3Large": (32, {"alpha": 0.75, "minimalistic": True}, None),
    "DenseNet121": (32, {}, "densenet"),
    "EfficientNetB0": (32, {}, None),
    "ConvNeXtTiny": (32, {}, None),
}


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


def built(name, **options):
    """A network of keras.applications, and what it gives for raw images."""
    side, choices, module = NETWORKS[name]
    choices = {**choices, "input_shape": (side, side, 3), **options}
    if choices.setdefault("include_top", True):
        choices.setdefault("classes", 5)
    theirs = getattr(keras.applications, name)(weights=None, **choices)
    randomize(theirs)
    images = pixels((side, side, 3))
    prepare = getattr(keras.applications, module).preprocess_input if module else np.copy
    return theirs, choices, images, infer(theirs, prepare(images.copy()))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_format_of_every_shared_family_computes_the_same(name, tmp_path):
    """One format by its outputs; the arrays of the others are the same ones."""
    theirs, choices, images, wanted = built(name)
    paths = [save(theirs, tmp_path / kind) for kind in FORMATS]
    paths = paths[len(name) % 3 :] + paths[: len(name) % 3]
    ours = getattr(models, name)(weights=paths[0], **choices)
    assert difference(infer(ours, images), wanted) < TOLERANCE
    request = weights.Request(name, True, (None, None), choices)
    targets = {layer.name: layer for layer in ours.layers if layer.weights}
    for path in paths[1:]:
        found, _ = match(
            targets,
            weights.find(path, request).arrays,
            catalog.find(name).family,
            head="predictions",
            what=(path.name, name),
        )
        for layer, target in targets.items():
            for got, expected in zip(found[layer], target.get_weights(), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "normalisation",
    [
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # never given any, as a network from scratch
        ((0.3, 0.4, 0.5), (0.04, 0.05, 0.06)),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # the published file, loaded by path
    ],
    ids=["scratch", "adapted", "published"],
)
def test_pixels_are_those_of_the_file_and_stay_so(normalisation, kind, tmp_path):
    theirs, choices, images, _ = built("EfficientNetB0", include_top=False)
    layer = next(part for part in theirs.layers if "normalization" in part.name.split("_")[:1])
    mean, variance, *rest = layer.get_weights()
    layer.set_weights(
        [
            np.reshape(normalisation[0], mean.shape),
            np.reshape(normalisation[1], variance.shape),
            *rest,
        ]
    )
    wanted = infer(theirs, images)
    ours = models.EfficientNetB0(weights=save(theirs, tmp_path / kind), **choices)
    assert difference(infer(ours, images), wanted) < TOLERANCE
    again = models.EfficientNetB0(weights=save(ours, tmp_path / f"again-{kind}"), **choices)
    assert difference(infer(again, images), wanted) < TOLERANCE


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_from_imagenet_is_ours_as_it_is(kind, tmp_path, monkeypatch):
    """keras.applications adds a second scaling of the pixels for `weights="imagenet"`."""
    theirs, choices, images, _ = built("EfficientNetB0", include_top=False)
    layer = next(part for part in theirs.layers if "normalization" in part.name.split("_")[:1])
    layer.mean.assign(np.reshape((0.485, 0.456, 0.406), layer.mean.shape))
    layer.variance.assign(np.reshape((0.229, 0.224, 0.225), layer.variance.shape))
    fetched = save(theirs, tmp_path / "fetched.h5")
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(fetched))
    tuned = keras.applications.EfficientNetB0(weights="imagenet", **choices)
    assert sum("rescaling" in part.name for part in tuned.layers) == 2
    ours = models.EfficientNetB0(weights=save(tuned, tmp_path / kind), **choices)
    assert difference(infer(ours, images), infer(tuned, images)) < TOLERANCE
    assert not any(part.name.startswith("options__") for part in ours.layers)


@pytest.mark.parametrize("kind", FORMATS[1:])
def test_the_activation_of_the_head_is_that_of_the_file(kind, tmp_path):
    options = {"alpha": 0.35, "input_shape": (32, 32, 3), "classes": 4}
    theirs = keras.applications.MobileNetV2(
        weights=None, classifier_activation="sigmoid", **options
    )
    path = save(theirs, tmp_path / kind)
    assert models.MobileNetV2(weights=path, **options).layers[-1].activation.__name__ == "sigmoid"
    asked = models.MobileNetV2(weights=path, classifier_activation=None, **options)
    assert asked.layers[-1].activation.__name__ == "linear"
    other = models.MobileNetV2(weights=path, **{**options, "classes": 7})  # another head
    assert other.layers[-1].activation.__name__ == "softmax"


def test_details_of_another_library_are_refused(tmp_path):
    theirs, choices, *_ = built("MobileNetV2")
    path = save(theirs, tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match=r"network with style='keras'.*Received: style='torch'"):
        models.MobileNetV2(weights=path, style="torch", **choices)
