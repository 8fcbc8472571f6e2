"""Training a head on a frozen backbone: cached features against the way of the Keras guide.

    python benchmarks/transfer.py PHOTOS [--model MobileNet] [--option alpha=0.25]
        [--weights FILE|imagenet] [--size 224] [--epochs 20] [--runs 3] [--name transfer]

PHOTOS is a folder of class folders, or "tfds:NAME". Both train the same head (global average,
dropout 0.2, dense) from the same weights, on the same backbone with the same images, batch size,
optimiser and epochs; the order of the images and the dropout are drawn by each:

- guide: "Transfer learning & fine-tuning" at keras.io: the backbone, frozen and called with
  training=False, stays in the model, and every epoch computes it anew;
- kerascnn: `kerascnn.transfer.fit_head`; reading and hashing the images, computing and writing
  features are included.

Every measurement is a fresh process, in turns; loading the images is not counted, tracing is.
`peak` is the largest resident memory of the process less that before training. Without mirrored
views, so that both see the same images. `accuracy_difference` is ours less the guide's, the mean of
the runs with its standard error. Writes benchmarks/results/NAME.json.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import arguments
import record

BATCH, RATE = 32, 1e-3


def child(who: str, args: argparse.Namespace) -> dict[str, float]:
    """Trains once in this process."""
    import keras

    import kerascnn
    from kerascnn import data

    keras.utils.set_random_seed(args.seed)
    splits = data.load(args.photos, args.size, BATCH, seed=args.seed)
    backbone = kerascnn.create_model(
        args.model,
        include_top=False,
        weights=args.weights,
        input_shape=splits.image_shape,
        **arguments.options(args.option),
    )
    before, start = _peak(), time.perf_counter()
    train = {"guide": guide, "kerascnn": cached}[who]
    accuracy = train(backbone, splits, args.epochs)
    return {
        "seconds": time.perf_counter() - start,
        "accuracy": accuracy,
        "peak_mb": (_peak() - before) / 1024,
    }


def guide(backbone: Any, splits: Any, epochs: int) -> float:
    """As the guide does it."""
    import keras

    backbone.trainable = False
    inputs = keras.Input(splits.image_shape)
    x = backbone(inputs, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    outputs = keras.layers.Dense(len(splits.class_names), activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    _same_start(model.layers[-1])
    model.compile(
        keras.optimizers.AdamW(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    fitted = model.fit(splits.train, validation_data=splits.validation, epochs=epochs, verbose=0)
    return fitted.history["val_accuracy"][-1]


def cached(backbone: Any, splits: Any, epochs: int) -> float:
    """The head phase of `fine_tune`, at the same constant rate."""
    import keras

    from kerascnn import transfer

    model = transfer.attach_head(backbone, len(splits.class_names), dropout=0.2)
    transfer.freeze(model, "head")
    _same_start(model.layers[-1])
    model.compile(
        keras.optimizers.AdamW(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    fitted = transfer.fit_head(
        model, splits.train, splits.validation, epochs=epochs, views=[transfer.original]
    )
    return fitted.history["val_accuracy"][-1]


def _same_start(layer: Any) -> None:
    """Gives the head's dense layer weights that depend on its shape only."""
    import numpy as np

    limit = (6 / sum(layer.kernel.shape)) ** 0.5  # Glorot's
    layer.kernel.assign(np.random.default_rng(0).uniform(-limit, limit, layer.kernel.shape))


def _difference(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, float | None]:
    """Of the accuracies of pairs of runs: the mean and its standard error."""
    found = [ours["accuracy"] - guide["accuracy"] for guide, ours in pairs]
    error = statistics.stdev(found) / len(found) ** 0.5 if len(found) > 1 else None
    return {
        "mean": round(statistics.mean(found), 4),
        "standard_error": None if error is None else round(error, 4),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos")
    parser.add_argument("--model", default="MobileNet")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--weights", help="file or published tag; random without")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="transfer", help="of the file in benchmarks/results")
    parser.add_argument("--child", choices=("guide", "kerascnn"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args.child, args)))
        return
    runs: dict[str, list[dict[str, float]]] = {"guide": [], "kerascnn": []}
    for number in range(args.runs):
        for who, done in runs.items():
            seed = ["--seed", str(args.seed + number)]
            command = [sys.executable, __file__, *sys.argv[1:], *seed, "--child", who]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            if found.returncode:
                raise SystemExit(f"{who}: {found.stderr[-2000:]}")
            done.append(json.loads(found.stdout.splitlines()[-1]))
            print(who, {name: round(value, 3) for name, value in done[-1].items()}, flush=True)
    pairs = list(zip(runs["guide"], runs["kerascnn"], strict=True))
    figures = {
        "benchmark": "transfer",
        "model": args.model,
        "options": args.option,
        "pretrained": args.weights is not None,
        "size": args.size,
        "epochs": args.epochs,
        "runs": args.runs,
        "faster_by": round(statistics.median(a["seconds"] / b["seconds"] for a, b in pairs), 2),
        **{
            who: {name: record.summary([run[name] for run in done]) for name in done[0]}
            for who, done in runs.items()
        },
        "mean_accuracy": {
            who: round(statistics.mean(run["accuracy"] for run in done), 4)
            for who, done in runs.items()
        },
        "accuracy_difference": _difference(pairs),
    }
    print("faster by", figures["faster_by"], figures["mean_accuracy"])
    print("accuracy, ours less the guide's:", figures["accuracy_difference"])
    print(record.write(args.name, figures))


if __name__ == "__main__":
    main()
