"""Training on two devices at once by `tf.distribute.MirroredStrategy`, in a process of its own.

TensorFlow takes two devices from one processor only before it has started.
"""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import contextlib, json
import numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, kerascnn

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
rng = np.random.default_rng(0)

def losses(model):
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    fit = model.fit(images, np.arange(8) % 3, batch_size=8, epochs=3, shuffle=False, verbose=0)
    return fit.history["loss"]

def statistics(scope, synchronized):
    with scope:
        layer = kerascnn.layers.BatchNormalization(synchronized=synchronized, momentum=0.5)
        inputs = keras.Input((4, 4, 5))
        model = keras.Model(inputs, layer(inputs))
        model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(maps, maps, batch_size=8, verbose=0, shuffle=False)
    return [np.array(layer.moving_mean).tolist(), np.array(layer.moving_variance).tolist()]

images = rng.integers(0, 256, (8, 8, 8, 3)).astype("float32")
maps = rng.normal(2, 3, (8, 4, 4, 5)).astype("float32")
with strategy.scope():
    ours = kerascnn.models.ResNet20(input_shape=(8, 8, 3), classes=3)
    stock = kerascnn.layers.to_stock(ours)
print(json.dumps({
    "replicas": strategy.num_replicas_in_sync,
    "ours": losses(ours),
    "stock": losses(stock),
    "one device": statistics(contextlib.nullcontext(), False),
    "synchronized": statistics(strategy.scope(), True),
}))
"""


@pytest.fixture(scope="module")
def found():
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_network_learns_on_two_devices_as_with_stock_layers(found):
    assert found["replicas"] == 2
    assert found["ours"][-1] < 0.5 * found["ours"][0]
    assert found["ours"] == pytest.approx(found["stock"], rel=0.02)


def test_synchronized_statistics_are_those_of_the_whole_batch(found):
    for got, wanted in zip(found["synchronized"], found["one device"], strict=True):
        assert got == pytest.approx(wanted, rel=1e-5)
