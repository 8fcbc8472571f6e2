"""Fine-tuning by default against what else one would do with a small folder of photos.

    KERASCNN_SHARED=DATA python benchmarks/transfer_bench.py
        [--tasks choosing|confirming|all|NAME...] [--seeds 0 1] [--models mobilenet squeezenet]
        [--contestants NAME...] [--work FOLDER] [--tested 600] [--table]

The tasks are those of `transfer_tasks.py`, on the weights in DATA/weights. All contestants have the
same photos to train on, the same fifth of them for validation, and the same photos to be judged by:

- kerascnn: `train(PHOTOS, fine_tune=True)`, everything by default.
- before: the defaults until version 0.19: 20 epochs of the head, 20 of everything at 2e-3 (without
  batch normalisation 3e-4), batch normalisation adapting.
- regression: logistic regression (scikit-learn) on the features of the frozen backbone and of the
  mirror images, C by five-fold cross-validation.
- guide: the recipe of Keras's guide to transfer learning: flips and rotations, 8 epochs of the
  head, 20 of everything at 1e-5, statistics frozen; the weights of the last epoch.
- low-rate: everything at 1e-4 for 20 epochs, Adam, statistics frozen; the weights of the epoch with
  the best validation accuracy.

Each measurement is a process of its own and a file in --work, so that an interrupted benchmark goes
on where it was; --table makes the table and the picture of what there is.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import record
import transfer_tasks

MODELS: dict[str, tuple[str, dict[str, Any], str]] = {
    "mobilenet": ("MobileNet", {"alpha": 0.25}, "mobilenet_v1_0.25_224_imagenet.weights.h5"),
    "squeezenet": (
        *("SqueezeNet1_1", {}),
        "squeezenet_v1.1_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
}
SIZE, BATCH = 224, 32


def _backbone(model: str) -> tuple[str, dict[str, Any], str]:
    name, options, file = MODELS[model]
    return name, options, str(transfer_tasks.reference() / "weights" / file)


def _trained(folder: Path, model: str, seed: int, out: Path, plan: Any) -> tuple[Any, int, list]:
    from kerascnn.training import open_run, train

    name, options, weights = _backbone(model)
    result = train(
        *(folder / "train", name, out),
        **{"options": options, "weights": weights, "fine_tune": plan, "seed": seed},
        overwrite=True,
    )
    return open_run(out).load_model(), open_run(out).config.input_shape[0], [*result.history]


def kerascnn(folder: Path, model: str, seed: int, out: Path) -> tuple[Any, int, list]:
    return _trained(folder, model, seed, out, True)


def before(folder: Path, model: str, seed: int, out: Path) -> tuple[Any, int, list]:
    from kerascnn.training import FineTune
    from kerascnn.transfer import Phase

    rate = 3e-4 if model == "squeezenet" else 2e-3
    head = Phase(name="head", until="head", epochs=20, learning_rate=3e-3, augment=False)
    everything = Phase(name="all", until=0.0, epochs=20, learning_rate=rate)
    plan = FineTune(phases=(head, everything), batch_norm="train")
    return _trained(folder, model, seed, out, plan)


def _data(folder: Path, seed: int) -> tuple[Any, ...]:
    from kerascnn import data

    splits = data.load(folder / "train", SIZE, BATCH, channels=3, seed=seed, validation_split=0.2)
    return splits, *splits.arrays("train"), *splits.arrays("validation")


def _headed(model: str, classes: int) -> tuple[Any, Any]:
    import keras

    import kerascnn as package

    name, options, weights = _backbone(model)
    base = package.create_model(
        name, include_top=False, weights=weights, input_shape=(SIZE, SIZE, 3), **options
    )
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomRotation(0.1)(x)
    x = keras.layers.GlobalAveragePooling2D()(base(x, training=False))
    x = keras.layers.Dropout(0.2)(x)
    return base, keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


def regression(folder: Path, model: str, seed: int, out: Path) -> tuple[Any, int, list]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    splits, x, y, *_ = _data(folder, seed)
    base, whole = _headed(model, len(splits.class_names))
    views = [base.predict(view, verbose=0).mean(axis=(1, 2)) for view in (x, x[:, :, ::-1])]
    rows, labels = np.concatenate(views), np.tile(y, 2)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    rows, groups = (rows - mean) / scale, np.tile(np.arange(len(y)), 2)
    scores = {}
    with threadpool_limits(1, "blas"):
        for c in np.logspace(-4, 1, 6):
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(
                rows, labels, groups
            )
            found = [
                LogisticRegression(C=c, max_iter=1000)
                .fit(rows[a], labels[a])
                .score(rows[b], labels[b])
                for a, b in folds
            ]
            scores[c] = statistics.mean(found)
        best = LogisticRegression(C=max(scores, key=scores.get), max_iter=1000).fit(rows, labels)
    kernel, bias = best.coef_, best.intercept_
    if len(best.classes_) == 2:
        kernel, bias = np.vstack([-kernel, kernel]) / 2, np.append(-bias, bias) / 2
    kernel = (kernel / scale).T
    whole.layers[-1].set_weights([kernel, bias - mean @ kernel])
    return whole, SIZE, []


def guide(folder: Path, model: str, seed: int, out: Path) -> tuple[Any, int, list]:
    import keras

    splits, x, y, vx, vy = _data(folder, seed)
    base, whole = _headed(model, len(splits.class_names))
    rows: list[dict[str, float]] = []
    for trainable, rate, epochs in ((False, 1e-3, 8), (True, 1e-5, 20)):
        base.trainable = trainable
        whole.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        seen = whole.fit(
            *(x, y), batch_size=BATCH, epochs=epochs, validation_data=(vx, vy), verbose=0
        ).history
        rows += [{"phase": trainable, "val_accuracy": value} for value in seen["val_accuracy"]]
    return whole, SIZE, rows


def low_rate(folder: Path, model: str, seed: int, out: Path) -> tuple[Any, int, list]:
    import keras

    splits, x, y, vx, vy = _data(folder, seed)
    _, whole = _headed(model, len(splits.class_names))
    whole.compile(
        keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    keep = keras.callbacks.EarlyStopping(
        "val_accuracy", patience=20, restore_best_weights=True, start_from_epoch=0
    )
    seen = whole.fit(
        *(x, y), batch_size=BATCH, epochs=20, validation_data=(vx, vy), verbose=0, callbacks=[keep]
    ).history
    return whole, SIZE, [{"val_accuracy": value} for value in seen["val_accuracy"]]


CONTESTANTS = {
    "kerascnn": kerascnn,
    "regression": regression,
    "guide": guide,
    "low-rate": low_rate,
    "before": before,
}


def child(args: argparse.Namespace) -> dict[str, Any]:
    """Measures one contestant on one task."""
    import keras

    from kerascnn import data

    (task,), (seed,), (model,), (who,) = args.tasks, args.seeds, args.models, args.contestants
    folder = transfer_tasks.build(task, seed, args.work / "tasks")
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    run = args.work / "runs" / f"{who}-{model}-{task}-{seed}"
    network, size, history = CONTESTANTS[who](folder, model, seed, run)
    seconds = time.perf_counter() - start
    splits = data.load(folder, size, BATCH, channels=3, seed=seed, validation_split=0.2)
    images, labels = splits.arrays("test")
    chosen = np.random.default_rng(0).permutation(len(labels))[: args.tested]
    found = network.predict(images[chosen], verbose=0).argmax(axis=1)
    columns = ("phase", "val_accuracy", "learning_rate")
    return {
        **{"task": task, "seed": seed, "model": model, "contestant": who},
        "accuracy": float((found == labels[chosen]).mean()),
        **{"tested": len(chosen), "photos": sum(splits.counts[s] for s in ("train", "validation"))},
        "seconds": round(seconds, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "curve": [{name: row[name] for name in columns if name in row} for row in history],
    }


def table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds with standard errors, and mean ranks over what all contestants did."""
    cells: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    for row in rows:
        cells[row["model"], row["task"]].setdefault(row["contestant"], []).append(row)
    ranks: dict[str, list[float]] = defaultdict(list)
    figures: dict[str, Any] = {}
    for (model, task), found in sorted(cells.items()):
        line = figures.setdefault(model, {})[task] = {
            "photos": next(iter(found.values()))[0]["photos"]
        }
        for who, runs in found.items():
            values = [run["accuracy"] for run in runs]
            share = statistics.mean(values)
            # Of seeds, where there are several; else of the images that were judged.
            error = (
                statistics.stdev(values) / math.sqrt(len(values))
                if len(values) > 1
                else math.sqrt(share * (1 - share) / runs[0]["tested"])
            )
            line[who] = {
                **{"accuracy": round(share, 4), "error": round(error, 4), "seeds": len(values)},
                "seconds": round(statistics.median(run["seconds"] for run in runs), 1),
                "peak_mib": max(run["peak_mib"] for run in runs),
            }
        if len(found) == len(CONTESTANTS):
            shares = {who: line[who]["accuracy"] for who in found}
            for who, share in shares.items():
                others = [other for name, other in shares.items() if name != who]
                ties = sum(other == share for other in others)
                ranks[who].append(1 + sum(other > share for other in others) + ties / 2)
    mean_ranks = {who: round(statistics.mean(values), 2) for who, values in ranks.items()}
    return {"by_task": figures, "mean_rank": mean_ranks, "ranked_tasks": len(ranks["kerascnn"])}


def show(figures: dict[str, Any]) -> None:
    """Prints the table."""
    for model, tasks in figures["by_task"].items():
        print(f"\n{model:16}{'photos':>7} " + " ".join(f"{who:>13}" for who in CONTESTANTS))
        for task, line in tasks.items():
            cells = [
                f"{100 * line[who]['accuracy']:7.1f} ±{100 * line[who]['error']:4.1f}"
                if who in line
                else "-"
                for who in CONTESTANTS
            ]
            print(f"{task:16}{line['photos']:7} " + " ".join(f"{cell:>13}" for cell in cells))
    print(f"\nmean rank over {figures['ranked_tasks']} tasks: {figures['mean_rank']}")


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Validation accuracy of kerascnn in both phases, a small picture for each task."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ours = [row for row in rows if row["contestant"] == "kerascnn"]
    names = sorted({(row["model"], row["task"]) for row in ours})
    across = min(4, len(names))
    down = -(-len(names) // across)
    figure, axes = pyplot.subplots(down, across, figsize=(3 * across, 2.2 * down), squeeze=False)
    for place in axes.flat[len(names) :]:
        place.axis("off")
    for place, (model, task) in zip(axes.flat, names, strict=False):
        for row in ours:
            if (row["model"], row["task"]) != (model, task):
                continue
            shares = [100 * point["val_accuracy"] for point in row["curve"]]
            (line,) = place.plot(range(1, len(shares) + 1), shares, marker=".", lw=1)
            place.axhline(shares[0], color=line.get_color(), ls=":", lw=0.8)
            phases = [point["phase"] for point in row["curve"]]
            for epoch in range(1, len(phases)):
                if phases[epoch] != phases[epoch - 1]:
                    place.axvline(epoch + 0.5, color="0.8", lw=0.8, zorder=0)
        place.set_title(f"{task} ({model})", fontsize=8)
        place.tick_params(labelsize=7)
    figure.supxlabel("epoch (grey: a phase begins; dotted: the head alone)", fontsize=8)
    figure.supylabel("validation accuracy, %", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures what is missing, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", default=["choosing"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["mobilenet"])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=[*CONTESTANTS])
    parser.add_argument("--work", type=Path, default=Path("transfer_bench"))
    parser.add_argument("--tested", type=int, default=600, help="test images of each task at most")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args)))
        return
    groups = {
        "choosing": transfer_tasks.CHOOSING,
        "confirming": transfer_tasks.CONFIRMING,
        "all": (*transfer_tasks.CHOOSING, *transfer_tasks.CONFIRMING),
    }
    tasks = [task for name in args.tasks for task in groups.get(name, (name,))]
    done = args.work / "measured"
    done.mkdir(parents=True, exist_ok=True)
    wanted = [
        (task, str(seed), model, who)
        for task in tasks
        for seed in args.seeds
        for model in args.models
        for who in args.contestants
    ]
    for task, seed, model, who in [] if args.table else wanted:
        file = done / f"{model}-{task}-{seed}-{who}.json"
        if file.is_file():
            continue
        command = [sys.executable, __file__, "--child", "--work", str(args.work)]
        command += ["--tested", str(args.tested), "--tasks", task, "--seeds", seed]
        command += ["--models", model, "--contestants", who]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            print(f"{file.stem}: {found.stderr[-2000:]}", file=sys.stderr)
            continue
        row = json.loads(found.stdout.splitlines()[-1])
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(row), encoding="utf-8")
        os.replace(partial, file)
        print(f"{file.stem}: {100 * row['accuracy']:.1f} % in {row['seconds']:.0f} s", flush=True)
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(done.glob("*.json"))]
    if not rows:
        return
    figures = table(rows)
    show(figures)
    curves = record.RESULTS / "transfer_bench.png"
    draw(rows, curves)
    print(record.write("transfer_bench", {"benchmark": "transfer_bench", **figures, "runs": rows}))


if __name__ == "__main__":
    main()
