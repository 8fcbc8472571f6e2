"""Arrays that make no picture are refused in plain words."""

import numpy as np
import pytest

from kerascnn import visualize
from kerascnn.errors import InputError
from kerascnn.visualize import Neighbors

POINTS, SQUARES = np.zeros((3, 2)), np.zeros((3, 4, 4, 3), "float32")
NEAREST = Neighbors(np.array([[0, 2]]), np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: visualize.mosaic(SQUARES, columns=0), "`columns` of at least 1"),
        (lambda: visualize.mosaic(SQUARES, gap=-1), "gap=-1"),
        (lambda: visualize.heat_map(np.full((1, 2, 2), np.nan)), "4 values not finite"),
        (lambda: visualize.heat_map(np.zeros((1, 2, 2)), 101), "percentile=101"),
        (lambda: visualize.heat_map(np.zeros((0, 2, 2))), r"shape \(0, 2, 2\)"),
        (
            lambda: visualize.overlay(np.zeros((2, 2, 3), "uint8"), np.zeros((2, 2)), 3),
            r"`strength` must be in 0\.\.1",
        ),
        (lambda: visualize.plot_feature_maps({}), "no maps to draw"),
        (lambda: visualize.plot_feature_maps({"a": SQUARES}, image=3), "from 0 to 2. Received: 3"),
        (lambda: visualize.embedding_map(np.full((3, 2), np.nan)), "no finite numbers"),
        (lambda: visualize.plot_embedding_map(POINTS, [0, 1, 2], ["a"]), "label 2 has no name"),
        (lambda: visualize.plot_embedding_map(POINTS, [0.0, 1, 2]), "whole numbers"),
        (lambda: visualize.plot_embedding_map(POINTS, images=SQUARES[:2]), "3 images, one per"),
        (lambda: visualize.plot_embedding_map(POINTS, images=SQUARES, most=0), "most=0"),
        (lambda: visualize.nearest_neighbors(POINTS, POINTS[:0], 1), "one query at least"),
        (lambda: visualize.nearest_neighbors(POINTS * np.nan, POINTS, 1), "finite numbers only"),
        (lambda: visualize.plot_neighbors(SQUARES, SQUARES, NEAREST), "expected 1 query images"),
        (lambda: visualize.plot_neighbors(SQUARES[:1], SQUARES[:2], NEAREST), "at least 3 images"),
        (lambda: visualize.save_animation(SQUARES, "a.gif", scale=0), "scale=0"),
        (lambda: visualize.save_animation(SQUARES, "a.gif", seconds=-1), "seconds=-1"),
        (
            lambda: visualize.save_animation([SQUARES[0], SQUARES[0, 1:]], "a.gif"),
            "frames have several sizes",
        ),
    ],
)
def test_what_makes_no_picture_is_said(draw, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        draw()
    assert not list(tmp_path.iterdir())


def test_heat_maps_may_be_lists():
    np.testing.assert_allclose(visualize.heat_map([[[0.0, 2.0], [1.0, -1.0]]], 100)[0, 0], [0, 1])
