"""Predictions averaged over views, against the views answered one by one."""

import keras
import numpy as np
import pytest
from backbones import SIZE, backbone, images

from kerascnn.augment import TenCrop
from kerascnn.errors import DataError, InputError
from kerascnn.transfer import attach_head, predict_tta
from kerascnn.transfer.feeding.batches import RowBatches


def headed(task="classification", activation="auto", seed=4):
    keras.utils.set_random_seed(seed)
    model = attach_head(backbone(), 3, task=task, activation=activation)
    kernel = model.get_layer("predictions").kernel
    kernel.assign(np.random.default_rng(seed).normal(0, 3, kernel.shape))
    return model


@pytest.fixture(scope="module")
def classifier():
    return headed()


def answers(model, pixels):
    return keras.ops.convert_to_numpy(model(pixels, training=False))


def test_an_image_and_its_mirror_image(classifier):
    pixels = images(7)
    wanted = (answers(classifier, pixels) + answers(classifier, pixels[:, :, ::-1])) / 2
    found = predict_tta(classifier, pixels, batch_size=3)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert abs(found - answers(classifier, pixels)).max() > 0.01
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_ten_crops_of_larger_images(classifier):
    pixels = np.random.default_rng(2).integers(0, 256, (3, 20, 22, 3)).astype("float32")
    corners = [(0, 0), (0, 6), (4, 0), (4, 6), (2, 3)]
    crops = [pixels[:, y : y + SIZE, x : x + SIZE] for y, x in corners]
    each = [answers(classifier, view) for crop in crops for view in (crop, crop[:, :, ::-1])]
    found = predict_tta(classifier, pixels, views=TenCrop(SIZE))
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="of that size or more"):
        predict_tta(classifier, images(1), views=TenCrop(SIZE + 1))


@pytest.mark.parametrize("labelled", [True, False])
def test_batches_of_any_kind_give_what_the_array_gives(classifier, labelled):
    import tensorflow as tf

    pixels, labels = images(7), np.arange(7) % 3
    source = (pixels, labels) if labelled else pixels
    wanted = predict_tta(classifier, pixels)
    batches = tf.data.Dataset.from_tensor_slices(source).batch(3)
    np.testing.assert_allclose(predict_tta(classifier, batches), wanted, rtol=1e-5, atol=1e-6)
    rows = RowBatches([pixels], labels, 3).epochs(0, 1)
    np.testing.assert_allclose(predict_tta(classifier, rows), wanted, rtol=1e-5, atol=1e-6)


def test_labels_keep_their_own_probabilities():
    model, pixels = headed("multi_label"), images(4)
    wanted = (answers(model, pixels) + answers(model, pixels[:, :, ::-1])) / 2
    np.testing.assert_allclose(predict_tta(model, pixels), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "linear"])
def test_what_is_not_probabilities_must_be_named(activation):
    model, pixels = headed(activation=None), images(4)
    with pytest.raises(InputError, match=r'logits\? .*activation="softmax"'):
        predict_tta(model, pixels)
    views = [answers(model, view).astype("float64") for view in (pixels, pixels[:, :, ::-1])]
    if activation == "softmax":
        views = [np.exp(view) / np.exp(view).sum(axis=1, keepdims=True) for view in views]
    elif activation == "sigmoid":
        views = [1 / (1 + np.exp(-view)) for view in views]
    found = predict_tta(model, pixels, activation=activation)
    np.testing.assert_allclose(found, (views[0] + views[1]) / 2, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_answered_is_refused(classifier):
    with pytest.raises(InputError, match="softmax, sigmoid, linear"):
        predict_tta(classifier, images(2), activation="relu")
    with pytest.raises(DataError, match="no image"):
        predict_tta(classifier, images(0))
    two = keras.Model(classifier.input, [classifier.output, classifier.layers[2].output])
    with pytest.raises(InputError, match="has 2"):
        predict_tta(two, images(2))
