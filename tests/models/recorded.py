"""Checks that the tests of the classic families share."""

import subprocess
import sys
from collections.abc import Mapping

import keras
import numpy as np
from golden.classic_recording import Golden, averages
from parity import difference


def by_our_names(
    state: Mapping[str, np.ndarray], flattened: tuple[int, int, int] | None = None
) -> dict[str, list[np.ndarray]]:
    """PyTorch parameters that carry the names of our layers, in the shapes of Keras.

    `flattened` is the (height, width, channels) that the layer `fc6` takes, channels first there.
    """
    layers: dict[str, list[np.ndarray]] = {}
    for key, value in state.items():
        layer, _, part = key.rpartition(".")
        if layer == "fc6" and part == "weight" and flattened:
            height, width, channels = flattened
            value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
            value = value.reshape(len(value), -1)
        if value.ndim > 1:
            value = np.moveaxis(value, (0, 1), (-1, -2))
        layers.setdefault(layer, []).append(value[None, None] if part == "slope" else value)
    return layers


def differences(model: keras.Model, golden: Golden) -> dict[str, float]:
    """How far the model is from what was recorded, by output, as a share of the output's range."""
    stages = [name for name in golden.outputs if name != "scores"]
    taps = keras.Model(model.inputs, [model.output, *(model.get_layer(n).output for n in stages)])
    scores, *maps = taps.predict_on_batch(golden.images)
    found = {"scores": difference(scores, golden.outputs["scores"][0])}
    for name, value in zip(stages, maps, strict=True):
        parts = zip(averages(value), golden.outputs[name], strict=True)
        found[name] = max(difference(got, wanted) for got, wanted in parts)
    return found


def losses_of_a_few_steps(model: keras.Model, learning_rate: float, steps: int = 6) -> list[float]:
    """Trains on one batch of noise by heart, by plain steps: Adam takes long to trace."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, *model.input_shape[1:])).astype("float32")
    labels = rng.integers(0, model.output_shape[-1], 8)
    model.compile(keras.optimizers.SGD(learning_rate), "sparse_categorical_crossentropy")
    history = model.fit(images, labels, batch_size=8, epochs=steps, verbose=0)
    return history.history["loss"]


def difference_after_reload(models, folder) -> list[float]:
    """Saves the models and compares their outputs with those in a fresh process."""
    rng, paths = np.random.default_rng(0), []
    for model in models:
        images = rng.integers(0, 256, (2, *model.input_shape[1:])).astype("float32")
        path = folder / f"{model.name}.keras"
        model.save(path)
        np.savez(f"{path}.npz", images=images, outputs=model.predict_on_batch(images))
        paths.append(str(path))
    code = (
        "import sys, kerascnn, numpy as np\n"
        "for path in sys.argv[1:]:\n"
        "    model, seen = kerascnn.load_model(path), np.load(f'{path}.npz')\n"
        "    outputs = model.predict_on_batch(seen['images'])\n"
        "    print(float(np.abs(outputs - seen['outputs']).max()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return [float(line) for line in done.stdout.split()]
