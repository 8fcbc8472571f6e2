"""SqueezeNet against the paper, torchvision, and the published file of keras-squeezenet."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses, noise
from parity import compare_with_golden, difference, infer, pixels, randomize

from kerascnn import models, profile, weights
from kerascnn.models import SqueezeNet1_0, SqueezeNet1_1


@pytest.fixture
def published(shared):
    return shared / "weights" / "squeezenet_v1.1_weights_tf_dim_ordering_tf_kernels_notop.h5"


def symbolic(factory, **options):
    """A model without values: for counting."""
    with keras.StatelessScope(initialize_variables=False):
        return factory(**options)


@pytest.mark.parametrize(
    ("factory", "params", "gigas"),
    [(SqueezeNet1_0, 1_248_424, 0.819), (SqueezeNet1_1, 1_235_496, 0.349)],
)
def test_parameters_and_operations_are_those_of_torchvision(factory, params, gigas):
    model = symbolic(factory)
    assert profile.trainable_parameters(model) == params
    assert profile.macs(model) / 1e9 == pytest.approx(gigas, abs=5e-4)


def test_maps_have_the_sizes_of_table_1():
    model = symbolic(SqueezeNet1_0, input_shape=(227, 227, 3))
    shapes = {row.name: row.output_shape for row in profile.profile(model)}
    assert shapes["stage1"] == (111, 111, 96)
    assert shapes["fire2"] == (55, 55, 128)
    assert shapes["stage3"] == (27, 27, 512)
    assert shapes["stage4"] == (13, 13, 512)
    assert shapes["head_conv"] == (13, 13, 1000)


@pytest.mark.parametrize(("version", "size"), [("1_0", 64), ("1_1", 71)])
def test_equals_torchvision_through_the_importer(version, size, assert_equal):
    name = f"SqueezeNet{version}"
    factory = getattr(models, name)
    ours = factory(input_shape=(size, size, 3), classes=10, classifier_activation=None)
    found = compare_with_golden(ours, name.lower(), "squeezenet")
    assert len(found.differences) == 5
    assert_equal(found, name)


def keras_squeezenet(size):
    """The feature part of keras-squeezenet 1.1, written anew with Keras's own layers."""
    layers = keras.layers
    image = keras.Input((size, size, 3))
    x = layers.Conv2D(64, 3, 2, activation="relu", name="conv1")(image)
    number = 1
    for widths in ((16, 16), (32, 32), (48, 48, 64, 64)):
        x = layers.MaxPooling2D(3, 2)(x)
        for width in widths:
            number += 1
            name = f"fire{number}"
            x = layers.Conv2D(width, 1, activation="relu", name=f"{name}-squeeze1x1")(x)
            one = layers.Conv2D(4 * width, 1, activation="relu", name=f"{name}-expand1x1")(x)
            name = f"{name}-expand3x3"
            three = layers.Conv2D(4 * width, 3, padding="same", activation="relu", name=name)(x)
            x = layers.Concatenate()([one, three])
    return keras.Model(image, x)


def test_the_keras_style_turns_blue_green_red_around():
    theirs = keras_squeezenet(70)
    randomize(theirs)
    arrays = {
        layer.name.replace("-", "/"): layer.get_weights()
        for layer in theirs.layers
        if layer.weights
    }
    ours = SqueezeNet1_1(include_top=False, style="keras", input_shape=(70, 70, 3))
    weights.load(ours, arrays, family="squeezenet")
    images = pixels((70, 70, 3))
    wanted = infer(theirs, images[..., ::-1] - np.array([103.939, 116.779, 123.68]))
    assert difference(infer(ours, images), wanted) < 1e-4


@pytest.mark.shared
def test_the_published_file_loads_strictly(published):
    model = SqueezeNet1_1(include_top=False, input_shape=(67, 67, 3), weights=published)
    assert profile.trainable_parameters(model) == 722_496
    report = weights.load(model, published, family="squeezenet")
    assert (len(report.loaded), report.reinitialised, report.unused) == (25, (), ())
    # It was trained on mean-free pixels, which the file's ending tells.
    layer = model.get_layer("preprocessing")
    np.testing.assert_allclose(layer.offset, [-123.68, -116.779, -103.939])


def photographs(folder, count, size):
    """Photos of two kinds of flowers, and which kind each is."""
    kinds = ("dandelion", "roses")
    paths = [path for kind in kinds for path in sorted((folder / kind).glob("*.jpg"))[:count]]
    load = keras.utils.load_img
    images = [np.asarray(load(path, target_size=(size, size))) for path in paths]
    return np.stack(images).astype("float32"), np.repeat([0, 1], count)


@pytest.mark.shared
def test_published_features_tell_flowers_apart_and_random_ones_less(published, shared):
    count, size = 40, 131
    images, kinds = photographs(shared / "photos" / "tf_flowers", count, size)
    learning = np.arange(len(kinds)) % 2 == 0
    scores = []
    for source in (published, None):
        keras.utils.set_random_seed(0)
        model = SqueezeNet1_1(
            include_top=False,
            pooling="avg",
            style="keras",
            input_shape=(size, size, 3),
            weights=source,
        )
        vectors = model.predict(images, batch_size=20, verbose=0)
        vectors = (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + 1e-6)
        centres = [vectors[learning & (kinds == kind)].mean(axis=0) for kind in (0, 1)]
        distances = np.stack([np.linalg.norm(vectors - centre, axis=1) for centre in centres])
        scores.append((distances.argmin(axis=0) == kinds)[~learning].mean())
    assert scores[0] >= 0.85
    assert scores[0] > scores[1]


@pytest.mark.shared
def test_with_a_top_the_published_features_get_a_fresh_classifier(published, caplog):
    model = SqueezeNet1_1(classes=5, input_shape=(67, 67, 3), weights=published)
    assert model.output_shape == (None, 5)
    assert "head_conv" in caplog.text


def test_a_few_steps_reduce_the_loss_and_the_saved_model_is_equal(tmp_path):
    keras.utils.set_random_seed(0)
    model = SqueezeNet1_1(classes=4, input_shape=(64, 64, 3), dropout=0.0)
    curve = losses(model, noise(model), 0.3, steps=10)
    assert curve[-1] < 0.9 * curve[0], curve
    assert change_by_reloading(tmp_path, model) < 1e-5
