"""The images the model is most wrong about, and where it looked."""

from typing import TYPE_CHECKING

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.training.report.outcome import Outcome
from kerascnn.visualize import overlay

if TYPE_CHECKING:
    from kerascnn.data import Splits

MOST = 12


def losses_section(model: keras.Model, splits: "Splits", outcome: Outcome) -> str:
    """The images with the highest loss, each with the heat map of the class it was taken for."""
    worst = np.argsort(-outcome.losses, kind="stable")[:MOST]
    images, _ = splits.take(outcome.split, outcome.positions[worst])
    heatmaps, remark = _heatmaps(model, images, outcome.guesses[worst])
    cards = [
        _card(splits, outcome, int(row), image, heatmap)
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
    model: keras.Model, images: np.ndarray, classes: np.ndarray
) -> tuple[list[np.ndarray | None], str]:
    from kerascnn.visualize import grad_cam

    try:
        found = grad_cam(model, images, classes)
    except InputError as error:
        return [None] * len(images), f"There are no heat maps: {page.text(error)}"
    return list(found), (
        "The second picture shows in red what spoke for the answer (Grad-CAM); all blue: nothing "
        "in the last feature maps did."
    )


def _card(
    splits: "Splits", outcome: Outcome, row: int, image: np.ndarray, heatmap: np.ndarray | None
) -> str:
    chances, label = outcome.probabilities[row], int(outcome.labels[row])
    guess = int(chances.argmax())
    names = splits.class_names
    shown = picture.inline(image, names[label])
    if heatmap is not None:
        shown += picture.inline(overlay(image, heatmap), f"what spoke for {names[guess]}")
    paths = splits.paths(outcome.split)
    file = ""
    if paths:
        path = paths[int(outcome.positions[row])]
        file = f"<small>{page.text(path.parent.name)}/{page.text(path.name)}</small>"
    said = (
        f'<span class="mark">✗</span> {page.text(names[guess])}'
        if guess != label
        else f"✓ {page.text(names[guess])}"
    )
    return (
        f'<figure class="card answer{" wrong" if guess != label else ""}">'
        f'<div class="views">{shown}</div><figcaption>'
        f"<strong>{page.text(names[label])}</strong>"
        f"<ul><li><span>answer</span><b>{said}</b>"
        f"<span>{page.percent(chances[guess], 0)}</span></li>"
        f"<li><span>truth</span><b>{page.text(names[label])}</b>"
        f"<span>{page.percent(chances[label], 0)}</span></li></ul>{file}</figcaption></figure>"
    )
