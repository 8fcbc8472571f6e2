"""A few steps of training, and saving: shared by the tests of all families."""

import subprocess
import sys
from pathlib import Path

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
    """Losses of a few steps on one batch, of `colours` by default.

    Steps are plain gradient descent, because other optimisers take long to trace.
    """
    images, labels = colours(model.input_shape[1]) if batch is None else batch
    model.compile(keras.optimizers.SGD(learning_rate), "sparse_categorical_crossentropy")
    history = model.fit(images, labels, batch_size=len(images), epochs=steps, verbose=0)
    return history.history["loss"]


def eager_losses(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, steps: int, rate: float
) -> list[float]:
    """Losses of a few steps of Adam, without tracing a graph, which takes longer than the steps."""
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", run_eagerly=True)
    return [float(model.train_on_batch(images, labels)) for _ in range(steps)]


def change_by_reloading(folder: Path, *models: keras.Model) -> float:
    """Saves models, loads them in a fresh process, and gives the largest change of an output."""
    for number, model in enumerate(models):
        images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
        model.save(folder / f"{number}.keras")
        outputs = model.predict_on_batch(images.astype("float32"))
        np.savez(folder / f"{number}.npz", images=images.astype("float32"), outputs=outputs)
    code = (
        "import sys, kerascnn, numpy as np\n"
        "for number in range(int(sys.argv[2])):\n"
        "    path = f'{sys.argv[1]}/{number}'\n"
        "    model, seen = kerascnn.load_model(path + '.keras'), np.load(path + '.npz')\n"
        "    outputs = model.predict_on_batch(seen['images'])\n"
        "    print(float(np.abs(outputs - seen['outputs']).max()))\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(len(models))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    changes = [float(line) for line in done.stdout.split()]
    if len(changes) != len(models):
        raise AssertionError(f"{len(models)} models, {len(changes)} answers: {done.stdout}")
    return max(changes)
