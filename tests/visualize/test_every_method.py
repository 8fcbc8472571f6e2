"""Every method of the table: the same call on all kinds of models, and what depends on weights."""

import keras
import numpy as np
import pytest
import tiny
from keras import layers
from PIL import Image

import kerascnn
from kerascnn.errors import InputError
from kerascnn.visualize import METHODS, attribute, heat_map, plot_attributions

# Little work: what is computed is tested method by method.
QUICK = {
    "smooth-grad": {"samples": 2},
    "integrated": {"steps": 2},
    "score-cam": {"channels": 2},
}


def lenet(shared):
    return kerascnn.create_model("LeNet5")


def resnet(shared):
    with pytest.MonkeyPatch.context() as patch:
        tiny.make_shallow(patch)
        return kerascnn.create_model("ResNet18", input_shape=(64, 64, 3), classes=5)


def mobilenet(shared):
    weights = shared() / "weights" / "mobilenet_v1_0.25_224_imagenet.weights.h5"
    if not weights.is_file():
        pytest.skip("no published weights in the reference data")
    return kerascnn.create_model(
        "MobileNet", alpha=0.25, weights=str(weights), input_shape=(64, 64, 3)
    )


def of_keras(shared):
    return keras.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, classes=6)


def nested(shared):
    backbone = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            keras.Sequential([layers.Conv2D(6, 3), layers.BatchNormalization(), layers.ReLU()]),
        ]
    )
    head = [layers.GlobalAveragePooling2D(), layers.Dropout(0.5), layers.Dense(3, "softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), backbone, *head])


def own_layers(shared):
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, -1.0)(inputs)
    x = layers.RandomFlip()(x)
    for width in (4, 8):
        x = kerascnn.layers.DepthwiseConv2D(3)(layers.Conv2D(width, 3, strides=2)(x))
        x = kerascnn.layers.Activation("relu")(kerascnn.layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.ops.softmax(layers.Dense(3)(x)))


# Builder -> the methods that are not for it.
MODELS = {
    lenet: {"guided", "deconvnet", "cam"},  # tanh, and dense layers after its maps
    resnet: set(),
    mobilenet: set(),
    of_keras: set(),
    nested: set(),
    own_layers: {"deconvnet"},  # mirrors at random
}


@pytest.mark.parametrize("build", MODELS)
def test_the_same_call_works_on_any_model(build, request):
    keras.utils.set_random_seed(0)
    model = build(lambda: request.getfixturevalue("shared"))
    shape = model.input_shape[1:]
    images = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32")
    before = np.asarray(model(images, training=False))
    quick = {**QUICK, "occlusion": {"patch": shape[0] // 2, "stride": shape[0] // 2}}
    refused = set()
    for name in METHODS:
        try:
            found = attribute(model, images, name, **quick.get(name, {}))
        except InputError:
            refused.add(name)
            continue
        assert found.shape in ((2, *shape[:2]), (2, *shape))
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert np.ptp(found) > 0, name
    assert refused == MODELS[build]
    np.testing.assert_array_equal(np.asarray(model(images, training=False)), before)


@pytest.mark.parametrize("name", METHODS)
def test_other_weights_give_other_maps(name, digit_network):
    """The sanity check of Adebayo et al., arXiv:1810.03292, section 3: weights drawn anew."""
    model, images, labels = digit_network
    keras.utils.set_random_seed(5)
    drawn = keras.models.clone_model(model)
    options = {"patch": 2} if name == "occlusion" else {}
    maps = [heat_map(attribute(each, images, name, labels, **options)) for each in (model, drawn)]
    alike = [
        0.0
        if min(np.ptp(one), np.ptp(other)) == 0
        else np.corrcoef(one.ravel(), other.ravel())[0, 1]
        for one, other in zip(*maps, strict=True)
    ]
    assert np.ptp(maps[0]) > 0.5
    assert np.mean(alike) < 0.8
    np.testing.assert_allclose(
        heat_map(attribute(model, images, name, labels, **options)), maps[0], atol=1e-6
    )


def test_unknown_methods_are_an_error(digit_network):
    model, images, _ = digit_network
    with pytest.raises(InputError, match=r"no method 'lime'\. There are: saliency,"):
        attribute(model, images, "lime")


def test_heat_is_the_size_of_slopes_and_the_positive_part_of_maps():
    slopes = np.array([[[[3.0, -4.0], [0.0, 0.0]]]])
    np.testing.assert_allclose(heat_map(slopes, 100), [[[1, 0]]])
    np.testing.assert_allclose(heat_map(np.array([[[2.0, -8.0, 1.0]]]), 100), [[[1, 0, 0.5]]])
    assert heat_map(np.zeros((1, 2, 2))).max() == 0
    one = np.zeros((1, 20, 20))
    one[0, 3, 4] = 5
    assert heat_map(one)[0, 3, 4] == 1
    with pytest.raises(InputError, match="expected attributions"):
        heat_map(np.zeros((2, 2)))


def test_the_picture_has_a_row_per_image_and_a_column_per_method(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)
    found = {
        "grad-cam": np.stack([np.eye(8), 1 - np.eye(8)]),
        "saliency": np.ones((2, 8, 8), "float32"),
    }
    figure = plot_attributions(images, found, ["rose", "tulip"])
    assert [axes.get_title() for axes in figure.axes] == ["", "grad-cam", "saliency", "", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["rose", "", "", "tulip", "", ""]
    first, over, alone = (axes.get_images()[0].get_array() for axes in figure.axes[:3])
    np.testing.assert_array_equal(first, images[0])
    assert over.shape == (8, 8, 3)
    assert alone.shape == (8, 8)
    figure.savefig(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > picture.height
    figure = plot_attributions(images / 255, found, over=(), columns=2)
    titles = ["", "grad-cam", "saliency", ""]
    assert [axes.get_title() for axes in figure.axes] == 2 * titles
    assert figure.axes[1].get_images()[0].get_array().shape == (8, 8)


@pytest.mark.parametrize(
    ("images", "found", "titles", "message"),
    [
        (np.zeros((2, 8, 8, 2)), {}, None, r"\[B, H, W, 1 or 3\]"),
        (np.zeros((2, 8, 8, 3)), {"cam": np.zeros((2, 4, 4))}, None, "'cam' belong to other"),
        (np.zeros((2, 8, 8, 3)), {}, ["one"], "expected 2 titles"),
    ],
)
def test_arrays_that_do_not_belong_together_are_an_error(images, found, titles, message):
    with pytest.raises(InputError, match=message):
        plot_attributions(images, found, titles)
