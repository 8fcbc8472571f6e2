"""Training begins at once: its step is traced once, and computes what it would without this."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.transfer import Phase, attach_head, fine_tune, lr_find
from kerascnn.transfer.first_step import create_state


@keras.saving.register_keras_serializable(package="tests")
class Counter(layers.Layer):
    """Counts how often it is called to train: once per trace."""

    calls = 0

    def call(self, x, training=False):
        Counter.calls += bool(training)
        return x


@pytest.fixture
def counted():
    Counter.calls = 0
    return Counter


def network(classes=3):
    keras.utils.set_random_seed(1)
    images = keras.Input((8, 8, 1))
    x = Counter()(layers.BatchNormalization()(layers.Conv2D(4, 3)(images)))
    return attach_head(keras.Model(images, x, name="backbone"), classes)


def data(one_hot=False):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(24, 8, 8, 1)).astype("float32"), np.arange(24) % 3
    targets = np.eye(3, dtype="float32")[labels] if one_hot else labels
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(8)


@pytest.mark.parametrize("one_hot", [True, False])
def test_each_phase_traces_its_step_once(counted, one_hot):
    counted.calls = 0
    phases = [Phase(name=name, until=0.0, epochs=1, learning_rate=1e-3) for name in ("one", "two")]
    fine_tune(network(), data(one_hot), phases=phases)
    assert counted.calls == 2


def test_a_range_test_traces_its_step_once(counted):
    model = network()
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    counted.calls = 0
    lr_find(model, data(), steps=10)
    assert counted.calls == 1


def curve(created):
    model = network()
    optimizer = keras.optimizers.AdamW(1e-2, use_ema=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    if created:
        create_state(model, data())
        assert optimizer.built
        assert all(not np.any(variable) for variable in model.metrics_variables)
    return model.fit(data(), epochs=2, shuffle=False, verbose=0).history


def test_training_is_the_same():
    plain, prepared = curve(False), curve(True)
    assert prepared.keys() == plain.keys()
    for name in plain:
        assert prepared[name] == pytest.approx(plain[name], rel=1e-5)


def test_what_does_not_tell_its_form_is_left_to_keras():
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    create_state(model, iter([]))
    assert not model.optimizer.built
