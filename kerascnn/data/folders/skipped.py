"""Files that are not used."""

from dataclasses import dataclass
from pathlib import Path, PurePath

from kerascnn.data.images.file_formats import RAW_SUFFIXES
from kerascnn.names import shown

# Of files that are meant to be images, whether they can be read or not.
_IMAGES = (
    ".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .webp .tif .tiff .ppm .pgm .pbm .pnm .jp2 "
    ".j2k .jpf .jpx .avif .mpo .heic .heif .hif .jxl .psd .exr .hdr .dcm"
)
IMAGE_SUFFIXES = RAW_SUFFIXES | frozenset(_IMAGES.split())


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, and why."""

    path: Path
    reason: str
    is_folder: bool = False

    @property
    def matters(self) -> bool:
        """Whether it may be an image that the user expects to be used."""
        return self.is_folder or looks_like_an_image(self.path)


def looks_like_an_image(path: PurePath) -> bool:
    """Returns whether the file's name claims that it is an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def in_one_line(skipped: tuple[SkippedFile, ...]) -> str:
    """Returns how many files were skipped, and the first few with their reasons."""
    ordered = sorted(skipped, key=lambda file: not file.matters)
    first = "; ".join(f"{shown(file.path.name)}: {file.reason}" for file in ordered[:3])
    more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    return f"{len(skipped)} file(s) skipped ({first}{more})"
