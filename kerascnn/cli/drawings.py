"""Images with the boxes that a detector found, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascnn.errors import InputError, OutputExistsError
from kerascnn.files import PNG, atomic_file, refuse_existing, user_path

_LONGEST = 1600  # pixels of the longer side of what is drawn
_EDGES = ("left", "top", "right", "bottom")


def targets(out: str | None, images: Sequence[str], overwrite: bool) -> dict[str, Path]:
    """Which file is drawn for each image; none without `out`.

    Raises:
        InputError: A file for several images, or two images of one name.
        OutputExistsError: A file that is there and may not be replaced.
    """
    if out is None:
        return {}
    place = user_path(out, "path to write")
    if place.suffix.lower() == ".png" and not place.is_dir():
        if len(images) > 1:
            raise InputError(
                f"--out names one file for {len(images)} images. Expected a folder. Received: {out}"
            )
        found = {images[0]: place}
    else:
        if place.exists() and not place.is_dir():
            raise InputError(f"--out must be a .png file or a folder. Received: {out}")
        found = {image: place / f"{Path(image).stem}.png" for image in images}
        if len(set(found.values())) < len(found):
            raise InputError("--out: two images have one name. Draw them one by one.")
    for image, target in found.items():
        if target.exists() and target.resolve() == Path(image).resolve():
            raise OutputExistsError(
                f"--out would replace the image {image} itself. Choose another."
            )
        refuse_existing(target, PNG, overwrite)
    return found


def add_pixels(image: str, found: dict[str, Any]) -> None:
    """Adds the size of the image file, upright, and boxes in its pixels to what was found."""
    from kerascnn.data.images.decode import read_header

    header = read_header(Path(image).expanduser())
    found["width"], found["height"] = header.width, header.height
    for one in found["objects"]:
        sides = (header.width, header.height) * 2
        pairs = zip(_EDGES, sides, strict=True)
        one["pixels"] = {edge: round(one["box"][edge] * side, 1) for edge, side in pairs}


def write(
    image: str,
    target: Path,
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    overwrite: bool,
) -> None:
    """Writes an image with boxes."""
    import numpy as np
    from PIL import Image

    from kerascnn.data import load_image
    from kerascnn.data.images.decode import read_header
    from kerascnn.pages.boxes import draw_boxes

    header = read_header(Path(image).expanduser())
    factor = min(1.0, _LONGEST / max(header.height, header.width))
    size = max(1, round(header.height * factor)), max(1, round(header.width * factor))
    boxes = np.array([[one["box"][edge] for edge in _EDGES] for one in objects])
    labels = [list(names).index(one["class"]) for one in objects]
    captions = [f"{one['class']} {one['score']:.2f}" for one in objects]
    drawn = draw_boxes(load_image(image, size, 3), boxes.reshape(-1, 4), labels, captions)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(target, PNG, overwrite=overwrite) as temporary:
        Image.fromarray(drawn).save(temporary, "PNG")
