"""What a report shows of a multi-label classifier: each label, worst answers, calibration."""

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.tasks.multi_label import LabelMetrics, MultiLabelMetrics
from kerascnn.training.calibration import ReliabilityBin, binned
from kerascnn.training.report.calibration_section import diagram
from kerascnn.training.report.data_checks import Check
from kerascnn.training.report.losses_section import losses_section
from kerascnn.training.report.pages import TaskPages, Tile, of_each_name, of_most

RARE = 10  # training images of a label, below which little is learned of it
WEAK = 0.2  # average precision of a label below the mean
BINS = 10


class MultiLabelPages(TaskPages):
    """Any number of labels per image."""

    curve: ClassVar[tuple[str, str] | None] = ("binary_accuracy", "Decisions right")
    evidence: ClassVar[str] = "what spoke for the label that is furthest off"

    @property
    def metrics(self) -> MultiLabelMetrics:
        """The figures of the judged images."""
        return cast(MultiLabelMetrics, self.outcome.metrics)

    def tiles(self) -> list[Tile]:
        metrics = self.metrics
        of = f"{metrics.images:,} {self.outcome.split} images"
        if not self.outcome.whole:
            of = f"a sample of {of}"
        tiles = [
            ("all labels right", page.percent(metrics.exact_match, 2), of),
            ("decisions right", page.percent(metrics.share, 2), "one per image and label"),
            ("loss", f"{metrics.loss:.3f}", "mean binary cross-entropy"),
        ]
        if metrics.mean_average_precision is not None:
            mean = page.percent(metrics.mean_average_precision, 2)
            tiles.insert(0, ("mean average precision", mean, "whatever the thresholds"))
        weakest = self._weakest()
        if weakest is not None:
            tiles.append(("weakest label", page.percent(weakest[0]), f"precision of {weakest[1]}"))
        return tiles

    def _weakest(self) -> tuple[float, str] | None:
        judged = [
            (found.average_precision, name)
            for name, found in self.metrics.per_label.items()
            if found.average_precision is not None
        ]
        return min(judged) if judged else None

    def checks(self) -> list[Check]:
        found, weakest = super().checks(), self._weakest()
        mean = self.metrics.mean_average_precision
        if weakest is not None and mean is not None and weakest[0] < mean - WEAK:
            found.append(
                Check(
                    False,
                    f"The average precision of {weakest[1]} is {page.percent(weakest[0])}, of all "
                    f"labels {page.percent(mean)} on average: more images of it help most.",
                )
            )
        absent = [name for name, row in self.metrics.per_label.items() if not row.images]
        if absent:
            listed = ", ".join(absent[:5])
            found.append(
                Check(False, f"No {self.outcome.split} image has {listed}: it cannot be judged.")
            )
        return found

    def balance(self) -> list[Check]:
        counts, names = self.splits.class_counts["train"], self.splits.class_names
        rarest, commonest = int(np.argmin(counts)), int(np.argmax(counts))
        text = (
            f"The most frequent label, {names[commonest]}, is on {counts[commonest]:,} training "
            f"images, the rarest, {names[rarest]}, on {counts[rarest]:,}."
        )
        without = int((self.splits.labels("train").sum(axis=1) == 0).sum())
        if without:
            text += f" {without:,} training image{'s have' if without > 1 else ' has'} no label."
        return [Check(counts[rarest] >= RARE, text)]

    def samples(self) -> tuple[str, str]:
        strata = self.splits.labels("train") > 0
        return of_each_name(self.splits, strata), of_most(self.splits, "label")

    def sections(self) -> list[str]:
        return [_labels(self.metrics), losses_section(self), self._confidence()]

    def _confidence(self) -> str:
        likely, truth = self.outcome.first.ravel(), self.outcome.labels.ravel() > 0
        bins = binned(likely, truth, BINS)
        off = sum(one.images * abs(one.confidence - one.accuracy) for one in bins) / len(likely)
        about = (
            "Bars show how often a label that is given this probability is there, over all images "
            "and labels; on the line, probabilities mean what they say. On average they are off by "
            f"{page.percent(off)}."
        )
        plot = f'<div class="card plot"><h3>Labels there by probability</h3>{_plot(bins)}</div>'
        return frame.section("Confidence", f'<div class="plots">{plot}</div>', about=about)

    def losses(self) -> np.ndarray:
        return self._of_labels().mean(axis=1)

    def _of_labels(self) -> np.ndarray:
        """(images, labels) binary cross-entropy of each decision."""
        scores, truth = self.outcome.first, self.outcome.labels > 0
        return -np.log(np.clip(np.where(truth, scores, 1 - scores), 1e-7, 1))

    def blamed(self, rows: np.ndarray) -> np.ndarray:
        """The decision that is furthest off."""
        alone = self.outcome.first.shape[1] == 1  # which the methods take for two classes
        return np.ones(len(rows), np.int64) if alone else self._of_labels()[rows].argmax(axis=1)

    def is_wrong(self, row: int) -> bool:
        limits = np.asarray(self.outcome.outputs[0].thresholds)
        return bool(((self.outcome.first[row] > limits) != (self.outcome.labels[row] > 0)).any())


def _plot(bins: Sequence[ReliabilityBin]) -> str:
    return diagram(bins, "probability", "share of labels there by probability")


def _labels(metrics: MultiLabelMetrics) -> str:
    def weakness(item: tuple[str, LabelMetrics]) -> float:
        return -1.0 if item[1].average_precision is None else item[1].average_precision

    lines = []
    for name, row in sorted(metrics.per_label.items(), key=weakness):
        figures = (row.average_precision, row.precision, row.recall, row.f1)
        cells = "".join(
            f"<td>{page.NONE}</td>"
            if share is None
            else f"<td>{page.percent(share)}{page.bar(share)}</td>"
            for share in figures
        )
        lines.append(
            f'<tr><th scope="row">{page.text(name)}<small>{row.images:,} images</small></th>'
            f"{cells}</tr>"
        )
    columns = ("label", "average precision", "precision", "recall", "F1")
    heads = "".join(f'<th scope="col">{head}</th>' for head in columns)
    about = (
        "Average precision: how well the probabilities of a label order the images, whatever the "
        "threshold. Precision: the share of the images given a label that has it. Recall: the "
        "share of the images that have it which were given it. The weakest labels come first."
    )
    table = (
        '<div class="card scroll"><table class="classes"><thead><tr>'
        f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    return frame.section("Labels", table, about=about)
