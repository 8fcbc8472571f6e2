"""Saying what a file is that is no image in a format that can be read."""

from collections.abc import Collection
from pathlib import PurePath

_VIDEO = "a video, take frames out of it"
_DAMAGED = "damaged image: its first bytes cannot be read"
_ARCHIVE = "an archive, unpack it first"
RAW = "a camera raw file, develop it to JPEG, PNG or TIFF first"
_DRAWING = "a vector drawing, save it as PNG first"
_RAW_NAMES = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf "
    ".raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
RAW_SUFFIXES = frozenset(_RAW_NAMES.split())
HEIF_ADVICE = (
    "a HEIC or HEIF photo, which needs the extra heif (pip install 'kerascnn[heif]'); or save it "
    "as JPEG"
)

AVIF_ADVICE = "an AVIF image, which needs Pillow 11.3 or newer; or save it as JPEG"

# Beginnings of files, and where they are if not at the start.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"8BPS", "a Photoshop file, save it as PNG or TIFF first"),
    (0, b"%PDF", "a PDF document, not an image"),
    (0, b"%!PS", _DRAWING),
    (0, b"\xc5\xd0\xd3\xc6", _DRAWING),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),
    (0, b"FOVb", RAW),
    (0, b"\xff\x0a", "a JPEG XL image, save it as PNG first"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL image, save it as PNG first"),
    (0, b"v/1\x01", "an OpenEXR image, save it as a 16-bit PNG or TIFF first"),
    (0, b"#?RADIANCE", "a Radiance image, save it as PNG first"),
    (0, b"II\xbc\x01", "a JPEG XR image, save it as PNG first"),
    (128, b"DICM", "a DICOM file, save its image as PNG first"),
    (0, b"\x93NUMPY", "a NumPy array, save it as PNG first"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, not an image"),
    (0, b"\x1aE\xdf\xa3", _VIDEO),  # Matroska, WebM
    (0, b"\0\0\x01\xba", _VIDEO),
    (0, b"\0\0\x01\xb3", _VIDEO),
    (0, b"FLV\x01", _VIDEO),
    (8, b"AVI ", _VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", _VIDEO),  # ASF, WMV
    (0, b"\0\0\x01\0", "a Windows icon, save it as PNG first"),
    (0, b"PK\x03\x04", _ARCHIVE),
    (0, b"\x1f\x8b", _ARCHIVE),
    (0, b"BZh", _ARCHIVE),
    (0, b"7z\xbc\xaf", _ARCHIVE),
    (0, b"Rar!", _ARCHIVE),
    (0, b"\xfd7zXZ", _ARCHIVE),
    (257, b"ustar", _ARCHIVE),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document, not an image"),
    (0, b"version https://git-lfs", "a Git LFS pointer, fetch the file with `git lfs pull`"),
    (0, b"\0\x05\x16\x07", "a macOS resource fork, not an image"),
    (0, b"\x7fELF", "a program, not an image"),
    (0, b"SIMPLE  =", "a FITS file, save its image as PNG first"),
    (0, b"\x89PNG\r\n", _DAMAGED),
    (0, b"\xff\xd8\xff", _DAMAGED),
    (0, b"GIF8", _DAMAGED),
    (8, b"WEBP", _DAMAGED),
)
# ISO media files (ISO/IEC 14496-12) by their major brand; HEIF is ISO/IEC 23008-12.
_AVIF, _HEIF = ("avif", "avis"), ("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")
_SNIFFED = 512


def is_raw_suffix(path: PurePath) -> bool:
    """Returns whether a file is called as cameras call their raw files."""
    return path.suffix.lower() in RAW_SUFFIXES


def describe(head: bytes, readable: Collection[str] = ()) -> str:
    """Returns what a file is that Pillow does not take for an image, by its first 512 bytes.

    Args:
        head: Those bytes.
        readable: Pillow's names of the formats that it can read here.
    """
    for place, magic, what in _MAGIC:
        if head[place : place + len(magic)] == magic:
            return what
    if head[4:8] == b"ftyp":
        return _describe_media(head[8:64].decode("latin-1"), readable)
    text = head[:_SNIFFED].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<!doctype svg")) or (text[:5] == b"<?xml" and b"<svg" in text):
        return f"an SVG file: {_DRAWING}"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page, not an image (the answer of a server instead of the file?)"
    if head.startswith((b"II", b"MM")) and b"*" in head[2:4]:
        return "a TIFF file with a layout of pixels that cannot be read"
    return "not an image in a known format"


def _describe_media(brands: str, readable: Collection[str]) -> str:
    if brands[:4] in _AVIF or "avif" in brands:
        return _DAMAGED if "AVIF" in readable else AVIF_ADVICE
    if brands[:4] in _HEIF or "heic" in brands:
        return _DAMAGED if "HEIF" in readable else HEIF_ADVICE
    return RAW if brands[:4] == "crx " else _VIDEO
