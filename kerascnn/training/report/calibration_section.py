"""Whether the model is as sure as it is right, and the temperature that would mend it."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.pages.charts import BOTTOM, HEIGHT, TOP, Axes, svg
from kerascnn.training.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    scale,
)
from kerascnn.training.report.outcome import Outcome
from kerascnn.training.temperature import score_weights

WORTHWHILE = 0.02  # a smaller gain in calibration error is none
ROUGH = 500  # with fewer images the error is rough


@dataclass(frozen=True)
class Calibration:
    """Calibration before and after a temperature.

    Attributes:
        bins: Reliability diagram of the model as it is.
        confidence: Mean probability of the chosen class.
        accuracy: Share of right answers.
        before: Expected calibration error of the model as it is.
        after: The same with a temperature that was fitted on other images.
        temperature: The one to use, fitted on all validation images.
        images: How many were judged.
        fitted_on: In words, which images `after` was fitted on and which it was measured on.
    """

    bins: tuple[ReliabilityBin, ...]
    confidence: float
    accuracy: float
    before: float
    after: float
    temperature: float
    images: int
    fitted_on: str


def calibrate(validation: Outcome, test: Outcome | None) -> Calibration:
    """Fits the temperature on the validation images and measures it on others."""
    judged = test or validation
    temperature = fit_temperature(validation.first, validation.labels)
    if test is not None:
        after = expected_calibration_error(scale(test.first, temperature), test.labels)
        fitted_on = "fitted on the validation images, measured on the test images"
    else:
        after = _held_out_error(validation)
        fitted_on = "fitted on one half of the validation images, measured on the other"
    return Calibration(
        bins=reliability_bins(judged.first, judged.labels),
        confidence=float(judged.first.max(axis=1).mean()),
        accuracy=float((judged.first.argmax(axis=1) == judged.labels).mean()),
        before=expected_calibration_error(judged.first, judged.labels),
        after=after,
        temperature=temperature,
        images=len(judged.labels),
        fitted_on=fitted_on,
    )


def _held_out_error(outcome: Outcome) -> float:
    """Calibration error of probabilities, each scaled as the other half of the images says."""
    scaled = np.empty_like(outcome.first)
    if len(outcome.labels) < 2:
        return expected_calibration_error(outcome.first, outcome.labels)
    for half in (0, 1):
        other = slice(1 - half, None, 2)
        temperature = fit_temperature(outcome.first[other], outcome.labels[other])
        scaled[half::2] = scale(outcome.first[half::2], temperature)
    return expected_calibration_error(scaled, outcome.labels)


def calibration_section(model: keras.Model, found: Calibration, split: str) -> str:
    """Reliability diagram, figures, and how to apply the temperature if it helps."""
    gap = found.confidence - found.accuracy
    word = "about as sure as it is right"
    if abs(gap) >= WORTHWHILE:
        word = "surer than it is right" if gap > 0 else "less sure than it is right"
    about = (
        f"On average the model is {word}: it gives its answer {page.percent(found.confidence)}, "
        f"and {page.percent(found.accuracy)} of the {found.images:,} {page.text(split)} images "
        "are right. Bars show how often answers of each confidence are right; on the line, "
        "probabilities mean what they say."
    )
    rough = " (rough: few images)" if found.images < ROUGH else ""
    rows = (
        ("Calibration error", f"{page.percent(found.before)}{rough}"),
        ("With a temperature", f"{page.percent(found.after)}, {found.fitted_on}"),
        ("Temperature", f"{found.temperature:.2f}: {_meaning(found.temperature)}"),
    )
    items = "".join(f"<dt>{term}</dt><dd>{page.text(value)}</dd>" for term, value in rows)
    return frame.section(
        "Confidence",
        f'<div class="plots two"><div class="card plot"><h3>Right answers by confidence</h3>'
        f'{diagram(found.bins)}</div><dl class="card">{items}</dl></div>',
        _advice(model, found),
        about=about,
    )


def _meaning(temperature: float) -> str:
    if temperature > 1.02:
        return "above 1, so probabilities should be less extreme"
    if temperature < 0.98:
        return "below 1, so probabilities could be more extreme"
    return "1 changes nothing"


def _advice(model: keras.Model, found: Calibration) -> str:
    if found.before - found.after < WORTHWHILE:
        return '<p class="note">A temperature would gain nothing here.</p>'
    try:
        score_weights(model)
    except InputError:
        return (
            '<p class="note">This network has no softmax behind its last weights: divide its '
            "scores by the temperature where they are used.</p>"
        )
    lines = (
        "import kerascnn",
        "from kerascnn.training import apply_temperature",
        'model = kerascnn.load_model("model.keras")',
        f'apply_temperature(model, {found.temperature:.3f}).save("calibrated.keras")',
    )
    code = "\n".join(lines)
    return (
        "<p>Answers stay the same, only their probabilities change; the network does not become "
        f"slower:</p>{frame.commands([('', code)])}"
    )


def diagram(
    bins: Sequence[ReliabilityBin],
    across: str = "confidence",
    description: str = "share of right answers by confidence",
) -> str:
    """A reliability diagram; `across` names its horizontal axis."""
    axes = Axes((0.0, 1.0), (0.0, 1.0), across)
    base = HEIGHT - BOTTOM
    total = max(1, sum(one.images for one in bins))
    parts = [axes.grid()]
    for one in bins:
        if not one.images:
            continue
        left, right = axes.across(one.lower) + 1, axes.across(one.upper) - 1
        top = axes.down(one.accuracy)
        # Bins with few images are paler: they say less.
        opacity = 0.35 + 0.65 * min(1.0, 10 * one.images / total)
        parts.append(
            f'<rect class="reached" opacity="{opacity:.2f}" x="{left:.1f}" y="{top:.1f}" '
            f'width="{right - left:.1f}" height="{base - top:.1f}"><title>'
            f"{one.images:,} answers, {across} {page.percent(one.confidence)}, right "
            f"{page.percent(one.accuracy)}</title></rect>"
        )
    parts.append(
        f'<line class="ideal" x1="{axes.across(0):.1f}" y1="{base}" '
        f'x2="{axes.across(1):.1f}" y2="{TOP}"/>'
    )
    return svg(description, *parts)
