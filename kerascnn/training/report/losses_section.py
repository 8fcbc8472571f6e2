"""The images the model is most wrong about, and where it looked."""

from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import InputError
from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.visualize import overlay

if TYPE_CHECKING:
    from kerascnn.training.report.pages import TaskPages

MOST = 12


def losses_section(pages: "TaskPages") -> str:
    """The images with the highest loss, each with a heat map of what was answered."""
    losses, outcome = pages.losses(), pages.outcome
    if losses is None:
        return ""
    worst = np.argsort(-losses, kind="stable")[:MOST]
    images, _ = pages.splits.take(outcome.split, outcome.positions[worst])
    heatmaps, remark = _heatmaps(pages, images, worst)
    cards = [
        _card(pages, int(row), image, heatmap)
        for row, image, heatmap in zip(worst, images, heatmaps, strict=True)
    ]
    about = (
        f"The {len(cards)} {page.text(outcome.split)} images with the highest loss: hard ones, odd "
        f"ones, and labels that are wrong. {remark}"
    )
    return frame.section(
        "Worst answers", f'<div class="pictures">{"".join(cards)}</div>', about=about
    )


def _heatmaps(
    pages: "TaskPages", images: np.ndarray, rows: np.ndarray
) -> tuple[list[np.ndarray | None], str]:
    from kerascnn.visualize import grad_cam

    blamed = pages.blamed(rows)
    if blamed is None:
        return [None] * len(images), ""
    try:
        found = grad_cam(pages.model, images, blamed)
    except InputError as error:
        return [None] * len(images), f"There are no heat maps: {page.text(error)}"
    return list(found), (
        f"The second picture shows in red {pages.evidence} (Grad-CAM); all blue: nothing in the "
        "last feature maps did."
    )


def _card(pages: "TaskPages", row: int, image: np.ndarray, heatmap: np.ndarray | None) -> str:
    outcome, wrong = pages.outcome, pages.is_wrong(row)
    (said, sure), (truth, likely) = pages.answer(row), pages.truth(row)
    shown = picture.inline(image, truth)
    if heatmap is not None:
        shown += picture.inline(overlay(image, heatmap), f"{pages.evidence}: {said}")
    paths = pages.splits.paths(outcome.split)
    file = ""
    if paths:
        path = paths[int(outcome.positions[row])]
        file = f"<small>{page.text(path.parent.name)}/{page.text(path.name)}</small>"
    mark = '<span class="mark">✗</span> ' if wrong else "✓ "
    if not outcome.outputs[0].decides:
        mark = ""  # a quantity is never quite right
    return (
        f'<figure class="card answer{" wrong" if wrong else ""}">'
        f'<div class="views">{shown}</div><figcaption>'
        f"<strong>{page.text(truth)}</strong>"
        f"<ul><li><span>answer</span><b>{mark}{page.text(said)}</b><span>{sure}</span></li>"
        f"<li><span>truth</span><b>{page.text(truth)}</b><span>{likely}</span></li></ul>{file}"
        "</figcaption></figure>"
    )
