"""A step is a pipeline of itself alone: called, mapped, in a dataset and as a layer."""

import numpy as np
import pytest

from kerascnn.augment import Compose, Flip, MixUp, RandAugment, RandomCrop, Rotate, Sequence
from kerascnn.errors import InputError

STEPS = [RandAugment(), Rotate(30), Sequence([Flip(), Rotate(20)]), RandomCrop(10, padding=2)]


def images(count=6):
    shape = (count, 12, 12, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


LABELS = np.arange(6)


def dataset(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


def drawn(mapped):
    found = [np.asarray(each[0] if isinstance(each, tuple) else each) for each in mapped]
    return np.concatenate([each if each.ndim == 4 else each[None] for each in found])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_is_called_as_its_pipeline_is(step):
    pipeline = Compose([step])
    for options in ({}, {"seed": 3}, {"index": 7, "epoch": 2}):
        expected = pipeline(images(), **options)
        np.testing.assert_array_equal(step(images(), **options), expected)
        found, labels = step(images(), LABELS, **options)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(step(images()[0]), pipeline(images()[:1])[0])
    assert (step(images(), seed=1) != step(images(), seed=2)).any()


@pytest.mark.parametrize("step", [Rotate(30), Compose([Rotate(30)])], ids=["step", "pipeline"])
def test_a_dataset_is_mapped_with_a_draw_for_each_image(step):
    expected = step(images())
    batched = dataset(images(), LABELS).batch(2).map(step)
    np.testing.assert_array_equal(drawn(batched), expected)
    np.testing.assert_array_equal(drawn(dataset(images(), LABELS).map(step)), expected)
    np.testing.assert_array_equal(drawn(dataset(images()).batch(2).map(step)), expected)
    np.testing.assert_array_equal(drawn(dataset(images()).map(step)), expected)
    assert (drawn(batched) != expected).any()  # another epoch
    again = dataset(images(), LABELS).batch(2).map(step)
    np.testing.assert_array_equal(drawn(again), expected)


def test_its_own_map_is_that_of_its_pipeline():
    data = dataset(images(), LABELS).batch(3)
    found, expected = Rotate(30).map(data, seed=5), Compose([Rotate(30)]).map(data, seed=5)
    for _ in range(2):
        np.testing.assert_array_equal(drawn(found), drawn(expected))


def test_what_comes_with_labels_passes_unchanged():
    weights = np.linspace(0, 1, 6)
    batch = next(iter(dataset(images(), LABELS, weights).batch(6).map(Rotate(30))))
    assert len(batch) == 3
    np.testing.assert_array_equal(batch[2], weights)


def test_a_mixer_alone_mixes():
    found, rows = MixUp(6)(images(), LABELS)
    assert found.shape == (6, 12, 12, 3)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)


def test_lists_and_pictures_are_images():
    from PIL import Image

    expected = Flip()(images())
    np.testing.assert_array_equal(Flip()(list(images())), expected)
    np.testing.assert_array_equal(Flip()(Image.fromarray(images()[0])), expected[0])


def test_a_step_makes_a_layer():
    layer = Flip().layer(seed=1)
    expected = Compose([Flip()]).layer(seed=1)(images(), training=True)
    np.testing.assert_array_equal(layer(images(), training=True), expected)


@pytest.mark.parametrize(
    "bad",
    [{"images": images()}, "photo.jpg", [np.zeros((8, 8, 3)), np.zeros((9, 8, 3))], np.zeros(3)],
)
def test_other_things_are_refused_in_a_line(bad):
    with pytest.raises(InputError) as caught:
        RandAugment()(bad)
    assert "\n" not in str(caught.value)
