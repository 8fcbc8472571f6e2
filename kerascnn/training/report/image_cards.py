"""Cards with small pictures."""

from collections.abc import Sequence

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import picture

SIDE = 128  # pixels of a small picture


def strip_card(
    title: str,
    about: str,
    images: Sequence[np.ndarray] | np.ndarray,
    share: float | None = None,
    captions: Sequence[str] = (),
) -> str:
    """A title, a few words, a bar where there is a share of 1, and images beside each other."""
    names = list(captions) or [title] * len(images)
    shown = "".join(
        picture.inline(image, name, SIDE)
        if not captions
        else f"<span>{picture.inline(image, name, SIDE)}<small>{page.text(name)}</small></span>"
        for image, name in zip(images, names, strict=True)
    )
    bar = "" if share is None else page.bar(share)
    return (
        f'<div class="card class"><strong>{page.text(title)}</strong>'
        f'<small>{page.text(about)}</small>{bar}<div class="strip">{shown}</div></div>'
    )
