"""What augmentation buys: accuracy with and without, on the same small budget.

    python benchmarks/augment_accuracy.py SOURCE [--model ResNet20] [--option KEY=VALUE]
        [--weights FILE|imagenet] [--images 10000] [--epochs 12]
        [--augment none standard cifar] [--seeds 0 1 2] [--name augment_accuracy]

SOURCE is what `kerascnn train` takes. Every line is a run of `kerascnn.training.train` with its
defaults; with --weights, of `train --fine-tune`. --images takes that many of the training images of
a source with a test split, all classes alike, and all test images. Seeds draw the split, the
initial weights, the order and the augmentation. The accuracy is that on the test images, without a
test split on the validation images, of the epoch with the best validation accuracy.

Finished runs are kept beside the result in progress (--work), so an interrupted one goes on.
Writes benchmarks/results/NAME.json.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import arguments
import numpy as np
import record


def smaller(source: str, images: int, folder: Path) -> Path:
    """Writes `images` training images of a source, and its test images, as folders of classes."""
    from PIL import Image

    from kerascnn import data

    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    splits = data.load(source)
    pictures, labels = splits.arrays("train")
    per_class = images // len(splits.class_names)
    chosen = np.concatenate(
        [np.flatnonzero(labels == k)[:per_class] for k in range(len(splits.class_names))]
    )
    for split, (x, y) in {
        "train": (pictures[chosen], labels[chosen]),
        "test": splits.arrays("test"),
    }.items():
        for number, (picture, label) in enumerate(zip(x, y, strict=True)):
            place = unfinished / split / splits.class_names[label] / f"{number:05}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.squeeze()).save(place)
    return unfinished.rename(folder)


def accuracy(source: str, policy: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Trains once, or reads what an earlier call measured."""
    from kerascnn import training

    run = args.work / f"{policy}-{seed}"
    found = run / "accuracy.json"
    if found.is_file():
        return json.loads(found.read_text(encoding="utf-8"))
    start = time.perf_counter()
    result = training.train(
        source,
        args.model,
        run,
        options=arguments.options(args.option),
        weights=args.weights,
        fine_tune=args.weights is not None,
        epochs=args.epochs,
        augment=policy,
        seed=seed,
        overwrite=True,
    )
    split = "test" if "test" in result.metrics else "validation"
    measured = {
        "split": split,
        "accuracy": result.metrics[split].accuracy,
        "training_accuracy": result.history[-1]["accuracy"],
        "seconds": round(time.perf_counter() - start, 1),
    }
    found.write_text(json.dumps(measured), encoding="utf-8")
    return measured


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source")
    parser.add_argument("--model", default="ResNet20")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--weights", help="file or published tag; random without")
    parser.add_argument("--images", type=int, help="training images; all without")
    parser.add_argument("--epochs", type=int, help="the model's default without")
    parser.add_argument("--augment", nargs="+", default=["none", "standard", "randaugment"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--work", type=Path, help="where runs are kept")
    parser.add_argument("--name", default="augment_accuracy", help="in benchmarks/results")
    args = parser.parse_args()
    args.work = args.work or Path(tempfile.gettempdir()) / args.name
    args.work.mkdir(parents=True, exist_ok=True)
    source = args.source
    if args.images is not None:
        source = str(smaller(source, args.images, args.work / f"images-{args.images}"))
    runs: dict[str, list[dict[str, Any]]] = {policy: [] for policy in args.augment}
    for seed in args.seeds:
        for policy, done in runs.items():
            done.append(accuracy(source, policy, seed, args))
            print(policy, seed, done[-1], flush=True)
    rows = {}
    for policy, done in runs.items():
        values = [run["accuracy"] for run in done]
        trained = [run["training_accuracy"] for run in done]
        rows[policy] = {
            "mean": round(statistics.mean(values), 4),
            "accuracies": [round(value, 4) for value in values],
            "training_accuracy": round(statistics.mean(trained), 4),
            "seconds": statistics.median(run["seconds"] for run in done),
        }
        print(f"{policy:<14} {100 * rows[policy]['mean']:.1f} %")
    figures = {
        "benchmark": "augment_accuracy",
        "source": args.source if args.source.startswith("tfds:") else Path(args.source).name,
        "split": next(iter(runs.values()))[0]["split"],
        "model": args.model,
        "options": args.option,
        "pretrained": args.weights is not None,
        "images": args.images,
        "epochs": args.epochs,
        "seeds": args.seeds,
        "augment": rows,
    }
    print(record.write(args.name, figures))


if __name__ == "__main__":
    main()
