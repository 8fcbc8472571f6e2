"""Calibration of an int8 file: a temperature in its last weights against sigmoids behind it.

    python benchmarks/score_calibration.py RUN ... [--samples 500]

Both are fitted on the validation images of a finished run folder, the sigmoids (Platt scaling of
each class against the rest, what MediaPipe's score calibration computes) on the answers of the int8
file itself. Measured on all test images: the expected calibration error with 15 bins, the accuracy,
and the share of answers that changed. Writes benchmarks/results/score_calibration.json.
"""

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import record
from sklearn.linear_model import LogisticRegression

from kerascnn.export import TFLiteModel, convert_float
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.training import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    open_run,
)

STEP = 1 / 256  # of an 8-bit probability


def log_odds(scores: np.ndarray) -> np.ndarray:
    """With 0 and 1, which 8 bits round to, moved inside by half a step."""
    inside = np.clip(scores, STEP / 2, 1 - STEP / 2)
    return np.log(inside / (1 - inside))


def sigmoids(known: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores through the sigmoid of each class, fitted on others."""
    found = np.empty_like(scores)
    for number in range(scores.shape[1]):
        column = slice(number, number + 1)
        fitted = LogisticRegression(C=1e6).fit(log_odds(known[:, column]), labels == number)
        found[:, number] = fitted.predict_proba(log_odds(scores[:, column]))[:, 1]
    return found


def measure(folder: str, samples: int) -> dict[str, Any]:
    """Figures of one run, shares in percent."""
    run = open_run(folder)
    splits = run.data()
    model = run.load_model()
    images, labels = splits.arrays("test")
    others, other_labels = splits.arrays("validation")
    known, _ = splits.sample("train", samples, seed=run.config.seed)

    def int8(network: Any) -> TFLiteModel:
        return TFLiteModel(quantize(convert_float(network), "int8", known))

    plain = int8(model)
    scores = plain.predict(images)
    temperature = fit_temperature(model.predict(others, verbose=0), other_labels)
    answers = {
        "as it is": scores,
        "temperature": int8(apply_temperature(model, temperature)).predict(images),
        "sigmoids": sigmoids(plain.predict(others), other_labels, scores),
    }
    rows = {
        name: {
            "calibration_error": round(100 * expected_calibration_error(found, labels), 2),
            "accuracy": round(100 * float(np.mean(found.argmax(1) == labels)), 2),
            "changed_answers": round(100 * float(np.mean(found.argmax(1) != scores.argmax(1))), 2),
        }
        for name, found in answers.items()
    }
    print(run.config.model, round(temperature, 3), rows, flush=True)
    return {"temperature": round(temperature, 4), "images": len(images), "files": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--samples", type=int, default=500)
    args = parser.parse_args()
    found = {}
    for folder in args.runs:
        config = open_run(folder).config
        found[f"{config.model} {config.source}"] = measure(folder, args.samples)
    record.write("score_calibration", found)


if __name__ == "__main__":
    main()
