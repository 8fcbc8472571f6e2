"""Files that are no readable images are called what they are; HEIC and AVIF are read."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from kerascnn.data import load, load_image
from kerascnn.data.images import decode, file_formats
from kerascnn.errors import DataError


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def media(brand: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", brand + bytes(4) + b"".join(compatible)) + box(b"mdat", bytes(64))


def tiff(*tags: tuple[int, int, int], magic: bytes = b"") -> bytes:
    """A little-endian TIFF file with a directory of (tag, type, value) and a pixel."""
    first = 8 + len(magic)
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", first) + magic + directory + bytes(64)


PIXEL = ((256, 3, 1), (257, 3, 1), (258, 3, 8), (262, 3, 1), (273, 4, 8), (278, 3, 1), (279, 4, 1))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.mp4", media(b"isom", b"mp41"), "a video"),
        ("a.mov", media(b"qt  "), "a video"),
        ("a.webm", b"\x1aE\xdf\xa3" + bytes(40), "a video"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST" + bytes(40), "a video"),
        ("a.psd", b"8BPS\0\x01" + bytes(40), "a Photoshop file"),
        ("a.pdf", b"%PDF-1.7\n", "a PDF document"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG file"),
        ("a.svg", b'<?xml version="1.0"?>\n<!-- x -->\n<svg/>', "an SVG file"),
        ("a.png", b"<!DOCTYPE html><html></html>", "an HTML page"),
        ("a.jpg", b"  <html><body>404</body>", "an HTML page"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        ("a.cr3", media(b"crx "), "a camera raw file"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "a camera raw file"),
        ("a.orf", b"IIRO\x08\0\0\0", "a camera raw file"),
        ("a.rw2", b"IIU\0\x18\0\0\0", "a camera raw file"),
        ("a.cr2", tiff(*PIXEL, magic=b"CR\x02\0\0\0\0\0"), "a camera raw file"),
        ("renamed.tif", tiff(*PIXEL, magic=b"CR\x02\0\0\0\0\0"), "a camera raw file"),
        ("a.dng", tiff(*PIXEL, (50706, 1, 1)), "a camera raw file"),
        ("renamed.jpg", tiff(*PIXEL, (50706, 1, 1)), "a camera raw file"),
        ("a.nef", tiff((254, 4, 1), *PIXEL, (330, 4, 8)), "a camera raw file"),
        ("renamed.tiff", tiff((254, 4, 1), *PIXEL, (330, 4, 8)), "a camera raw file"),
        ("a.arw", tiff(*PIXEL), "a camera raw file"),
        ("a.jxl", b"\xff\x0a" + bytes(40), "a JPEG XL image"),
        ("a.exr", b"v/1\x01" + bytes(40), "an OpenEXR image"),
        ("a.dcm", bytes(128) + b"DICM" + bytes(40), "a DICOM file"),
        ("a.npy", b"\x93NUMPY\x01\0", "a NumPy array"),
        ("a.jpg", b"PK\x03\x04" + bytes(40), "an archive"),
        ("a.gz", b"\x1f\x8b" + bytes(40), "an archive"),
        ("a.ico", b"\0\0\x01\0" + bytes(40), "a Windows icon"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged image"),
        ("a.tif", tiff(*PIXEL[:2], (258, 3, 64), *PIXEL[3:]), "layout of pixels that cannot be re"),
        ("a.jpg", b"just words", "not an image in a known format"),
    ],
)
def test_files_are_called_what_they_are(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: .*{what}"):
        load_image(tmp_path / name, 8, 3)


def test_a_12_bit_jpeg_is_named(tmp_path):
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG")
    content = stream.getvalue()
    place = content.index(b"\xff\xc0") + 4
    (tmp_path / "a.jpg").write_bytes(content[:place] + b"\x0c" + content[place + 1 :])
    with pytest.raises(DataError, match="a JPEG of 12 bits, save it as a 16-bit PNG or TIFF"):
        load_image(tmp_path / "a.jpg", 8, 1)


def test_heic_without_its_extra_names_the_extra():
    content = media(b"heic", b"mif1", b"heic")
    assert "kerascnn[heif]" in file_formats.describe(content, ("JPEG", "PNG"))
    assert file_formats.describe(content, ("HEIF",)).startswith("damaged image")
    assert "Pillow 11.3" in file_formats.describe(media(b"avif"), ("JPEG",))


def test_skipped_heic_photos_are_warned_about(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(decode, "readable_formats", lambda: ("JPEG", "PNG"))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (8, 8), number).save(tmp_path / name / f"{number}.png")
        (tmp_path / name / "phone.HEIC").write_bytes(media(b"heic", b"mif1", b"heic"))
    splits = load(tmp_path)
    assert len(splits.skipped) == 2
    assert "2 of 8 files skipped" in caplog.text
    assert "a HEIC or HEIF photo, which needs the extra heif" in caplog.text


def picture() -> Image.Image:
    ramp = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3)
    return Image.fromarray(ramp.astype(np.uint8))


def test_heic_photos_are_read_with_the_extra(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    heif = pillow_heif.from_pillow(picture())
    heif.save(tmp_path / "phone.heic", quality=95)
    pixels = load_image(tmp_path / "phone.heic", (48, 64), 3)
    assert np.abs(pixels.astype(int) - np.asarray(picture())).mean() < 3


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_images_are_read_by_pillow_itself(tmp_path):
    picture().save(tmp_path / "a.avif", quality=95)
    pixels = load_image(tmp_path / "a.avif", (48, 64), 3)
    assert np.abs(pixels.astype(int) - np.asarray(picture())).mean() < 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_the_first_of_several_frames_is_taken_and_this_is_said(tmp_path, kind):
    for name, shade in (("a", 40), ("b", 200)):
        (tmp_path / name).mkdir()
        for number in range(2):
            first = Image.new("RGB", (8, 8), (shade, shade, shade + number))
            more = {"lossless": True} if kind == "WEBP" else {}
            path = tmp_path / name / f"{number}.{kind.lower()}"
            first.save(path, kind, save_all=True, append_images=[Image.new("RGB", (8, 8))], **more)
    splits = load(tmp_path)
    for images, labels in splits.batches("train"):
        shades = np.array([40, 200])[labels, None, None]
        assert np.abs(images[..., 0].astype(int) - shades).max() <= 2
    told = "4 image(s) have further frames or pages: the first was taken" in splits.notes
    assert told == (kind != "MPO")  # of photos, the others are previews and depth
