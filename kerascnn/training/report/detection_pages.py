"""What a report shows of a detector: true and found boxes, mistakes, precision by recall."""

from functools import cached_property
from typing import ClassVar, cast

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.pages.boxes import draw_boxes
from kerascnn.pages.charts import Axes, svg
from kerascnn.tasks.boxes import CROWD, Row, edges_first, overlaps
from kerascnn.tasks.detection_metrics import DetectionMetrics, PrecisionRecall, precision_recall
from kerascnn.tasks.detections import BOXES, CLASSES, SCORES, matches
from kerascnn.training.report.confusion_section import confusion_matrix, shown_classes
from kerascnn.training.report.data_checks import IMBALANCED, Check
from kerascnn.training.report.pages import TaskPages, Tile

EXAMPLES, WORST = 6, 12
SIDE = 320  # pixels of a picture with boxes
SMALL = 0.04  # of the picture's side: below that a box is small for the finest points
_OTHER = 0.5  # overlap from which on a box of another class is a confusion


class DetectionPages(TaskPages):
    """Objects with boxes."""

    curve: ClassVar[tuple[str, str] | None] = ("map", "Mean average precision")

    @property
    def metrics(self) -> DetectionMetrics:
        """The figures of the judged images."""
        return cast(DetectionMetrics, self.outcome.metrics)

    @property
    def threshold(self) -> float:
        """The score from which on boxes are shown: the best F1 on the validation images."""
        return cast(DetectionMetrics, self.validation.metrics).threshold

    @cached_property
    def matched(self) -> np.ndarray:
        """(images, boxes) which object each box has found, as `matches` says it."""
        outcome = self.outcome
        rows = outcome.labels
        return np.stack([matches(outcome.predictions, rows, i) for i in range(len(rows))])

    def tiles(self) -> list[Tile]:
        metrics = self.metrics
        of = f"{metrics.images:,} {self.outcome.split} images, {metrics.objects:,} objects"
        score = f"from a score of {metrics.threshold:.2f}"
        return [
            ("mAP", page.percent(metrics.map), of),
            ("AP50", page.percent(metrics.ap50), "boxes that overlap by half count"),
            ("recall", page.percent(metrics.recall), f"of the objects found, {score}"),
            ("precision", page.percent(metrics.precision), f"of the boxes right, {score}"),
        ]

    def checks(self) -> list[Check]:
        found = super().checks()
        for name, row in self.metrics.per_class.items():
            if row.ap50 is not None and row.ap50 < 0.5 * self.metrics.ap50:
                found.append(
                    Check(
                        False,
                        f"{name} is found much less well than the rest (AP50 "
                        f"{page.percent(row.ap50)}): look at its boxes, or add images of it.",
                    )
                )
        return found

    def balance(self) -> list[Check]:
        rows = self.splits.labels("train")
        labels = rows[..., Row.LABEL][rows[..., Row.LABEL] >= 0].astype(int)
        counts = np.bincount(labels, minlength=len(self.splits.class_names))
        names = self.splits.class_names
        text = ", ".join(f"{count:,} {name}" for count, name in zip(counts, names, strict=True))
        found = []
        if len(names) > 1:
            even = counts.max() < IMBALANCED * max(1, counts.min())
            found.append(Check(bool(even), f"Training objects: {text}."))
        sides = _sides(rows)
        small = float((sides < SMALL).mean())
        height, width = self.splits.image_shape[:2]
        text = (
            f"Boxes are {page.percent(float(np.median(sides)))} of the picture's side in the "
            f"middle (5 to 95 %: {page.percent(float(np.quantile(sides, 0.05)))} to "
            f"{page.percent(float(np.quantile(sides, 0.95)))}), which is "
            f"{float(np.median(sides)) * (height * width) ** 0.5:.0f} pixels for the model."
        )
        if small > 0.1:
            text += (
                f" {page.percent(small)} are below {page.percent(SMALL, 0)}: larger images "
                "(image_size) may find more of them."
            )
        empty = float((rows[..., Row.LABEL] < 0).all(axis=1).mean())
        if empty:
            text += f" {page.percent(empty)} of the training images have no object."
        return [*found, Check(small <= 0.1, text)]

    def samples(self) -> tuple[str, str]:
        count = self.splits.counts["train"]
        places = np.linspace(0, count - 1, min(EXAMPLES, count)).round().astype(int)
        images, rows = self.splits.take("train", places)
        cards = [
            self._card("", [("true", self._true(image, own))], "")
            for image, own in zip(images, rows, strict=True)
        ]
        return _grid(cards), "Training images with their boxes"

    def sections(self) -> list[str]:
        return [self._classes(), self._curves(), self._confusions(), self._examples()]

    def _classes(self) -> str:
        lines = []
        for name, row in self.metrics.per_class.items():
            shares = (row.ap, row.ap50, row.precision, row.recall)
            cells = "".join(
                f"<td>{page.NONE}</td>"
                if share is None
                else f"<td>{page.percent(share)}{page.bar(share)}</td>"
                for share in shares
            )
            objects = f"{row.objects:,} objects"
            lines.append(
                f'<tr><th scope="row">{page.text(name)}<small>{objects}</small></th>{cells}</tr>'
            )
        columns = ("class", "mAP", "AP50", "precision", "recall")
        heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
        sizes = [
            f"{size} {page.percent(value)}"
            for size, value in (
                ("small", self.metrics.ap_small),
                ("medium", self.metrics.ap_medium),
                ("large", self.metrics.ap_large),
            )
            if value is not None
        ]
        about = (
            "Average precision is that of COCO: over the overlaps (IoU) 0.5 to 0.95, AP50 at 0.5. "
            f"Precision and recall count boxes from a score of {self.metrics.threshold:.2f} on. "
            f"mAP by size of the objects (32 and 96 pixels): {', '.join(sizes)}."
        )
        table = (
            '<div class="card scroll"><table class="classes"><thead><tr>'
            f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        )
        return frame.section("Classes", table, about=about)

    def _curves(self) -> str:
        curve = precision_recall(self.outcome.predictions, self.outcome.labels)
        plots = _by_recall(curve) + _by_score(curve, self.threshold)
        about = (
            f"Boxes with a score of {self.threshold:.2f} or more have the best balance (F1) of "
            "precision and recall on the validation images. A lower threshold finds more objects, "
            "with more false alarms."
        )
        return frame.section(
            "Precision and recall", f'<div class="plots two">{plots}</div>', about=about
        )

    def _confusions(self) -> str:
        confusion = self.confusion()
        names = [*self.splits.class_names, "background"]
        shown = shown_classes(confusion)
        about = (
            "Each row is a true class, each column what the best box on the object said, from a "
            f"score of {self.threshold:.2f} on. The last column counts objects without a box, the "
            "last row boxes without an object. Colour is the share of the row."
        )
        table = f'<div class="confusions">{confusion_matrix(confusion, shown, names)}</div>'
        return frame.section("Confusions", table, about=about)

    def confusion(self) -> np.ndarray:
        """Counts of true classes by what was said, each with background as the last one."""
        classes = len(self.splits.class_names)
        counts = np.zeros((classes + 1, classes + 1), int)
        outcome = self.outcome
        for image, rows in enumerate(outcome.labels):
            shown = outcome.predictions[SCORES][image] >= self.threshold
            matched = self.matched[image]
            said = outcome.predictions[CLASSES][image]
            objects = np.flatnonzero((rows[:, Row.LABEL] >= 0) & (rows[:, Row.FLAG] == 0))
            right = set(matched[shown & (matched >= 0)].tolist())
            wrong = list(np.flatnonzero(shown & (matched == -1)))
            for place in objects.tolist():
                label = int(rows[place, Row.LABEL])
                if place in right:
                    counts[label, label] += 1
                    continue
                boxes = edges_first(outcome.predictions[BOXES][image][wrong])
                own = overlaps(boxes, rows[place : place + 1, : Row.BOTTOM + 1])[:, 0]
                if len(own) and own.max() >= _OTHER:
                    best = int(own.argmax())
                    counts[label, said[wrong.pop(best)]] += 1
                else:
                    counts[label, classes] += 1
            for box in wrong:
                counts[classes, said[box]] += 1
        return counts

    def _examples(self) -> str:
        outcome = self.outcome
        missed, alarms = [], []
        for image, rows in enumerate(outcome.labels):
            shown = outcome.predictions[SCORES][image] >= self.threshold
            matched = self.matched[image]
            objects = (rows[:, Row.LABEL] >= 0) & (rows[:, Row.FLAG] == 0)
            missed.append(int(objects.sum()) - len(set(matched[shown & (matched >= 0)].tolist())))
            alarms.append(int((shown & (matched == -1)).sum()))
        wrong = np.array(missed) + np.array(alarms)
        worst = np.argsort(-wrong, kind="stable")[:WORST]
        worst = worst[wrong[worst] > 0]
        others = np.flatnonzero(wrong == 0)
        even = np.linspace(0, len(others) - 1, min(EXAMPLES, len(others))).round().astype(int)
        parts = []
        for title, places, about in (
            ("Most mistakes", worst, "The images with the most missed objects and false alarms."),
            ("Without a mistake", others[even], "Some of the images with all objects found."),
        ):
            if not len(places):
                continue
            cards = [self._pair(int(row), missed[row], alarms[row]) for row in places]
            about += f" Left the true boxes, right those with a score of {self.threshold:.2f} on."
            parts.append(frame.section(title, _grid(cards), about=about))
        return "\n".join(parts)

    def _pair(self, row: int, missed: int, alarms: int) -> str:
        outcome = self.outcome
        images, _ = self.splits.take(outcome.split, outcome.positions[[row]])
        paths = self.splits.paths(outcome.split)
        name = paths[int(outcome.positions[row])].name if paths else ""
        rows = outcome.labels[row]
        truth = self.task.truth_in_words(rows, self.splits.class_names)
        mistakes = f"{missed} missed, {alarms} false" if missed or alarms else "all found"
        views = [("true", self._true(images[0], rows)), ("found", self._found(images[0], row))]
        return self._card(f"{truth}: {mistakes}", views, name, bool(missed or alarms))

    def _true(self, image: np.ndarray, rows: np.ndarray) -> np.ndarray:
        own = rows[(rows[:, Row.LABEL] >= 0) & (rows[:, Row.FLAG] != CROWD)]
        labels = own[:, Row.LABEL].astype(int).tolist()
        names = [self.splits.class_names[label] for label in labels]
        captions = names if len(names) <= EXAMPLES else ()
        return draw_boxes(image, own[:, : Row.BOTTOM + 1], labels, captions)

    def _found(self, image: np.ndarray, row: int) -> np.ndarray:
        found = {role: values[row] for role, values in self.outcome.predictions.items()}
        shown = found[SCORES] >= self.threshold
        labels = found[CLASSES][shown].tolist()
        captions = [
            f"{self.splits.class_names[label]} {score:.2f}"
            for label, score in zip(labels, found[SCORES][shown], strict=True)
        ]
        few = captions if len(captions) <= EXAMPLES else ()
        return draw_boxes(image, edges_first(found[BOXES][shown]), labels, few)

    def _card(
        self, title: str, views: list[tuple[str, np.ndarray]], file: str, wrong: bool = False
    ) -> str:
        shown = "".join(picture.inline(image, f"{name} boxes", SIDE) for name, image in views)
        if len(views) > 1:
            shown = f'<div class="views">{shown}</div>'
        text = f"<strong>{page.text(title)}</strong>" if title else ""
        small = f"<small>{page.text(file)}</small>" if file else ""
        caption = f"<figcaption>{text}{small}</figcaption>" if text or small else ""
        kind = " wrong" if wrong else ""
        return f'<figure class="card answer{kind}">{shown}{caption}</figure>'


def _grid(cards: list[str]) -> str:
    return f'<div class="pictures">{"".join(cards)}</div>'


def _sides(rows: np.ndarray) -> np.ndarray:
    """Square roots of the areas of all boxes, as shares of the picture's side."""
    own = rows[rows[..., Row.LABEL] >= 0]
    area = (own[:, Row.RIGHT] - own[:, Row.LEFT]) * (own[:, Row.BOTTOM] - own[:, Row.TOP])
    sides: np.ndarray = np.sqrt(area)
    return sides


def _by_recall(curve: PrecisionRecall) -> str:
    axes = Axes((0.0, 1.0), (0.0, 1.05), "recall: share of the objects found")
    return _plot("Precision by recall", axes, [(curve.recall, curve.precision, "first")])


def _by_score(curve: PrecisionRecall, threshold: float) -> str:
    axes = Axes((0.0, 1.0), (0.0, 1.05), "score from which on boxes count")
    lines = [(curve.scores, curve.precision, "first"), (curve.scores, curve.recall, "second")]
    mark = (
        f'<line class="marked" x1="{axes.across(threshold):.1f}" x2="{axes.across(threshold):.1f}" '
        f'y1="{axes.down(1.05):.1f}" y2="{axes.down(0.0):.1f}"/>'
    )
    legend = (
        '<div class="legend"><span class="first">precision</span>'
        '<span class="second">recall</span></div>'
    )
    return _plot("Precision and recall by score", axes, lines, legend, mark)


def _plot(
    title: str,
    axes: Axes,
    lines: list[tuple[np.ndarray, np.ndarray, str]],
    legend: str = "",
    mark: str = "",
) -> str:
    drawn = []
    for x, y, style in lines:
        places = np.linspace(0, len(x) - 1, min(len(x), 400)).round().astype(int)
        points = " ".join(
            f"{axes.across(float(a)):.1f},{axes.down(float(b)):.1f}"
            for a, b in zip(x[places], y[places], strict=True)
        )
        drawn.append(f'<polyline class="{style}" points="{points}"/>')
    chart = svg(title, axes.grid(), mark, *drawn)
    return f'<div class="card plot"><h3>{page.text(title)}</h3>{legend}{chart}</div>'
