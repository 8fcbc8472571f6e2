"""What is shown of a bundle: of each task its figure, and none where nothing is labelled."""

from types import SimpleNamespace

import numpy as np
import pytest

from kerascnn.cli import bundle_table, console
from kerascnn.tasks.classification import classification_metrics
from kerascnn.tasks.multi_label import multi_label_metrics
from kerascnn.tasks.regression import regression_metrics

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
MEASURED = {
    "classification": (classification_metrics(SCORES, np.array([0, 1, 1, 1]), "ab"), "accuracy"),
    "regression": (regression_metrics(SCORES, SCORES + np.array([0.5, 2]), "ab"), "mean error"),
    "multi_label": (multi_label_metrics(SCORES, np.ones((4, 2), int), "ab"), "decisions right"),
    "none": (None, "accuracy"),
}
SHOWN = {
    "classification": ["75.00 %"],
    "multi_label": ["50.00 %"],
    "regression": ["a 0.5", "b 2"],
    "none": ["-"],
}


@pytest.mark.parametrize("task", MEASURED)
def test_the_table_of_each_task(task, monkeypatch):
    measured, title = MEASURED[task]
    shown = []
    monkeypatch.setattr(console, "show_table", lambda *table: shown.append(table))
    monkeypatch.setattr(console, "say", lambda text: None)
    file = SimpleNamespace(
        recipe="int8",
        score=measured,
        agreement=1.0,
        bytes=1000,
        median_ms=1.5,
        delegate_partitions=1,
    )
    report = SimpleNamespace(keras=measured, model="m", images=4, files=[file])
    bundle_table.show_report(SimpleNamespace(report=report, folder="bundle"), "test")
    ((_, columns, rows),) = shown
    assert columns[1] == title
    assert [row[1].splitlines() for row in rows] == [SHOWN[task]] * 2
    assert all(len(row) == len(columns) for row in rows)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_figures_are_printed_in_a_few_words(task):
    measured = MEASURED[task][0]
    assert str(measured) == measured.headline()
    assert len(str(measured)) < 120
