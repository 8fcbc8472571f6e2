"""Run-length encoding and filling, against pycocotools."""

import numpy as np
import pytest
from pycocotools import mask as peer

from kerascnn.data.annotations import Polygons, Rle
from kerascnn.errors import InputError


def rings(kind, seed):
    """Random polygons that leave the picture, touch its border, repeat corners or are whole."""
    generator = np.random.default_rng([seed, hash_of(kind)])
    for _ in range(60):
        height, width = generator.integers(1, 50, 2).tolist()
        ring = generator.uniform(-20, 70, (int(generator.integers(3, 12)), 2))
        if kind == "whole":
            ring = ring.round()
        elif kind == "halves":
            ring = ring.round() / 2
        elif kind == "repeated":
            ring = np.repeat(ring.round(), 2, axis=0)
        elif kind == "clipped":
            ring = np.clip(ring, 0, [width, height])
        elif kind == "thin":
            ring[:, generator.integers(2)] = ring[0, 0]
        yield ring, height, width


def hash_of(kind):
    return sum(map(ord, kind))


KINDS = ("any", "whole", "halves", "repeated", "clipped", "thin")


@pytest.mark.parametrize("kind", KINDS)
def test_polygons_are_filled_as_pycocotools_fills_them(kind):
    for ring, height, width in rings(kind, 0):
        runs = peer.frPyObjects([ring.ravel().tolist()], height, width)
        expected = peer.decode(runs)[..., 0]
        np.testing.assert_array_equal(Polygons((ring,)).mask(height, width), expected)


def test_several_polygons_are_their_union():
    for (first, height, width), (second, _, _) in zip(
        rings("any", 1), rings("any", 2), strict=True
    ):
        parts = [ring.ravel().tolist() for ring in (first, second)]
        expected = peer.decode(peer.merge(peer.frPyObjects(parts, height, width)))
        np.testing.assert_array_equal(Polygons((first, second)).mask(height, width), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_runs_are_those_of_pycocotools_in_both_forms(kind):
    for ring, height, width in rings(kind, 3):
        theirs = peer.frPyObjects([ring.ravel().tolist()], height, width)[0]
        mask = peer.decode(theirs)
        ours = Rle.from_mask(mask)
        assert ours.to_coco() == {"size": [height, width], "counts": theirs["counts"].decode()}
        for compressed in (True, False):
            again = Rle.from_coco(ours.to_coco(compressed))
            np.testing.assert_array_equal(again.mask(), mask)
        uncompressed = peer.frPyObjects(ours.to_coco(False), height, width)
        assert uncompressed["counts"] == theirs["counts"]


def test_area_and_box_are_those_of_pycocotools():
    seen = 0
    for ring, height, width in rings("any", 4):
        mask = Polygons((ring,)).mask(height, width)
        runs = Rle.from_mask(mask)
        theirs = peer.encode(np.asfortranarray(mask))
        assert runs.area == peer.area(theirs) == mask.sum()
        if runs.area:
            x, y, across, down = peer.toBbox(theirs).tolist()
            assert runs.box() == (x, y, x + across, y + down)
            seen += 1
        else:
            assert runs.box() is None
    assert seen > 20


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (4, 3)])
@pytest.mark.parametrize("value", [0, 1])
def test_masks_of_one_value(shape, value):
    mask = np.full(shape, value, np.uint8)
    runs = Rle.from_mask(mask)
    np.testing.assert_array_equal(runs.mask(), mask)
    assert runs.to_coco()["counts"] == peer.encode(np.asfortranarray(mask))["counts"].decode()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"size": [2, 2]},
        {"size": [2, 2], "counts": [1, 2]},  # too few pixels
        {"size": [2, 2], "counts": [5, -1]},
        {"size": [2, 2], "counts": [1.0, 3.0]},
        {"size": [2, 2], "counts": ["4"]},
        {"size": [0, 0], "counts": []},
        {"size": [2], "counts": [4]},
        {"size": ["2", "2"], "counts": [4]},
        {"size": [2, 2], "counts": "\u00ff"},
        {"size": [2, 2], "counts": "o"},  # the character says that another follows
        {"size": [2, 2], "counts": "o" * 1000},
        {"size": [2, 2], "counts": None},
        {"size": [10**30, 2], "counts": [4]},
    ],
)
def test_what_is_no_runs_is_none(value):
    assert Rle.from_coco(value) is None


def test_runs_of_another_number_of_pixels_are_an_error():
    with pytest.raises(InputError, match="2x2 pixels"):
        Rle(2, 2, np.array([3]))


def test_outlines_drawn_as_labelme_draws_them_hold_their_border():
    ring = np.array([[2.0, 2.0], [6.0, 2.0], [6.0, 5.0], [2.0, 5.0]])
    assert Polygons((ring,)).mask(9, 9).sum() == 4 * 3
    drawn = Polygons((ring,), with_outline=True).mask(9, 9)
    assert drawn[2:6, 2:7].all()
    assert drawn.sum() == 5 * 4
