"""Every way in which 8 bits or fewer are stored, against values computed here."""

import numpy as np
import pytest
from PIL import Image
from stored_pixels import chunk, png, tiff

from kerascnn.data import load_image
from kerascnn.data.images.decode import read_header

GENERATOR = np.random.default_rng(9)
GREY = GENERATOR.integers(0, 256, (6, 8, 1)).astype(np.uint8)
RGB = GENERATOR.integers(0, 256, (6, 8, 3)).astype(np.uint8)
ALPHA = GENERATOR.integers(0, 256, (6, 8, 1)).astype(np.uint8)
BITS = GENERATOR.integers(0, 2, (6, 8, 1)).astype(np.uint8)
PLACES = GENERATOR.integers(0, 4, (6, 8, 1)).astype(np.uint8)
PALETTE = np.array([[0, 0, 0], [255, 0, 10], [20, 200, 30], [90, 80, 255]], np.uint8)
FOUR = GENERATOR.integers(0, 256, (6, 8, 4)).astype(np.uint8)


def over_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    alpha = alpha.astype(float) / 255
    return colours * alpha + 255 * (1 - alpha)


def of_cmyk(values: np.ndarray) -> np.ndarray:
    return (255.0 - values[..., :3]) * (255.0 - values[..., 3:]) / 255


def of_ycbcr(values: np.ndarray) -> np.ndarray:
    """ITU-T T.871 (JFIF), section 7."""
    y, cb, cr = (values[..., place].astype(float) for place in range(3))
    red = y + 1.402 * (cr - 128)
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    return np.stack([red, green, y + 1.772 * (cb - 128)], -1).clip(0, 255)


def of_lab(values: np.ndarray) -> np.ndarray:
    """CIELAB of white point D50 to sRGB (IEC 61966-2-1), by Bradford's matrix."""
    lightness = values[..., 0].astype(float) * 100 / 255
    a, b = (values[..., place].astype(np.int8).astype(float) for place in (1, 2))
    y = (lightness + 16) / 116
    linear = [
        np.where(t > 6 / 29, t**3, 3 * (6 / 29) ** 2 * (t - 4 / 29))
        for t in (y + a / 500, y, y - b / 200)
    ]
    xyz = np.stack(linear, -1) * (0.9642, 1.0, 0.8249)
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    rgb = (xyz @ np.array(matrix).T).clip(0, 1)
    return 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


# Colours that are inside of sRGB.
LAB = np.array([[[135, 20, 30], [200, 246, 10], [90, 10, 236], [255, 0, 0]]] * 2, np.uint8)


def mask_png() -> bytes:
    packed = np.packbits(BITS[..., 0], axis=1)[..., None]
    return png(packed, bits=1)


def stored_tiff(values: np.ndarray, **options: object) -> bytes:
    height, width, channels = values.shape
    return tiff(values.tobytes(), (height, width), [8] * channels, **options)


EXTRA_ALPHA = (338, 3, 1, 2)
CASES = {
    "1": (mask_png(), BITS * 255.0, 0),
    "1, white is zero": (
        tiff(np.packbits(BITS[..., 0], axis=1).tobytes(), (6, 8), [1], photometric=0),
        255.0 - BITS * 255.0,
        0,
    ),
    "L": (png(GREY), GREY, 0),
    "L, white is zero": (stored_tiff(GREY, photometric=0), 255.0 - GREY, 0),
    "L, a value transparent": (
        png(GREY, chunk(b"tRNS", bytes([0, GREY[0, 0, 0]]))),
        np.where(GREY[0, 0, 0] == GREY, 255, GREY),
        0,
    ),
    "LA": (png(np.concatenate([GREY, ALPHA], -1)), over_white(GREY, ALPHA), 1),
    "LA in TIFF": (
        stored_tiff(np.concatenate([GREY, ALPHA], -1), more=[EXTRA_ALPHA]),
        over_white(GREY, ALPHA),
        1,
    ),
    "P": (png(PLACES, palette=PALETTE.tobytes()), PALETTE[PLACES[..., 0]], 0),
    "P, places transparent": (
        png(PLACES, chunk(b"tRNS", bytes([0, 128, 255])), palette=PALETTE.tobytes()),
        over_white(PALETTE[PLACES[..., 0]], np.array([0, 128, 255, 255])[PLACES]),
        1,
    ),
    "RGB": (png(RGB), RGB, 0),
    "RGB, a colour transparent": (
        png(RGB, chunk(b"tRNS", bytes([0, RGB[0, 0, 0], 0, RGB[0, 0, 1], 0, RGB[0, 0, 2]]))),
        np.where((RGB[0, 0] == RGB).all(-1, keepdims=True), 255, RGB),
        0,
    ),
    "RGBA": (png(np.concatenate([RGB, ALPHA], -1)), over_white(RGB, ALPHA), 1),
    "RGBX": (stored_tiff(FOUR, photometric=2, more=[(338, 3, 1, 0)]), FOUR[..., :3], 0),
    "CMYK": (stored_tiff(FOUR, photometric=5), of_cmyk(FOUR), 1),
    "YCbCr": (stored_tiff(RGB, photometric=6, more=[(530, 3, 2, 1 << 16 | 1)]), of_ycbcr(RGB), 2),
    "LAB": (stored_tiff(LAB, photometric=8), of_lab(LAB), 3),
    "PPM": (b"P6 8 6 255\n" + RGB.tobytes(), RGB, 0),
    "PPM, of 16 levels": (b"P5 8 6 15\n" + (GREY // 16).tobytes(), (GREY // 16) * 17.0, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_stored_pixels_are_read_as_rgb(tmp_path, name):
    content, expected, most = CASES[name]
    (tmp_path / "image").write_bytes(content)
    height, width = expected.shape[:2]
    found = load_image(tmp_path / "image", (height, width), 3)
    expected = np.broadcast_to(expected, (height, width, 3))
    assert np.abs(found.astype(float) - expected).max() <= most


@pytest.mark.parametrize("name", CASES)
def test_stored_pixels_are_read_as_grey(tmp_path, name):
    content, expected, most = CASES[name]
    (tmp_path / "image").write_bytes(content)
    height, width = expected.shape[:2]
    found = load_image(tmp_path / "image", (height, width), 1)
    if expected.shape[-1] == 3:  # ITU-R BT.601 luma
        expected = (expected @ [0.299, 0.587, 0.114])[..., None]
    assert np.abs(found.astype(float) - expected).max() <= most + 1


@pytest.mark.parametrize(
    ("name", "grey"), [("1", True), ("L", True), ("LA", True), ("P", False), ("RGB", False)]
)
def test_grey_is_known_before_decoding(tmp_path, name, grey):
    (tmp_path / "image").write_bytes(CASES[name][0])
    assert read_header(tmp_path / "image").grey == grey


def test_a_palette_with_alpha_is_laid_over_white(tmp_path):
    image = Image.fromarray(GREY[..., 0]).convert("PA")
    image.putalpha(Image.fromarray(ALPHA[..., 0]))
    image.save(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as stored:
        if stored.mode != "PA":
            pytest.skip("this Pillow stores no such mode")
    found = load_image(tmp_path / "a.tif", (6, 8), 1)
    assert np.abs(found - over_white(GREY, ALPHA)).max() <= 1


def test_cmyk_of_a_jpeg_is_read_as_its_maker_means_it(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    found = load_image(tmp_path / "a.jpg", 8, 3).astype(int)
    assert np.abs(found - (255, 0, 0)).max() <= 3
