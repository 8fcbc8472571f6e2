"""What the tests of the residual families share."""

import keras
import numpy as np
from golden import resnet_recording
from parity import difference

from kerascnn import weights
from kerascnn.weights.readers import StateDict


def compare_with_golden(model: keras.Model, name: str, family: str) -> dict[str, float]:
    """Differences from a golden file, of the scores and of each stage's means and deviations."""
    state, images, recorded = resnet_recording.read(name)
    report = weights.load(model, StateDict(state), family=family)
    if report.reinitialised or report.unused:
        raise AssertionError(f"not all weights were used: {report}")
    found = outputs(model, list(recorded), images)
    scores = found.pop("predictions")
    averages = {layer: resnet_recording.averages(maps) for layer, maps in found.items()}
    got = {"predictions": scores} | averages
    return {layer: difference(got[layer], recorded[layer]) for layer in recorded}


def outputs(model: keras.Model, layers: list[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """What the named layers give for a batch."""
    taps = keras.Model(model.inputs, [model.get_layer(layer).output for layer in layers])
    return dict(zip(layers, taps.predict_on_batch(images), strict=True))
