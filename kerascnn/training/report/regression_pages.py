"""What a report shows of a regressor: errors, predictions against the truth, worst answers."""

from typing import ClassVar, cast

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.pages.charts import Axes, number, svg
from kerascnn.tasks.regression import RegressionMetrics
from kerascnn.training.report.data_checks import Check
from kerascnn.training.report.image_cards import strip_card
from kerascnn.training.report.losses_section import losses_section
from kerascnn.training.report.pages import TaskPages, Tile

POINTS = 800  # of a scatter plot; of more images, an even sample
FAR = 3.0  # interquartile ranges outside the quartiles (Tukey): perhaps a mistyped number
STRIP = 4
BINS = 24


class RegressionPages(TaskPages):
    """Quantities."""

    curve: ClassVar[tuple[str, str] | None] = ("mae", "Mean absolute error")
    evidence: ClassVar[str] = "what raised the quantity that is furthest off"

    @property
    def metrics(self) -> RegressionMetrics:
        """The figures of the judged images."""
        return cast(RegressionMetrics, self.outcome.metrics)

    def tiles(self) -> list[Tile]:
        metrics = self.metrics
        of = f"{metrics.images:,} {self.outcome.split} images"
        if not self.outcome.whole:
            of = f"a sample of {of}"
        tiles = []
        if metrics.r2 is not None:
            tiles.append(("R²", f"{metrics.r2:.3f}", of))
        tiles += [
            (f"error of {name}", number(float(f"{row.mae:.3g}")), "mean absolute error")
            for name, row in metrics.per_target.items()
        ]
        return tiles

    def checks(self) -> list[Check]:
        found = super().checks()
        for name, row in self.metrics.per_target.items():
            if row.r2 is not None and row.r2 <= 0:
                found.append(
                    Check(
                        False,
                        f"{name} is predicted no better than by its mean (R² {row.r2:.2f}): look "
                        "at the data, train for longer, or start from pretrained weights.",
                    )
                )
        return found

    def balance(self) -> list[Check]:
        values, found = self.splits.labels("train").astype(np.float64), []
        mean, std = values.mean(axis=0), values.std(axis=0)
        for place, name in enumerate(self.splits.class_names):
            column = values[:, place]
            text = (
                f"{name} goes from {number(float(column.min()))} to {number(float(column.max()))}, "
                f"{mean[place]:.4g} on average, with a standard deviation of {std[place]:.3g}."
            )
            low, high = np.quantile(column, (0.25, 0.75))
            reach = FAR * (high - low)
            far = int(((column < low - reach) | (column > high + reach)).sum()) if reach else 0
            if far:
                text += (
                    f" More than {FAR:g} interquartile ranges outside the quartiles: {far:,} of "
                    f"{len(column):,}. Are they right?"
                )
            found.append(Check(not far, text))
        return found

    def samples(self) -> tuple[str, str]:
        values, cards = self.splits.labels("train"), []
        for place, name in enumerate(self.splits.class_names):
            order = values[:, place].argsort(kind="stable")
            chosen = order[np.linspace(0, len(order) - 1, min(STRIP, len(order))).astype(int)]
            images, found = self.splits.take("train", chosen)
            captions = [f"{value:.4g}" for value in found[:, place]]
            low, high = float(values[:, place].min()), float(values[:, place].max())
            about = f"{number(low)} to {number(high)}"
            cards.append(strip_card(name, about, images, captions=captions))
        return (
            f'<div class="pictures">{"".join(cards)}</div>',
            "Training images from the smallest to the largest value of each quantity",
        )

    def sections(self) -> list[str]:
        return [self._quantities(), losses_section(self)]

    def _quantities(self) -> str:
        rows = []
        for name, row in self.metrics.per_target.items():
            r2 = page.NONE if row.r2 is None else f"{row.r2:.3f}{page.bar(max(row.r2, 0.0))}"
            cells = "".join(f"<td>{value:.4g}</td>" for value in (row.mae, row.rmse, row.std))
            rows.append(f'<tr><th scope="row">{page.text(name)}</th>{cells}<td>{r2}</td></tr>')
        columns = ("quantity", "mean error", "RMSE", "standard deviation", "R²")
        heads = "".join(f'<th scope="col">{head}</th>' for head in columns)
        table = (
            '<div class="card scroll"><table class="classes"><thead><tr>'
            f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )
        plots = "".join(
            _scatter(name, self.outcome.labels[:, i], self.outcome.first[:, i])
            + _errors(name, self.outcome.first[:, i] - self.outcome.labels[:, i])
            for i, name in enumerate(self.splits.class_names)
        )
        about = (
            "R² is the share of the variance that is explained: 1 is perfect, 0 no better than the "
            "mean. The standard deviation is the RMSE of guessing the mean. In the plots each dot "
            "is an image; on the line, predictions are right."
        )
        return frame.section(
            "Quantities", table, f'<div class="plots two">{plots}</div>', about=about
        )

    def _off(self) -> np.ndarray:
        """(images, quantities) errors in standard deviations of the training images."""
        std = self.splits.labels("train").astype(np.float64).std(axis=0)
        return np.abs(self.outcome.first - self.outcome.labels) / np.maximum(std, 1e-12)

    def losses(self) -> np.ndarray:
        return self._off().max(axis=1)

    def blamed(self, rows: np.ndarray) -> np.ndarray:
        """The quantity that is furthest off: the heat map shows what raised it."""
        return self._off()[rows].argmax(axis=1)


def _scatter(name: str, truth: np.ndarray, predicted: np.ndarray) -> str:
    places = np.linspace(0, len(truth) - 1, min(len(truth), POINTS)).round().astype(int)
    truth, predicted = truth[places], predicted[places]
    low = float(min(truth.min(), predicted.min()))
    high = float(max(truth.max(), predicted.max()))
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    ends = (low - room, high + room)
    axes = Axes(ends, ends, f"true {name}")
    dots = "".join(
        f'<circle class="first" opacity="0.55" cx="{axes.across(float(x)):.1f}" '
        f'cy="{axes.down(float(y)):.1f}" r="2.6"><title>true {x:.4g}, predicted {y:.4g}</title>'
        "</circle>"
        for x, y in zip(truth, predicted, strict=True)
    )
    line = (
        f'<line class="ideal" x1="{axes.across(ends[0]):.1f}" y1="{axes.down(ends[0]):.1f}" '
        f'x2="{axes.across(ends[1]):.1f}" y2="{axes.down(ends[1]):.1f}"/>'
    )
    drawn = svg(f"predicted against true {name}", axes.grid(), line, dots)
    return f'<div class="card plot"><h3>{page.text(name)}: predicted by true</h3>{drawn}</div>'


def _errors(name: str, errors: np.ndarray) -> str:
    """How often which error occurs."""
    span = float(np.abs(errors).max()) or 1.0
    counts, edges = np.histogram(errors, bins=BINS, range=(-span, span))
    axes = Axes((-span, span), (0.0, 1.08 * float(counts.max())), f"predicted less true {name}")
    bars = "".join(
        f'<rect class="reached" x="{axes.across(float(left)) + 0.5:.1f}" '
        f'y="{axes.down(float(count)):.1f}" '
        f'width="{axes.across(float(right)) - axes.across(float(left)) - 1:.1f}" '
        f'height="{axes.down(0.0) - axes.down(float(count)):.1f}"><title>{count:,} images, '
        f"{left:.3g} to {right:.3g}</title></rect>"
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True)
        if count
    )
    drawn = svg(f"errors of {name}", axes.grid(), bars)
    return f'<div class="card plot"><h3>{page.text(name)}: errors</h3>{drawn}</div>'
