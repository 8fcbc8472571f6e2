"""Boxes drawn on images."""

import numpy as np
import pytest

from kerascnn.pages.boxes import COLORS, draw_boxes


def drawn_pixels(image, color):
    return np.argwhere((image == color).all(axis=-1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_box_has_the_colour_of_its_class(channels):
    plain = np.zeros((100, 200, channels), np.uint8)
    drawn = draw_boxes(plain, np.array([[0.25, 0.2, 0.75, 0.9], [0.0, 0.0, 0.1, 0.1]]), [1, 9])
    assert drawn.shape == (100, 200, 3)
    places = drawn_pixels(drawn, COLORS[1])
    assert places.min(axis=0).tolist() == [20, 50]
    assert places.max(axis=0).tolist() == [90, 150]
    assert len(drawn_pixels(drawn, COLORS[9 % len(COLORS)]))
    assert not plain.any()  # the image itself is left alone


def test_boxes_and_captions_stay_within_the_image():
    plain = np.zeros((40, 60, 3), np.uint8)
    boxes = np.array([[-1.0, -1.0, 2.0, 2.0], [0.9, 0.95, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
    drawn = draw_boxes(plain, boxes, [0, 1, 2], ["a long caption of a class 0.99", "b", "c"])
    assert drawn.shape == plain.shape
    assert drawn.any()


def test_no_boxes_no_change():
    plain = np.full((10, 10, 3), 7, np.uint8)
    np.testing.assert_array_equal(draw_boxes(plain, np.zeros((0, 4)), []), plain)
