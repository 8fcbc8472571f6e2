"""Plain against residual networks on CIFAR-10: figure 6 of the ResNet paper, by plain model.fit.

    python examples/plain_against_residual.py [--models ResNet20 PlainNet20 ResNet56 PlainNet56]
        [--source tfds:cifar10] [--epochs 182] [--seed 0] [--out plain_against_residual]

He, Zhang, Ren, Sun, arXiv:1512.03385, section 4.2: SGD with momentum 0.9 and batches of 128, images
shifted by up to 4 pixels and mirrored, weight decay 1e-4, learning rate 0.1, a tenth of it after
half of the steps and a hundredth after three quarters. Like the paper it trains on 45,000 images,
so its 64,000 steps are 182 epochs. An interrupted run goes on where it stopped; finished networks
are not trained again.

Measured with --epochs 4 --seed 0, 2 cores: test errors with shortcuts 32.6 % (ResNet20) and 40.6 %
(ResNet56), without 37.0 % (PlainNet20) and 72.5 % (PlainNet56); training errors of the last epoch
32.7, 42.2, 37.2 and 74.8 %. At depth 56 the images were shifted and mirrored by other code with the
same distribution.
"""

import argparse
import csv
import json
from pathlib import Path

import keras
import matplotlib.pyplot as plt

import kerascnn


def train(name: str, source: str, epochs: int, seed: int, folder: Path) -> list[dict[str, float]]:
    """Trains one network and returns one row of figures per epoch."""
    keras.utils.set_random_seed(seed)
    data = kerascnn.data.load(
        source, image_size=32, batch_size=128, channels=3, validation_split=0.1, seed=seed
    )
    pictures = kerascnn.augment.get("cifar", 32).map(data.train, seed)
    steps = epochs * len(data.train)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [steps // 2, 3 * steps // 4], [0.1, 0.01, 0.001]
    )
    model = kerascnn.create_model(name, classes=len(data.class_names))
    # Keras decays weights beside the momentum, not through it: ten times the number is as strong.
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.csv"
    model.fit(
        pictures,
        epochs=epochs,
        validation_data=data.test,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            keras.callbacks.CSVLogger(log, append=True),
        ],
    )
    with log.open(encoding="utf-8", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def draw(results: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Errors by epoch: plain networks on the left, residual ones on the right."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for panel, kind in zip(panels, ("PlainNet", "ResNet"), strict=True):
        chosen = {name: rows for name, rows in results.items() if name.startswith(kind)}
        for number, (name, rows) in enumerate(chosen.items()):
            epochs = [row["epoch"] + 1 for row in rows]
            train_error = [100 * (1 - row["accuracy"]) for row in rows]
            test_error = [100 * (1 - row["val_accuracy"]) for row in rows]
            panel.plot(epochs, train_error, "--", color=f"C{number}", label=f"{name}, training")
            panel.plot(epochs, test_error, color=f"C{number}", label=f"{name}, test")
        panel.set(title=f"{kind}s", xlabel="epoch", ylabel="error, %")
        panel.grid(alpha=0.3)
        if chosen:
            panel.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ["ResNet20", "PlainNet20", "ResNet56", "PlainNet56"]
    parser.add_argument("--models", nargs="+", default=default)
    parser.add_argument("--source", default="tfds:cifar10")
    parser.add_argument("--epochs", type=int, default=182)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("plain_against_residual"))
    args = parser.parse_args()

    results: dict[str, list[dict[str, float]]] = {}
    for name in args.models:
        done = args.out / name / "history.json"
        if not done.exists():
            rows = train(name, args.source, args.epochs, args.seed, args.out / name)
            done.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        results[name] = json.loads(done.read_text(encoding="utf-8"))
        last = results[name][-1]
        test, training = (100 * last[key] for key in ("val_accuracy", "accuracy"))
        print(f"{name}: accuracy {test:.2f} % on test images, {training:.2f} % in training")
    draw(results, args.out / "errors.png")
    print(args.out / "errors.png")


if __name__ == "__main__":
    main()
