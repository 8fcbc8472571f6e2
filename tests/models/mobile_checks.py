"""What the tests of the mobile families share."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
from golden import mobile_recording
from parity import difference

from kerascnn import weights
from kerascnn.weights.readers import StateDict


def compare_with_golden(model: keras.Model, name: str, family: str) -> dict[str, float]:
    """Differences from a golden file, of the scores and of each stage's means and deviations."""
    state, images, expected = mobile_recording.read(name)
    report = weights.load(model, StateDict(state), family=family)
    if report.reinitialised or report.unused:
        raise AssertionError(f"not all weights were used: {report}")
    taps = [f"stage{level}" for level in mobile_recording.STAGES]
    outputs = [model.output, *(model.get_layer(tap).output for tap in taps)]
    scores, *maps = keras.Model(model.inputs, outputs).predict_on_batch(images)
    got = {"scores": scores} | dict(zip(taps, map(mobile_recording.averages, maps), strict=True))
    return {key: difference(got[key], expected[key]) for key in expected}


def colours(size: int, count: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Images of random blobs, whose class is which of two colours is brighter."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.uniform(0, 120, (count, size // 8, size // 8, 3)).repeat(8, 1).repeat(8, 2)
    images[np.arange(count), :, :, labels] += 120
    return images.astype("float32"), labels


def losses(model: keras.Model, steps: int = 12) -> list[float]:
    """Losses of a few training steps on one batch."""
    images, labels = colours(model.input_shape[1])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    history = model.fit(images, labels, batch_size=len(images), epochs=steps, verbose=0)
    return history.history["loss"]


def output_in_a_fresh_process(model: keras.Model, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Outputs for one batch: of `model`, and of its file loaded by another process."""
    images, _ = colours(model.input_shape[1], count=2)
    model.save(folder / "model.keras")
    np.save(folder / "images.npy", images)
    code = (
        "import sys, kerascnn, numpy as np\n"
        "model = kerascnn.load_model(sys.argv[1] + '/model.keras')\n"
        "images = np.load(sys.argv[1] + '/images.npy')\n"
        "np.save(sys.argv[1] + '/scores.npy', model.predict_on_batch(images))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)
    return model.predict_on_batch(images), np.load(folder / "scores.npy")
