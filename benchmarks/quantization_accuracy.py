"""What int8 costs in accuracy, after training and with it: float, PTQ and QAT on full test sets.

    python benchmarks/quantization_accuracy.py [CASE ...] [--runs FOLDER] [--qat-epochs 3]
    python benchmarks/quantization_accuracy.py --list

Each case is a data set and a model. Its float network is a finished run, FOLDER/CASE as
`kerascnn.train` writes it, and is trained there first if there is none; an interrupted run goes on.
From it come an int8 file made after training (PTQ: 500 training images set the ranges) and one
after some more epochs with rounding (QAT: the run's own data and augmentation, a twentieth of its
learning rate, falling to 0, statistics frozen for the last epoch). All answers are those of the
`.tflite` files on every test image (`digits` has none: its validation images). Writes
benchmarks/results/quantization_accuracy.json; cases measured before stay in it.

`--limit N` takes two epochs, N images a QAT epoch and N test images, and writes nothing: it shows
that all works.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import record

import kerascnn
from kerascnn.export import TFLiteModel, convert_float, export_tflite
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.runtime.verify import keras_outputs
from kerascnn.quantization import FreezeStatistics, quantize_aware
from kerascnn.training.batches import training_batches
from kerascnn.training.run_folder import Run, open_run

NAME = "quantization_accuracy"
CALIBRATION, BATCH = 500, 500
# Source, model and the other arguments of `kerascnn.train`.
CASES: dict[str, dict[str, Any]] = {
    "lenet5-digits": {"source": "digits", "model": "LeNet5"},
    "lenet5-mnist": {"source": "tfds:mnist", "model": "LeNet5"},
    "lenet5-fashion": {"source": "tfds:fashion_mnist", "model": "LeNet5"},
    # Few epochs: what 2 cores do in a quarter of an hour each.
    "resnet20-cifar10": {
        "source": "tfds:cifar10",
        "model": "ResNet20",
        "epochs": 8,
        "augment": "cifar",
    },
    "mobilenetv2-cifar10": {
        "source": "tfds:cifar10",
        "model": "MobileNetV2",
        "options": {"alpha": 0.5},
        "image_size": 64,
        "epochs": 6,
        "augment": "cifar",
    },
    "mobilenetv3small-cifar10": {
        "source": "tfds:cifar10",
        "model": "MobileNetV3Small",
        "image_size": 64,
        "epochs": 8,
        "augment": "cifar",
    },
}


def finished_run(case: str, folder: Path, limit: int | None) -> Run:
    """The run of a case; trained, or trained on, where it has no model yet."""
    if not (folder / "model.keras").is_file():
        started = (folder / "config.json").is_file()
        arguments = {**CASES[case]}
        if limit:
            arguments["epochs"] = 2
        if started:
            kerascnn.train(None, out=folder, resume=True)
        else:
            kerascnn.train(arguments.pop("source"), arguments.pop("model"), folder, **arguments)
    return open_run(folder)


def train_with_rounding(run: Run, model: keras.Model, splits: Any, epochs: int, steps: int | None):
    """The quantisation-aware model of the epoch with the best validation accuracy."""
    settings = run.config.training
    samples, _ = splits.sample("train", CALIBRATION, seed=run.config.seed)
    aware = quantize_aware(model, samples)
    per_epoch = steps or -(-splits.counts["train"] // settings.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate / 20, per_epoch * epochs)
    aware.compile(
        keras.optimizers.Adam(rate),
        keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
    )
    aware.fit(
        training_batches(run.config, splits, 0),
        epochs=epochs,
        steps_per_epoch=steps,
        callbacks=[FreezeStatistics(epochs - 1)] if epochs > 1 else [],
        verbose=2,
    )
    return aware


def measure(case: str, runs: Path, epochs: int, limit: int | None) -> dict[str, Any]:
    """Accuracies of one case in percent, sizes and seconds."""
    run = finished_run(case, runs / case, limit)
    splits = run.data()
    images, labels = splits.arrays("test" if splits.test is not None else "validation")
    images, labels = images[:limit], labels[:limit]
    samples, sample_labels = splits.sample("train", CALIBRATION, seed=run.config.seed)
    model = run.load_model()
    exact = keras_outputs(model, images).argmax(-1)
    figures: dict[str, Any] = {
        "source": run.config.source,
        "model": run.config.model,
        "parameters": model.count_params(),
        "test_images": len(images),
        "float_epochs": len(run.history()),
        "qat_epochs": epochs,
        "float": percent(exact == labels),
    }
    start = time.perf_counter()
    made: dict[str, keras.Model] = {"ptq": model}
    steps = None if limit is None else max(1, limit // run.config.training.batch_size)
    made["qat"] = train_with_rounding(run, model, splits, epochs, steps)
    figures["qat_seconds"] = round(time.perf_counter() - start, 1)
    for kind, source in made.items():
        path = runs / case / f"{kind}_int8.tflite"
        result = export_tflite(
            source,
            path,
            "int8",
            samples,
            sample_labels,
            verify=False,  # this script measures more than verification would
            overwrite=True,
            float_model=convert_float(source),
        )
        answers = TFLiteModel(path, threads=default_threads()).predict(images).argmax(-1)
        figures[kind] = percent(answers == labels)
        figures[f"{kind}_drop"] = round(figures["float"] - figures[kind], 2)
        figures[f"{kind}_agreement_with_float"] = percent(answers == exact)
        figures[f"{kind}_bytes"] = result.bytes
        figures[f"{kind}_partitions"] = result.delegate_partitions
    aware = keras_outputs(made["qat"], images).argmax(-1)
    figures["qat_in_keras"] = percent(aware == labels)
    return figures


def percent(right: np.ndarray) -> float:
    """The share of True, in percent with two decimals."""
    return round(100 * float(np.mean(right)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="all by default")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of run folders")
    parser.add_argument("--qat-epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, help="images of each split, to try the script")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    args = parser.parse_args()
    if args.list:
        print("\n".join(CASES))
        return
    unknown = [case for case in args.cases if case not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}: {', '.join(CASES)}")
    path = record.RESULTS / f"{NAME}.json"
    known = json.loads(path.read_text())["figures"] if path.is_file() and not args.limit else {}
    args.runs.mkdir(parents=True, exist_ok=True)
    for case in args.cases or CASES:
        figures = measure(case, args.runs, args.qat_epochs, args.limit)
        print(case, json.dumps(figures, indent=2), flush=True)
        known[case] = figures
        if not args.limit:
            record.write(NAME, known)


if __name__ == "__main__":
    main()
