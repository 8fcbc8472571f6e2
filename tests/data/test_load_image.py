"""One image file in, pixels or one clear error out."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import ResizeRule, load_image
from kerascnn.data.images.decode import read_header
from kerascnn.errors import DataError


def picture(height: int = 20, width: int = 30) -> Image.Image:
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3)
    return Image.fromarray(ramp.astype(np.uint8))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def huge_png() -> bytes:
    """A well-formed file of a few dozen bytes that claims 30000x30000 pixels."""
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff", "ppm", "jpg", "webp"])
def test_common_formats_are_read(tmp_path: Path, suffix: str):
    path = tmp_path / f"picture.{suffix}"
    picture().save(path)
    pixels = load_image(path, (20, 30), 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.asarray(picture())).mean() < 4


def test_the_rule_and_the_channels_are_applied(tmp_path: Path):
    path = tmp_path / "picture.png"
    picture().save(path)
    pixels = load_image(path, 40, 1, ResizeRule(fit="pad", pad_value=9))
    assert pixels.shape == (40, 40, 1)
    np.testing.assert_array_equal(pixels[10:30, 5:35, 0], np.asarray(picture().convert("L")))
    assert np.unique(pixels[:10]).tolist() == [9]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_a_camera_held_upright_gives_an_upright_image(tmp_path: Path, suffix: str):
    path = tmp_path / f"turned.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(20, 30).save(path, exif=exif)
    header = read_header(path)
    assert (header.height, header.width) == (30, 20)
    pixels = load_image(path, (30, 20), 3)
    upright = np.rot90(np.asarray(picture(20, 30)), -1)
    assert np.abs(pixels.astype(int) - upright).mean() < 4


def truncated(suffix: str) -> bytes:
    buffer = io.BytesIO()
    picture(64, 64).save(buffer, {"jpg": "JPEG"}.get(suffix, suffix.upper()))
    return buffer.getvalue()[: len(buffer.getvalue()) * 6 // 10]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.jpg", b"this is only a text\n" * 50, "not an image in a known format"),
        ("zero.png", b"", r"empty \(0 bytes\)"),
        ("cut.jpg", truncated("jpg"), "damaged image"),
        ("cut.png", truncated("png"), "damaged image"),
        ("cut.webp", truncated("webp"), "damaged image|not an image"),
        ("cut.tiff", truncated("tiff"), "damaged image|not an image"),
        ("start.jpg", b"\xff\xd8\xff\xe0", "damaged image|not an image"),
        ("huge.png", huge_png(), "pixels"),
        ("run.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a vector drawing"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: .*({message})"):
        load_image(path, 32, 3)


def test_too_many_pixels_are_one_error_without_a_warning(tmp_path: Path):
    path = tmp_path / "large.png"
    header = struct.pack(">IIBBBBB", 10000, 9500, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b""))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="10000x9500 pixels are more than 89,478,485"):
            load_image(path, 32, 3)


def test_a_missing_file_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        load_image(tmp_path / "none.jpg", 32, 3)


def test_a_folder_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match="is a folder, an image file was expected"):
        load_image(tmp_path, 32, 3)
