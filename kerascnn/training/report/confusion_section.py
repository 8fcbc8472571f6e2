"""Which classes are taken for which, and how well each is found."""

from collections.abc import Sequence

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.tasks.classification import ClassificationMetrics, ClassMetrics

READABLE_CLASSES = 20  # above that, only the classes most often confused
FEW_CLASSES = 12
PAIRS = 8


def confusion_section(metrics: ClassificationMetrics, class_names: Sequence[str]) -> str:
    """Confusion matrix, most confused pairs, and the table of classes."""
    confusion = np.array(metrics.confusion)
    shown = shown_classes(confusion)
    about = (
        "Each row is a true class, each column what the model said. Colour is the share of the "
        "row; numbers are images."
    )
    if len(shown) < len(class_names):
        about += f" Of {len(class_names):,} classes, the {len(shown)} most often confused."
    both = confusion_matrix(confusion, shown, class_names) + _pairs(confusion, class_names)
    table = frame.section("Confusions", f'<div class="confusions">{both}</div>', about=about)
    return f"{table}\n{_classes(metrics)}"


def shown_classes(confusion: np.ndarray) -> list[int]:
    """All classes, or of more than 20 the 12 with the most mistakes in their row and column."""
    if len(confusion) <= READABLE_CLASSES:
        return list(range(len(confusion)))
    wrong = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")
    return sorted(order[:FEW_CLASSES].tolist())


def confused_pairs(confusion: np.ndarray, most: int = PAIRS) -> list[tuple[int, int, int]]:
    """(true class, predicted class, images) of the most frequent mistakes."""
    wrong = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(int(i) // len(wrong), int(i) % len(wrong)) for i in order]
    return [(true, said, int(wrong[true, said])) for true, said in pairs if wrong[true, said]]


def confusion_matrix(confusion: np.ndarray, shown: list[int], class_names: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col"><span>{page.text(class_names[j])}</span></th>' for j in shown)
    upright = " upright" if all(len(class_names[j]) <= 3 for j in shown) else ""
    rows = []
    for i in shown:
        total = max(1, int(confusion[i].sum()))
        cells = "".join(_cell(int(confusion[i, j]), confusion[i, j] / total, i == j) for j in shown)
        rows.append(f'<tr><th scope="row">{page.text(class_names[i])}</th>{cells}</tr>')
    return (
        f'<div class="card scroll"><table class="confusion{upright}"><thead><tr>'
        f'<td class="corner">predicted →<br>true ↓</td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(count: int, share: float, right: bool) -> str:
    if not count:
        return "<td></td>"
    # At most half of the colour, so that numbers are readable on it in light and dark.
    strength = 0.08 + 0.42 * share
    kind = "right" if right else "missed"
    return f'<td class="{kind}" style="--share:{strength:.2f}">{count}</td>'


def _pairs(confusion: np.ndarray, class_names: Sequence[str]) -> str:
    pairs = confused_pairs(confusion)
    if not pairs:
        return '<p class="card listed">No image was taken for another class.</p>'
    items = "".join(
        f"<li><span><b>{page.text(class_names[true])}</b> taken for "
        f"<b>{page.text(class_names[said])}</b></span>"
        f"<small>{count} of {int(confusion[true].sum())}</small></li>"
        for true, said, count in pairs
    )
    return f'<div class="card listed"><h3>Most frequent mistakes</h3><ul>{items}</ul></div>'


def _classes(metrics: ClassificationMetrics) -> str:
    rows = sorted(metrics.per_class.items(), key=lambda row: row[1].f1)
    about = (
        "Precision: the share of its predictions that is right. Recall: the share of its images "
        "that is found. F1 is their harmonic mean. The weakest classes come first."
    )
    table = _class_table(rows[:READABLE_CLASSES])
    if len(rows) > READABLE_CLASSES:
        rest = rows[READABLE_CLASSES:]
        table += frame.folded(f"The other {len(rest):,} classes", _class_table(rest))
    return frame.section("Classes", table, about=about)


def _class_table(rows: Sequence[tuple[str, ClassMetrics]]) -> str:
    lines = []
    for name, found in rows:
        figures = (found.precision, found.recall, found.f1)
        cells = "".join(f"<td>{page.percent(share)}{page.bar(share)}</td>" for share in figures)
        lines.append(
            f'<tr><th scope="row">{page.text(name)}<small>{found.images:,} images</small></th>'
            f"{cells}</tr>"
        )
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("class", "precision", "recall", "F1")
    )
    return (
        '<div class="card scroll"><table class="classes"><thead><tr>'
        f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
