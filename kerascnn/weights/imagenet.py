"""The classes of ImageNet, which published weights tell apart."""

import functools
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageNetClass:
    """One class: its WordNet id, such as n02123045, and its name, such as tabby."""

    id: str
    name: str


@functools.cache
def classes() -> tuple[ImageNetClass, ...]:
    """The 1000 classes in the order of the outputs; the file says where they are from."""
    text = Path(__file__).with_name("imagenet_classes.txt").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(ImageNetClass(*row.split(" ", 1)) for row in rows)
