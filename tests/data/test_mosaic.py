"""Four pictures as one: the boxes are where the pixels are."""

import numpy as np
import pytest
import tensorflow as tf

from kerascnn.data.mosaic import mosaics, with_mosaics
from kerascnn.tasks.boxes import CROWD, Row

SIDE = 64


@pytest.fixture
def batch():
    """Black pictures with a white box each."""
    random = np.random.default_rng(0)
    images = np.zeros((6, SIDE, SIDE, 3), np.uint8)
    rows = np.zeros((6, 2, len(Row)), np.float32)
    rows[..., Row.LABEL] = -1
    for place, image in enumerate(images):
        (left, top), (width, height) = random.integers(4, 30, 2), random.integers(12, 28, 2)
        image[top : top + height, left : left + width] = 255
        rows[place, 0, :4] = np.array([left, top, left + width, top + height]) / SIDE
        rows[place, 0, Row.LABEL] = place
    return images, rows


def test_boxes_follow_their_pixels(batch):
    images, rows = batch
    cut, moved = (x.numpy() for x in mosaics(images, rows, 1.0, tf.constant([1, 2])))
    assert cut.shape == images.shape
    assert cut.dtype == np.uint8
    assert moved.shape == (6, 8, len(Row))
    found = 0
    for image, objects in zip(cut, moved, strict=True):
        white = np.zeros((SIDE, SIDE), bool)
        for row in objects[objects[:, Row.LABEL] >= 0]:
            left, top, right, bottom = np.round(row[:4] * SIDE).astype(int)
            white[top:bottom, left:right] = True
            found += 1
        assert (white != (image[..., 0] > 127)).mean() < 0.02
    assert found > 12
    assert {0, 1, 2, 3, 4, 5} == set(moved[..., Row.LABEL].astype(int).ravel()) - {-1}


def test_what_a_window_leaves_of_an_object_counts_for_nothing(batch):
    images, rows = batch
    flags = set()
    for seed in range(20):
        _, moved = mosaics(images, rows, 1.0, tf.constant([seed, 0]))
        flags |= set(moved.numpy()[..., Row.FLAG].ravel().tolist())
    assert flags == {0.0, float(CROWD)}


def test_without_mosaics_nothing_changes(batch):
    images, rows = batch
    same, alone = (x.numpy() for x in mosaics(images, rows, 0.0, tf.constant([1, 2])))
    np.testing.assert_array_equal(same, images)
    np.testing.assert_array_equal(alone[:, :2], rows)
    assert (alone[:, 2:, Row.LABEL] == -1).all()


def test_draws_depend_on_the_epoch_and_are_those_of_a_resumed_run(batch):
    dataset = tf.data.Dataset.from_tensors(batch)

    def passes(first):
        data = with_mosaics(dataset, 1.0, 7, first)
        return [next(iter(data))[0].numpy() for _ in range(2)]

    first, second = passes(0)
    assert (first != second).any()
    np.testing.assert_array_equal(passes(1)[0], second)
