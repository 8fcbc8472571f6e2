"""Pipelines on TensorFlow tensors, in `tf.data` and as a layer, against NumPy's."""

import hashlib

import fresh
import numpy as np
import pytest

from kerascnn import augment
from kerascnn.errors import InputError

tf = pytest.importorskip("tensorflow")

EVERYTHING = {
    "standard": augment.get("standard", (96, 128)),
    "randaugment": augment.Compose([augment.RandAugment()]),
    "some": augment.Compose(
        [
            augment.Perspective(0.4),
            augment.RandomApply(augment.GaussianBlur(), 0.5),
            augment.RandomApply(augment.Equalize(), 0.5),
            augment.RandomErasing(1),
        ],
        fill=(9, 99, 199),
    ),
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_tensorflow_gives_what_numpy_gives(photos, name):
    images = np.concatenate([photos] * 2)
    pipeline = EVERYTHING[name]
    expected = pipeline(images, seed=7).astype(int)
    found = pipeline(tf.constant(images), seed=7).numpy()
    assert found.dtype == np.uint8
    # XLA may contract a product and a sum: a place differs by 1/256 pixel, a value by 1; before
    # posterising or solarising, that is a whole step for single pixels.
    difference = np.abs(found - expected)
    assert (difference > 1).mean() < 2e-4


def dataset(photos, batch=None, labels=True, repeat=4):
    images = np.concatenate([photos] * repeat)
    numbers = np.arange(len(images), dtype=np.int32)
    made = tf.data.Dataset.from_tensor_slices((images, numbers) if labels else images)
    return made.batch(batch) if batch else made


def images_of(made):
    return np.concatenate([np.atleast_1d(images) for images, _ in made.as_numpy_iterator()])


PIPELINE = augment.get("standard", (96, 128))
# One step: what surrounds it is the same, and it is compiled sooner.
TURN = augment.Compose([augment.Rotate(30)])


def test_batched_or_not_is_the_same(photos):
    expected = images_of(PIPELINE.map(dataset(photos, 16), seed=3))
    found = images_of(PIPELINE.map(dataset(photos, 5), seed=3))
    np.testing.assert_array_equal(found, expected)
    single = PIPELINE.map(dataset(photos), seed=3)
    assert single.element_spec[0].shape == (96, 128, 3)
    np.testing.assert_array_equal(
        np.stack([image for image, _ in single.as_numpy_iterator()]), expected
    )


def test_epochs_differ_and_can_be_resumed(photos):
    made = TURN.map(dataset(photos, 8), seed=3)
    epochs = [images_of(made) for _ in range(3)]
    assert (epochs[0] != epochs[1]).any(axis=(1, 2, 3)).all()
    again = TURN.map(dataset(photos, 8), seed=3, first_epoch=1)
    np.testing.assert_array_equal(images_of(again), epochs[1])
    np.testing.assert_array_equal(images_of(again), epochs[2])
    twice = images_of(TURN.map(dataset(photos, 8), seed=3).repeat(2))
    np.testing.assert_array_equal(twice, np.concatenate(epochs[:2]))
    assert made.cardinality() == 2


def test_parallel_calls_change_nothing(photos):
    found = []
    for threads in (1, 4):
        made = TURN.map(dataset(photos, 2), seed=3)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        found.append(images_of(made.with_options(options)))
    np.testing.assert_array_equal(found[0], found[1])


def digest_of_two_epochs() -> str:
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    data = tf.data.Dataset.from_tensor_slices(images).batch(4)
    made = augment.get("cifar", 32).map(data, seed=5)
    epochs = [batch.tobytes() for _ in range(2) for batch in made.as_numpy_iterator()]
    assert len(set(epochs)) == 4
    return hashlib.sha256(b"".join(epochs)).hexdigest()


def test_another_process_gives_the_same():
    assert fresh.call(digest_of_two_epochs) == digest_of_two_epochs()


def test_elements_keep_their_structure(photos):
    pipeline = augment.Compose([augment.Flip(probability=1)])
    (images,) = pipeline.map(dataset(photos, 16, labels=False)).as_numpy_iterator()
    np.testing.assert_array_equal(images[:4], photos[:, :, ::-1])
    weighted = dataset(photos, 16).map(lambda x, y: (x, y, tf.ones_like(y)))
    assert len(pipeline.map(weighted).element_spec) == 3
    parts = {
        "images": photos,
        "masks": photos[..., 0],
        "boxes": np.ones((4, 2, 4), np.float32),
        "names": list("abcd"),
    }
    made = pipeline.map(tf.data.Dataset.from_tensor_slices(parts).batch(4))
    (found,) = made.as_numpy_iterator()
    np.testing.assert_array_equal(found["masks"], photos[:, :, ::-1, 0])
    assert list(found["names"]) == [b"a", b"b", b"c", b"d"]
    assert found["boxes"].shape == (4, 2, 4)


def test_unknown_and_endless_lengths(photos):
    some = dataset(photos, 4).filter(lambda images, labels: labels[0] > 0)
    assert len(list(TURN.map(some))) == 3
    endless = TURN.map(dataset(photos, 16).repeat())
    first, second = (images for images, _ in endless.take(2).as_numpy_iterator())
    assert (first != second).any(axis=(1, 2, 3)).all()


def test_float_batches(photos):
    images = tf.data.Dataset.from_tensor_slices(photos.astype(np.float32)).batch(4)
    (found,) = TURN.map(images).as_numpy_iterator()
    assert found.dtype == np.float32
    (expected,) = TURN.map(tf.data.Dataset.from_tensor_slices(photos).batch(4))
    np.testing.assert_array_equal(found, expected)


def test_unknown_sizes_are_refused(photos):
    made = dataset(photos).map(lambda x, y: (tf.image.resize(x, (y + 8, 20)), y))
    with pytest.raises(InputError, match="size before"):
        PIPELINE.map(made)
    with pytest.raises(InputError, match="takes a tf"):
        PIPELINE.map([photos])
    with pytest.raises(InputError, match="batches of images"):
        augment.Compose([augment.MixUp(99)]).map(dataset(photos))


def test_mixers_in_a_dataset(photos):
    pipeline = augment.Compose([augment.Flip(), augment.CutMix(16)])
    made = pipeline.map(dataset(photos, 8))
    assert made.element_spec[1].shape[1] == 16
    for images, labels in made.as_numpy_iterator():
        assert images.dtype == np.uint8
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
