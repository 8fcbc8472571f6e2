"""A few steps of training, and saving: shared by the tests of all families."""

import sys
from pathlib import Path
from typing import Any

import fresh
import keras
import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


def colours(size: int, count: int = 16) -> Batch:
    """Images of random blobs, whose class is which of two colours is brighter."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.uniform(0, 120, (count, size // 8, size // 8, 3)).repeat(8, 1).repeat(8, 2)
    images[np.arange(count), :, :, labels] += 120
    return images.astype("float32"), labels


def noise(model: keras.Model, count: int = 8) -> Batch:
    """Images of noise with random classes, to be learnt by heart."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *model.input_shape[1:])).astype("float32")
    return images, rng.integers(0, model.output_shape[-1], count)


def losses(
    model: keras.Model, batch: Batch | None = None, learning_rate: float = 0.1, steps: int = 12
) -> list[float]:
    """Losses of a few steps of plain gradient descent on one batch, of `colours` by default."""
    batch = colours(model.input_shape[1]) if batch is None else batch
    return _steps(model, keras.optimizers.SGD(learning_rate), batch, steps)


def adam_losses(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, steps: int, rate: float
) -> list[float]:
    """Losses of a few steps of Adam, likewise."""
    return _steps(model, keras.optimizers.Adam(rate), (images, labels), steps)


def _steps(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, batch: Batch, steps: int
) -> list[float]:
    # A graph takes as long to trace as some eight steps without one take.
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=steps < 8)
    optimizer.build(model.trainable_variables)  # or it would be traced twice
    return [float(model.train_on_batch(*batch)) for _ in range(steps)]


def change_by_reloading(folder: Path, *models: keras.Model) -> float:
    """Saves models, loads them in a fresh process, and gives the largest change of an output."""
    for number, model in enumerate(models):
        images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
        images = images.astype("float32")
        model.save(folder / f"{number}.keras")
        outputs = np.asarray(model(images, training=False))
        np.savez(folder / f"{number}.npz", images=images, outputs=outputs)
    return max(fresh.call(_changes, folder, len(models)))


def _changes(folder: Path, count: int) -> list[float]:
    """What a fresh process finds."""
    import kerascnn

    found = []
    for number in range(count):
        model = kerascnn.load_model(folder / f"{number}.keras")
        with np.load(folder / f"{number}.npz") as seen:
            outputs = np.asarray(model(seen["images"], training=False))
            found.append(float(np.abs(outputs - seen["outputs"]).max()))
    return found


def configurations(ending: str, path: Path) -> list[dict[str, Any]]:
    """Of the layers with such names, loaded by Keras in a process that has no kerascnn."""
    model = keras.saving.load_model(path)
    if "kerascnn" in sys.modules:
        raise AssertionError("kerascnn was imported")
    return [layer.get_config() for layer in model.layers if layer.name.endswith(ending)]
