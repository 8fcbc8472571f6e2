"""Training on two devices at once by `tf.distribute.MirroredStrategy`, in a process of its own.

TensorFlow takes two devices from one processor only before it has started.
"""

import contextlib

import fresh
import keras
import numpy as np
import pytest


def losses(model, images):
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    labels = np.arange(8) % 3
    fit = model.fit(images, labels, batch_size=8, epochs=3, shuffle=False, verbose=0)
    return fit.history["loss"]


def statistics(scope, synchronized, maps):
    from kerascnn.layers import BatchNormalization

    with scope:
        layer = BatchNormalization(synchronized=synchronized, momentum=0.5)
        inputs = keras.Input((4, 4, 5))
        model = keras.Model(inputs, layer(inputs))
        model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(maps, maps, batch_size=8, verbose=0, shuffle=False)
    return [np.array(layer.moving_mean).tolist(), np.array(layer.moving_variance).tolist()]


def on_two_devices():
    """What the process of its own finds."""
    import tensorflow as tf

    device = tf.config.LogicalDeviceConfiguration()
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [device] * 2)

    from kerascnn.layers import to_stock
    from kerascnn.models import ResNet20, cifar_resnet

    cifar_resnet.DEPTHS[20] = 1  # blocks of a stage
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 8, 8, 3)).astype("float32")
    maps = rng.normal(2, 3, (8, 4, 4, 5)).astype("float32")
    with strategy.scope():
        ours = ResNet20(input_shape=(8, 8, 3), classes=3)
        stock = to_stock(ours)
    return {
        "replicas": strategy.num_replicas_in_sync,
        "ours": losses(ours, images),
        "stock": losses(stock, images),
        "one device": statistics(contextlib.nullcontext(), False, maps),
        "synchronized": statistics(strategy.scope(), True, maps),
    }


@pytest.fixture(scope="module")
def found():
    return fresh.call(on_two_devices)


def test_a_network_learns_on_two_devices_as_with_stock_layers(found):
    assert found["replicas"] == 2
    assert found["ours"][-1] < 0.5 * found["ours"][0]
    assert found["ours"] == pytest.approx(found["stock"], rel=0.02)


def test_synchronized_statistics_are_those_of_the_whole_batch(found):
    for got, wanted in zip(found["synchronized"], found["one device"], strict=True):
        assert got == pytest.approx(wanted, rel=1e-5)
