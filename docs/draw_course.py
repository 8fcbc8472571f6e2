"""Runs the chapters of the course and keeps their pictures in docs/course/pictures.

python docs/draw_course.py [13 14] [--spanish]
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import chapters
from PIL import Image


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
    """Copies the pictures that the page shows, the large ones with 256 colours."""
    chapters.PICTURES.mkdir(exist_ok=True)
    for name in chapters.pictures(chapters.read(page)):
        written, kept = folder / name, chapters.PICTURES / name
        if written.is_file() and written.stat().st_size > chapters.LARGEST_PICTURE:
            Image.open(written).convert("RGB").quantize(256).save(kept, optimize=True)
        elif written.is_file():
            shutil.copy(written, kept)


if __name__ == "__main__":
    main()
