"""What `print(result)` shows: one line that says what was made and how good it is."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kerascnn.export.bundle.write import BundleResult
from kerascnn.export.export_result import ExportResult
from kerascnn.export.runtime.benchmark import BenchmarkResult
from kerascnn.export.runtime.summary import FileSummary
from kerascnn.export.runtime.verify import Evaluation
from kerascnn.tasks.classification import classification_metrics
from kerascnn.tasks.comparison import Metric, Report
from kerascnn.tasks.regression import regression_metrics
from kerascnn.training.run import RunResult
from kerascnn.transfer.fine_tuning import EarlyStop, FineTuning

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
GOOD = classification_metrics(SCORES, np.array([0, 1, 1, 1]), "ab")
SIZES = regression_metrics(SCORES, SCORES + np.array([0.5, 2]), "ab")
PASSED, FAILED = (Metric("max_abs", value, 0.05, value < 0.05) for value in (0.01, 0.5))
SUMMARY = {field.name: None for field in dataclasses.fields(FileSummary)} | {"bytes": 74900}


def report(*metrics, answers=200, accuracy=0.98):
    return Report(
        path="a.tflite",
        metrics=metrics,
        samples=200,
        source="samples",
        output_range=1.0,
        answers=answers,
        changed=0,
        near_ties=0,
        reference_accuracy=accuracy,
        accuracy=accuracy,
    )


def exported(checked):
    return ExportResult(
        **SUMMARY, path=Path("a.tflite"), recipe="int8", report=checked, seconds=1.0
    )


def bundle(*scores):
    files = [
        SimpleNamespace(recipe=f"r{number}", bytes=1000, score=score)
        for number, score in enumerate(scores)
    ]
    return BundleResult(folder=Path("bundle"), manifest=None, report=SimpleNamespace(files=files))


HISTORY = tuple({"epoch": n, "phase": 1, "accuracy": n / 10, "loss": 1.0} for n in (1, 2, 3))
PRINTED = {
    "verified on 200 images, 100.00 % same answers, accuracy 98.00 % (Keras model 98.00 %)": report(
        PASSED
    ),
    "fails max_abs 0.5 (limit <= 0.05) on 200 images": report(FAILED, answers=0, accuracy=None),
    "a.tflite: int8, 74,900 bytes, not verified": exported(None),
    "a.tflite: int8, 74,900 bytes, verified on 200 images": exported(
        report(PASSED, answers=0, accuracy=None)
    ),
    "bundle: r0 1,000 bytes, accuracy 75.00 %; r1 1,000 bytes": bundle(GOOD, None),
    "bundle: r0 1,000 bytes, mean error a 0.5": bundle(SIZES),
    "accuracy 75.00 %, top 5 100.00 %, loss 0.5000, 4 images": Evaluation(
        accuracy=0.75, top5=1.0, loss=0.5, n=4
    ),
    "accuracy 75.00 %, loss 0.5000, 4 images": Evaluation(accuracy=0.75, top5=None, loss=0.5, n=4),
    "0.013 ms (0.012 to 0.020), 50 runs, 1 thread(s)": BenchmarkResult(
        0.013, 0.012, 0.02, 0.011, 50, 1, True, "cpu"
    ),
    f"run: validation {GOOD.headline()}; 3 epochs, kept epoch 2": RunResult(
        Path("run"), {"validation": GOOD}, HISTORY, 2, ()
    ),
    "3 epochs, kept epoch 2, accuracy 0.2000, loss 1.0000": FineTuning(HISTORY, 2, ()),
    "3 epochs, kept epoch 3, accuracy 0.3000, loss 1.0000, Mine ended phase all at epoch 3": (
        FineTuning(HISTORY, 3, (), (EarlyStop("all", 3, 5, "Mine"),))
    ),
}


@pytest.mark.parametrize("line", PRINTED)
def test_a_result_is_printed_as_one_line(line):
    assert str(PRINTED[line]) == line
