"""A quantisation-aware model on JAX and on PyTorch: the same answers, and it trains."""

import importlib.util

import keras
import numpy as np
import other_backend
import pytest
from keras import layers

from kerascnn.quantization import quantize_aware

# Loads the model, compares, trains two epochs with statistics frozen for the second.
WORKER = """
import sys
import keras
import numpy as np
import kerascnn
from kerascnn.quantization import FreezeStatistics, learned_ranges

path, images, outputs, backend = sys.argv[1:]
assert keras.backend.backend() == backend
model, images, wanted = kerascnn.load_model(path), np.load(images), np.load(outputs)
found = np.asarray(model.predict_on_batch(images))
assert np.abs(found - wanted).max() < 0.01 * np.ptp(wanted), np.abs(found - wanted).max()

seen = [learned_ranges(model)]
class Record(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        # On JAX, fit keeps the variables to itself until it is asked for them.
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        seen.append(learned_ranges(self.model))

model.compile(keras.optimizers.SGD(0.05), "mse")
targets = np.zeros_like(wanted)
callbacks = [FreezeStatistics(1), Record()]
losses = model.fit(images, targets, epochs=2, verbose=0, callbacks=callbacks).history["loss"]
assert losses[1] < losses[0], losses
assert seen[0] != seen[1]
assert seen[1] == seen[2]
print("done")
"""


def installed(backend):
    return importlib.util.find_spec(backend) is not None


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model that was calibrated on this backend, images, and what it answers."""
    folder = tmp_path_factory.mktemp("aware")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same")(x)])
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    images = np.random.default_rng(0).normal(size=(32, 8, 8, 3)).astype("float32")
    model = quantize_aware(keras.Model(inputs, x), images)
    paths = [folder / name for name in ("model.keras", "images.npy", "outputs.npy")]
    model.save(paths[0])
    np.save(paths[1], images)
    np.save(paths[2], np.asarray(model(images)))
    return paths


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_answers_and_trains_there(backend, files):
    if not installed(backend):
        pytest.skip(f"{backend} is not installed")
    done = other_backend.run(backend, "-c", WORKER, *files, backend)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("done")
