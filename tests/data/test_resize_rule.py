"""The resize rule: its arithmetic, its file form and what "auto" chooses."""

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import ResizeRule
from kerascnn.data.images.resize import automatic_rule
from kerascnn.errors import InputError

FITS = ["stretch", "crop", "pad"]


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    generator = np.random.default_rng(3)
    return generator.integers(0, 256, (height, width, channels), dtype=np.uint8)


def bilinear(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(height, width, -1)


def test_stretch_ignores_the_aspect_ratio():
    pixels = noise(30, 50)
    out = ResizeRule(fit="stretch").apply(pixels, (20, 10), 3)
    np.testing.assert_array_equal(out, bilinear(pixels, 20, 10))


@pytest.mark.parametrize(
    ("size", "target", "scaled", "offset"),
    [
        ((40, 60), (20, 20), (20, 30), (0, 5)),
        ((61, 40), (20, 20), (31, 20), (5, 0)),  # 30.5 rounds up
        ((10, 10), (15, 25), (25, 25), (5, 0)),  # enlarged until it covers
        ((7, 300), (7, 5), (7, 300), (0, 147)),  # nothing to scale
    ],
)
def test_crop_covers_then_cuts_the_centre(size, target, scaled, offset):
    pixels = noise(*size)
    (height, width), (top, left) = target, offset
    expected = bilinear(pixels, *scaled)[top : top + height, left : left + width]
    out = ResizeRule(fit="crop").apply(pixels, target, 3)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("size", "target", "scaled", "offset"),
    [
        ((28, 28), (32, 32), (28, 28), (2, 2)),
        ((27, 28), (32, 32), (27, 28), (2, 2)),  # the odd row goes below
        ((40, 60), (20, 20), (13, 20), (3, 0)),
        ((61, 122), (20, 20), (10, 20), (5, 0)),
        ((3, 900), (30, 30), (1, 30), (14, 0)),  # never thinner than one pixel
    ],
)
def test_pad_shrinks_but_never_enlarges(size, target, scaled, offset):
    pixels = noise(*size, 1)
    expected = np.full((*target, 1), 7, np.uint8)
    (height, width), (top, left) = scaled, offset
    expected[top : top + height, left : left + width] = bilinear(pixels, height, width)
    out = ResizeRule(fit="pad", pad_value=7).apply(pixels, target, 1)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("fit", FITS)
def test_the_right_size_is_left_untouched(fit):
    pixels = noise(9, 11)
    np.testing.assert_array_equal(ResizeRule(fit=fit).apply(pixels, (9, 11), 3), pixels)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("target", [(12, 10), (16, 16), (5, 30)])
def test_a_batch_equals_its_images_one_by_one(fit, channels, depth, target):
    images = noise(36, 10, depth).reshape(3, 12, 10, depth)
    rule = ResizeRule(fit=fit, pad_value=5)
    one_by_one = [rule.apply(image, target, channels) for image in images]
    np.testing.assert_array_equal(rule.apply_batch(images, target, channels), one_by_one)


def test_one_number_is_a_square():
    assert ResizeRule().apply(noise(4, 6), 5, 1).shape == (5, 5, 1)


def test_the_plain_form_comes_back_equal():
    rule = ResizeRule(fit="crop", pad_value=3)
    plain = {"fit": "crop", "filter": "bilinear", "antialias": True, "pad_value": 3}
    assert rule.to_dict() == plain
    assert ResizeRule.from_dict(plain) == rule


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"padding": 1}, "unknown: padding; missing: none"),
        ({"fit": "squash"}, "stretch, crop, pad. Received: 'squash'"),
        ({"filter": "bicubic"}, "bicubic"),
        ({"antialias": False}, "antialias must be true"),
        ({"pad_value": 256}, "0..255. Received: 256"),
        ({"pad_value": True}, "Received: True"),
    ],
)
def test_a_bad_plain_form_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        ResizeRule.from_dict({**ResizeRule().to_dict(), **change})


def test_a_missing_key_is_refused():
    with pytest.raises(InputError, match="missing: filter, antialias, pad_value"):
        ResizeRule.from_dict({"fit": "pad"})


@pytest.mark.parametrize("values", [None, "pad", ["fit"]])
def test_only_a_mapping_is_a_plain_form(values):
    with pytest.raises(InputError, match="must be a mapping"):
        ResizeRule.from_dict(values)


@pytest.mark.parametrize("size", [0, -3, (4,), (4, 0), (4, 5, 6), 2.5, "32", True])
def test_a_bad_size_is_refused(size):
    with pytest.raises(InputError, match="image_size must be one positive integer"):
        ResizeRule().apply(noise(4, 4), size, 3)


@pytest.mark.parametrize(
    "array",
    [noise(4, 4).astype(np.float32), noise(4, 4, 2), noise(4, 4)[np.newaxis], noise(0, 4)],
)
def test_other_arrays_are_refused(array):
    with pytest.raises(InputError, match="expected a uint8 array"):
        ResizeRule().apply(array, 4, 3)


def test_a_batch_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"\[n, h, w, 1 or 3\]\. Received: uint8 \[4, 4, 3\]"):
        ResizeRule().apply_batch(noise(4, 4), 4, 3)


@pytest.mark.parametrize(
    ("common", "target", "fit"),
    [
        ((28, 28), (32, 32), "pad"),
        ((24, 24), (32, 32), "pad"),  # exactly 0.75
        ((23, 28), (32, 32), "stretch"),
        ((33, 32), (32, 32), "stretch"),
        ((32, 32), (32, 32), "stretch"),
        ((32, 28), (32, 32), "pad"),
        (None, (32, 32), "stretch"),
    ],
)
def test_the_automatic_choice(common, target, fit):
    assert automatic_rule(common, target) == ResizeRule(fit=fit)
