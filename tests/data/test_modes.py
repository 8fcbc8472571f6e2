"""Every kind of Pillow image becomes grey or RGB of the right brightness."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from kerascnn.data.images.modes import to_mode
from kerascnn.errors import DataError, InputError

RED = (200, 40, 40)


def solid(mode: str, color: object) -> Image.Image:
    return Image.new(mode, (4, 3), color)


def red_lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(*profiles, "RGB", "LAB")
    return ImageCms.applyTransform(solid("RGB", RED), transform)


@pytest.mark.parametrize(
    "image",
    [
        solid("RGB", RED),
        solid("RGBA", (*RED, 255)),
        solid("RGB", RED).convert("P", palette=Image.Palette.ADAPTIVE),
        solid("RGB", RED).convert("CMYK"),
        solid("RGB", RED).convert("YCbCr"),
        solid("RGB", RED).convert("HSV"),
        red_lab(),
    ],
    ids=lambda image: image.mode,
)
def test_colour_survives_conversion_to_rgb(image: Image.Image):
    pixels = np.asarray(to_mode(image, 3)).astype(int)
    assert pixels.shape == (3, 4, 3)
    assert np.abs(pixels - RED).max() <= 3


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (solid("L", 77), 77),
        (solid("LA", (77, 255)), 77),
        (solid("LA", (0, 0)), 255),  # transparent shows white
        (solid("1", 1), 255),
        (solid("1", 0), 0),
        (solid("I;16", 65535), 255),
        (solid("I;16", 257 * 100), 100),
        (solid("I;16", 257 * 100 + 128), 100),
        (solid("I;16", 257 * 100 + 129), 101),
        (solid("I;16B", 257 * 9), 9),
        (solid("I", 257 * 200), 200),
    ],
)
def test_grey_value(image: Image.Image, expected: int):
    assert np.unique(np.asarray(to_mode(image, 1))).tolist() == [expected]


def test_half_transparent_pixels_are_laid_over_white():
    pixels = np.asarray(to_mode(solid("RGBA", (0, 100, 200, 128)), 3)).astype(int)
    expected = np.array([0, 100, 200]) * 128 / 255 + 255 * 127 / 255
    assert np.abs(pixels - expected).max() <= 1


def test_a_transparent_palette_entry_shows_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    assert np.asarray(to_mode(image, 3)).tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_a_transparent_colour_key_shows_white():
    image = solid("RGB", (1, 2, 3))
    image.info["transparency"] = (1, 2, 3)
    assert np.asarray(to_mode(image, 3)).min() == 255


def test_grey_becomes_three_equal_channels():
    assert np.asarray(to_mode(solid("L", 9), 3)).tolist()[0][0] == [9, 9, 9]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int):
    stored = {1: "ABCD", 2: "BADC", 3: "DCBA", 4: "CDAB", 5: "ACBD", 6: "BDAC", 7: "DBCA"}
    upright = stored.get(orientation, "CADB")
    image = Image.frombytes("L", (2, 2), upright.encode())
    image.getexif()[0x0112] = orientation
    assert to_mode(image, 1).tobytes() == b"ABCD"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (solid("F", 0.5), "floating-point"),
        (solid("I", 70000), "integer pixels from 70000 to 70000 have no fixed range"),
        (solid("I", -1), "integer pixels from -1 to -1 have no fixed range"),
    ],
)
def test_pixels_without_a_fixed_range_are_refused(image: Image.Image, message: str):
    with pytest.raises(DataError, match=message):
        to_mode(image, 1)


@pytest.mark.parametrize("channels", [0, 2, 4, True, None])
def test_other_numbers_of_channels_are_refused(channels: object):
    with pytest.raises(InputError, match="channels must be 1"):
        to_mode(solid("L", 1), channels)
