"""Pixels of 12, 16 and 32 bits: every way they are stored, with and without a range."""

import numpy as np
import pytest
from PIL import Image
from stored_pixels import brought, chunk, png, tiff

from kerascnn.data import load, load_image
from kerascnn.data.images.deep_pixels import check_pixel_range
from kerascnn.errors import DataError, InputError

GENERATOR = np.random.default_rng(3)
SIXTEEN = np.concatenate(
    [[0, 1, 127, 128, 129, 256, 257, 32767, 32768, 65534, 65535], GENERATOR.integers(0, 65536, 109)]
).reshape(10, 12)
TWELVE = SIXTEEN % 4096
FLOATS = GENERATOR.uniform(-0.25, 1.5, (10, 12)).astype(np.float32)


def twelve_packed(values: np.ndarray) -> bytes:
    """Two values of 12 bits in three bytes, the higher bits first."""
    packed = bytearray()
    for first, second in values.reshape(-1, 2).tolist():
        packed += (first << 12 | second).to_bytes(3, "big")
    return bytes(packed)


def grey_tiff(values: np.ndarray, kind: str, **options: object) -> bytes:
    stored = values.astype(kind)
    names = {"u": 1, "i": 2, "f": 3}
    return tiff(
        stored.tobytes(),
        values.shape,
        [8 * stored.itemsize],
        sample_format=names[stored.dtype.kind],
        order=kind[0],
        **options,
    )


def read(tmp_path, content: bytes, channels: int = 1, pixel_range=None) -> np.ndarray:
    path = tmp_path / "image"
    path.write_bytes(content)
    with Image.open(path) as image:
        size = image.size[::-1]
    return load_image(path, size, channels, pixel_range=pixel_range).squeeze()


STORED = {
    "PNG": (png(SIXTEEN.astype(np.uint16)[..., None]), SIXTEEN, (0, 65535)),
    "TIFF": (grey_tiff(SIXTEEN, "<u2"), SIXTEEN, (0, 65535)),
    "TIFF, big-endian": (grey_tiff(SIXTEEN, ">u2"), SIXTEEN, (0, 65535)),
    "TIFF of 12 bits": (tiff(twelve_packed(TWELVE), (10, 12), [12]), TWELVE, (0, 4095)),
    "TIFF, signed": (grey_tiff(SIXTEEN // 2, "<i2"), SIXTEEN // 2, (0, 65535)),
    "TIFF of 32 bits": (grey_tiff(SIXTEEN, "<i4"), SIXTEEN, (0, 65535)),
    "TIFF of 32 bits, unsigned": (grey_tiff(SIXTEEN, "<u4"), SIXTEEN, (0, 65535)),
    "PGM": (b"P5 12 10 65535\n" + SIXTEEN.astype(">u2").tobytes(), SIXTEEN, (0, 65535)),
}


@pytest.mark.parametrize("name", STORED)
def test_the_whole_range_becomes_0_to_255(tmp_path, name):
    content, values, declared = STORED[name]
    np.testing.assert_array_equal(read(tmp_path, content), brought(values, *declared))


@pytest.mark.parametrize("pixel_range", [(0, 4095), (500, 40000), (0, 65535), (-1000, 1000.5)])
@pytest.mark.parametrize("name", STORED)
def test_a_given_range_becomes_0_to_255(tmp_path, name, pixel_range):
    content, values, _ = STORED[name]
    found = read(tmp_path, content, pixel_range=pixel_range)
    np.testing.assert_array_equal(found, brought(values, *pixel_range))


@pytest.mark.parametrize(
    ("kind", "values", "pixel_range"),
    [
        ("<f4", FLOATS, (0, 1)),
        (">f4", FLOATS, (-0.25, 1.5)),
        ("<f4", FLOATS * 1000, (100, 900)),
        ("<i2", SIXTEEN - 32768, (-1024, 3071)),
        (">i2", SIXTEEN - 32768, (-32768, 32767)),
        ("<i4", SIXTEEN * 30000, (0, 2e9)),
        ("<u4", SIXTEEN * 65537, (0, 2**32 - 1)),
    ],
)
def test_values_without_a_range_of_their_own_need_one(tmp_path, kind, values, pixel_range):
    content = grey_tiff(values, kind)
    with pytest.raises(DataError, match=r"have no fixed range; give the one .* as pixel_range"):
        read(tmp_path, content)
    found = read(tmp_path, content, pixel_range=pixel_range)
    np.testing.assert_array_equal(found, brought(values, *pixel_range))


@pytest.mark.parametrize("pixel_range", [None, (0, 4095)])
def test_white_may_be_zero(tmp_path, pixel_range):
    content = grey_tiff(SIXTEEN, "<u2", photometric=0)
    expected = 255 - brought(SIXTEEN, *(pixel_range or (0, 65535)))
    np.testing.assert_array_equal(read(tmp_path, content, pixel_range=pixel_range), expected)


def test_a_transparent_value_shows_white(tmp_path):
    content = png(SIXTEEN.astype(np.uint16)[..., None], chunk(b"tRNS", b"\x01\x01"))
    expected = brought(SIXTEEN, 0, 65535)
    expected[SIXTEEN == 257] = 255
    np.testing.assert_array_equal(read(tmp_path, content), expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_counted(tmp_path, bad):
    values = FLOATS.copy()
    values[2, 3:5] = bad
    with pytest.raises(DataError, match=r"2 pixel\(s\) are not finite numbers"):
        read(tmp_path, grey_tiff(values, "<f4"), pixel_range=(0, 1))


COLOURS = np.stack([SIXTEEN, SIXTEEN[::-1], np.roll(SIXTEEN, 5)], axis=-1)
OPAQUE = np.full((10, 12, 1), 65535)


@pytest.mark.parametrize("pixel_range", [(0, 4095), (300, 60000)])
@pytest.mark.parametrize(
    ("content", "values"),
    [
        (png(COLOURS.astype(np.uint16)), COLOURS),
        (png(np.concatenate([COLOURS, OPAQUE], -1).astype(np.uint16)), COLOURS),
        (png(np.concatenate([COLOURS[..., :1], OPAQUE], -1).astype(np.uint16)), COLOURS[..., :1]),
        (tiff(COLOURS.astype("<u2").tobytes(), (10, 12), [16] * 3, photometric=2), COLOURS),
        (
            tiff(COLOURS.astype("<u2").tobytes(), (10, 12), [16] * 3, photometric=2, deflate=True),
            COLOURS,
        ),
        (
            tiff(COLOURS.astype(">u2").tobytes(), (10, 12), [16] * 3, photometric=2, order=">"),
            COLOURS,
        ),
    ],
    ids=["PNG", "alpha", "grey and alpha", "TIFF", "compressed TIFF", "big-endian TIFF"],
)
def test_colours_of_16_bits_keep_them_in_a_range(tmp_path, content, values, pixel_range):
    found = read(tmp_path, content, 3, pixel_range)
    expected = np.broadcast_to(brought(values, *pixel_range), (10, 12, 3))
    np.testing.assert_array_equal(found, expected)
    high_bytes = np.broadcast_to(values >> 8, (10, 12, 3))
    np.testing.assert_array_equal(read(tmp_path, content, 3), high_bytes)


def test_orientation_holds_for_deep_pixels(tmp_path):
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    for where in ("before", "behind"):
        turn = {where: (chunk(b"eXIf", exif),)}
        content = png(
            SIXTEEN.astype(np.uint16)[..., None],
            *turn.get("before", ()),
            behind=turn.get("behind", ()),
        )
        (tmp_path / "a.png").write_bytes(content)
        found = load_image(tmp_path / "a.png", (12, 10), 1, pixel_range=(0, 4095))
        np.testing.assert_array_equal(found[..., 0], np.rot90(brought(SIXTEEN, 0, 4095), -1))


@pytest.fixture
def plant(tmp_path):
    """Makes two class folders of files with the given contents, and returns their parent."""

    def make(*contents: bytes, suffix: str = "png"):
        for name in ("a", "b"):
            (tmp_path / "photos" / name).mkdir(parents=True)
            for number, content in enumerate(contents):
                path = tmp_path / "photos" / name / f"{number}.{suffix}"
                path.write_bytes(content)
        return tmp_path / "photos"

    return make


def deep(low: int, high: int) -> bytes:
    return png(GENERATOR.integers(low, high + 1, (8, 8, 1)).astype(np.uint16))


def test_few_levels_are_warned_about_with_a_range_to_give(plant, caplog):
    root = plant(deep(0, 4000), deep(10, 3000), deep(0, 100))
    splits = load(root)
    assert splits.image_shape == (8, 8, 1)
    assert "6 image(s) have 16-bit pixels with values from" in caplog.text
    assert "they keep 16 of 256 levels" in caplog.text
    assert "pixel_range=(0, 4095), --pixel-range 0,4095" in caplog.text
    assert any("--pixel-range 0,4095" in note for note in splits.notes)


def test_colours_of_few_levels_are_warned_about(plant, caplog):
    values = GENERATOR.integers(0, 4096, (8, 8, 3)).astype(np.uint16)
    load(plant(png(values), png(values[::-1])))
    assert "4 image(s) have 16-bit pixels" in caplog.text
    assert "--pixel-range 0,4095" in caplog.text


def test_a_whole_range_is_only_noted(plant, caplog):
    splits = load(plant(deep(0, 65535), deep(0, 65535)))
    assert caplog.text.count("WARNING") == 1  # copies of one file
    assert "4 image(s) have 16-bit pixels, read as 0 to 65535" in splits.notes


@pytest.mark.parametrize("cache", [True, False])
def test_a_range_is_used_for_every_image_and_noted(plant, cache):
    root = plant(deep(0, 4095), deep(0, 5000), png(np.full((8, 8, 1), 77, np.uint8)))
    splits = load(root, pixel_range=(0, 4095), cache=cache)
    assert any("pixel range 0 to 4095 became 0..255 in 4 of 6 image(s)" in n for n in splits.notes)
    assert any("2 image(s) have pixels outside the range" in note for note in splits.notes)
    for split in splits.counts:
        for image, path in zip(splits.arrays(split)[0], splits.paths(split), strict=True):
            np.testing.assert_array_equal(image, load_image(path, (8, 8), 1, pixel_range=(0, 4095)))
            assert path.stem != "2" or (image == 77).all()


def test_floats_are_skipped_with_their_count_and_values(plant, caplog):
    values = np.linspace(-0.5, 0.75, 64, dtype=np.float32).reshape(8, 8)
    floats = grey_tiff(values, "<f4")
    root = plant(floats, deep(0, 65535), deep(0, 65535), suffix="tif")
    splits = load(root)
    assert sum(splits.counts.values()) == 4
    assert "2 image(s) skipped: floating-point pixels from -0.5 to 0.75" in caplog.text
    assert "--pixel-range -0.5,0.8" in caplog.text
    assert sum(load(root, pixel_range=(-0.5, 0.75)).counts.values()) == 6


def test_floats_alone_are_an_error_that_says_what_to_give(plant):
    floats = grey_tiff(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8), "<f4")
    with pytest.raises(DataError, match=r"floating-point pixels from 0 to 1 .*--pixel-range"):
        load(plant(floats, floats))


def test_a_range_that_keeps_few_levels_is_warned_about(plant, caplog):
    load(plant(deep(0, 255), deep(0, 255)), pixel_range=(0, 65535))
    assert "keep 1 of 256 levels. A range that fits them: pixel_range=(0, 255)" in caplog.text


@pytest.mark.parametrize("source", ["folder", "digits"])
def test_a_range_without_use_is_noted(plant, source):
    if source == "folder":
        values = GENERATOR.integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
        source = plant(*map(png, values))
    notes = load(source, pixel_range=(0, 4095)).notes
    assert "the pixel range is not used: all images have 8 bits" in notes


@pytest.mark.parametrize(
    "bad", [(1, 1), (5, 2), (0, float("inf")), (float("nan"), 1), (0,), "0,1", 4095, ("0", "1")]
)
def test_a_range_that_is_none_is_refused(bad):
    with pytest.raises(InputError, match="pixel_range must be two numbers, the lower one first"):
        load("digits", pixel_range=bad)


def test_a_range_may_be_of_any_numbers():
    assert check_pixel_range([np.int64(-1), np.float32(2.5)]) == (-1.0, 2.5)
