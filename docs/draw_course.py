"""Runs the chapters of the course and keeps their pictures in docs/course/pictures.

python docs/draw_course.py [13 14] [--spanish]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import chapters
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def main() -> None:
    """Runs the chapters of the given numbers, or all, and says what their pages tell wrongly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", help="numbers of chapters, such as 03; default: all")
    parser.add_argument(
        "--spanish", action="store_true", help="run the Spanish pages, draw nothing"
    )
    options = parser.parse_args()
    pages = chapters.chapters(chapters.COURSE / "es" if options.spanish else chapters.COURSE)
    chosen = [page for page in pages if not options.numbers or page.name[:2] in options.numbers]
    if not chosen:
        parser.error(f"no chapter has one of the numbers {' '.join(options.numbers)}")
    faults = []
    for page in chosen:
        with tempfile.TemporaryDirectory() as folder:
            faults += chapters.run(page, Path(folder))
            if not options.spanish:
                keep(page, Path(folder))
        print(page.name)
    sys.exit("\n".join(faults) or 0)


def keep(page: Path, folder: Path) -> None:
    """Keeps the pictures that the page shows, the large ones with 256 colours."""
    chapters.PICTURES.mkdir(exist_ok=True)
    text = chapters.read(page)
    for name in filter(lambda name: (folder / name).is_file(), chapters.pictures(text)):
        picture = Image.open(folder / name)
        if (folder / name).stat().st_size > chapters.LARGEST_PICTURE:
            picture = picture.convert("RGB").quantize(256)
        about = PngInfo()
        about.add_text("code", chapters.drawn_by(text, name))
        picture.save(chapters.PICTURES / name, optimize=True, pnginfo=about)


if __name__ == "__main__":
    main()
