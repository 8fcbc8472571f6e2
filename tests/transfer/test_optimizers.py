"""One learning rate per layer: as separate optimisers per group, saved, on every path of Keras."""

import json
from pathlib import Path

import keras
import numpy as np
import optimizer_worker
import other_backend
import pytest
from backbones import SIZE, backbone, images, sequential
from keras import layers, ops

import kerascnn
from kerascnn.errors import InputError
from kerascnn.transfer import (
    LayerwiseLearningRate,
    OneCycle,
    attach_head,
    freeze,
    layerwise_multipliers,
)

FACTORS = {"a": 0.1, "b": 1.0, "c": 0.0}
SHAPES = {"a/kernel": (3, 4), "a/bias": (4,), "b/kernel": (4, 2), "c/kernel": (2,)}


def weights():
    found = []
    for path, shape in SHAPES.items():
        scope, name = path.split("/")
        with keras.name_scope(scope):
            found.append(keras.Variable(np.ones(shape, "float32"), name=name))
    return found


def gradients(step):
    random = np.random.default_rng(step)
    return [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def run(apply, count=6):
    for step in range(count):
        apply([ops.convert_to_tensor(gradient) for gradient in gradients(step)])


def by_groups(make, rate):
    """Weights after each group was trained by an optimiser of its own."""
    found = weights()
    groups = {}
    for index, path in enumerate(SHAPES):
        groups.setdefault(path.split("/")[0], []).append(index)
    optimizers = {name: make(_scaled(rate, FACTORS[name])) for name in groups}

    def apply(values):
        for name, members in groups.items():
            optimizers[name].apply([values[i] for i in members], [found[i] for i in members])

    run(apply)
    return [np.array(weight) for weight in found]


def _scaled(rate, factor):
    if isinstance(rate, OneCycle):
        return OneCycle(max(rate.peak * factor, 1e-30), rate.steps)
    return rate * factor


OPTIMIZERS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "sgd with decay": lambda rate: keras.optimizers.SGD(rate, 0.9, weight_decay=0.1),
    "adamw": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.1),
    "adam": lambda rate: keras.optimizers.Adam(rate, amsgrad=True),
    "rmsprop": lambda rate: keras.optimizers.RMSprop(rate, momentum=0.5),
    "lion": lambda rate: keras.optimizers.Lion(rate, weight_decay=0.1),
    "clipped": lambda rate: keras.optimizers.SGD(rate, clipvalue=0.1),
    "clipped norm": lambda rate: keras.optimizers.SGD(rate, clipnorm=0.1),
    "accumulated": lambda rate: keras.optimizers.AdamW(rate, gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("rate", [0.05, OneCycle(0.05, 6)], ids=["constant", "schedule"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_separate_optimizers(name, rate):
    make = OPTIMIZERS[name]
    found = weights()
    optimizer = LayerwiseLearningRate(make(rate), FACTORS)
    run(lambda values: optimizer.apply(values, found))
    for ours, theirs, path in zip(found, by_groups(make, rate), SHAPES, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=path)
    np.testing.assert_array_equal(found[3], 1)  # the factor 0
    assert int(optimizer.iterations) == (3 if name == "accumulated" else 6)


def test_the_global_norm_is_that_of_all_weights():
    found, plain = weights(), weights()
    ours = LayerwiseLearningRate(keras.optimizers.SGD(1.0, global_clipnorm=0.5), {"a": 0.5})
    theirs = keras.optimizers.SGD(1.0, global_clipnorm=0.5)
    values = [ops.convert_to_tensor(gradient) for gradient in gradients(0)]
    ours.apply(values, found)
    theirs.apply(values, plain)
    steps = [(1 - np.array(a), 1 - np.array(b)) for a, b in zip(found, plain, strict=True)]
    for (mine, other), factor in zip(steps, [0.5, 0.5, 1, 1], strict=True):
        np.testing.assert_allclose(mine, factor * other, atol=1e-6)


def test_the_moving_average_is_of_the_weights_as_trained():
    found = weights()
    inner = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    optimizer = LayerwiseLearningRate(inner, {"a": 0.5})
    average = None
    for step in range(4):
        optimizer.apply([ops.convert_to_tensor(g) for g in gradients(step)], found)
        now = np.array(found[0])
        average = now if average is None else 0.9 * average + 0.1 * now
    optimizer.finalize_variable_values(found)
    np.testing.assert_allclose(found[0], average, atol=1e-6)


def test_excluded_weights_do_not_decay():
    found = weights()
    inner = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    inner.exclude_from_weight_decay(var_names=["bias"])
    optimizer = LayerwiseLearningRate(inner, {"a": 0.5})
    optimizer.apply([ops.zeros(shape) for shape in SHAPES.values()], found)
    np.testing.assert_allclose(found[0], 1 - 0.1 * 0.5 * 0.5, atol=1e-6)
    np.testing.assert_array_equal(found[1], 1)


def test_the_longest_name_decides():
    found = weights()
    optimizer = LayerwiseLearningRate(keras.optimizers.SGD(1.0), {"a": 0.5, "a/bias": 0.25})
    optimizer.apply([ops.ones(shape) for shape in SHAPES.values()], found)
    assert [float(np.array(weight).flat[0]) for weight in found] == [0.5, 0.75, 0, 0]


def compiled(rate=0.05, wrap=lambda optimizer: optimizer):
    model = attach_head(backbone(), 3, dropout=0)
    inner = keras.optimizers.AdamW(rate, weight_decay=0.1, use_ema=True)
    optimizer = LayerwiseLearningRate(inner, layerwise_multipliers(model, groups=2))
    model.compile(wrap(optimizer), "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def fit(model):
    model.fit(images(8), np.arange(8) % 3, batch_size=4, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize(
    ("rate", "wrap"),
    [(0.05, lambda optimizer: optimizer), (OneCycle(0.05, 6), keras.optimizers.LossScaleOptimizer)],
    ids=["alone", "scheduled, with loss scaling"],
)
def test_training_goes_on_from_a_file(rate, wrap, tmp_path):
    model = fit(compiled(rate, wrap))
    model.save(tmp_path / "model.keras")
    again = kerascnn.load_model(tmp_path / "model.keras")
    assert len(again.optimizer.variables) == len(model.optimizer.variables)
    for ours, theirs in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    fit(model), fit(again)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_loss_scaling_changes_nothing():
    plain, scaled = fit(compiled()), fit(compiled(wrap=keras.optimizers.LossScaleOptimizer))
    for ours, theirs in zip(plain.weights, scaled.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_learning_rate_can_be_set_and_is_saved():
    optimizer = LayerwiseLearningRate(keras.optimizers.SGD(0.1), {"a": 0.5})
    optimizer.learning_rate = 0.2
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert float(again.learning_rate) == pytest.approx(0.2)
    assert again.multipliers == {"a": 0.5}


def test_nested_models_keep_their_multipliers_when_loaded(tmp_path):
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.GlobalAveragePooling2D()(sequential()(inputs))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    factors = layerwise_multipliers(model, 0.5, groups=2)
    assert factors == {"conv1": 0.25, "conv2": 0.5}
    optimizer = LayerwiseLearningRate(keras.optimizers.SGD(0.1), factors)
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=True)
    fit(model).save(tmp_path / "model.keras")
    again = kerascnn.load_model(tmp_path / "model.keras")
    fit(model), fit(again)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_multipliers_fall_with_the_distance_from_the_head():
    model = attach_head(backbone(), 3)
    assert layerwise_multipliers(model, 0.5, groups=2) == {
        "conv2": 0.25,
        "norm2": 0.25,
        "conv3": 0.5,
        "norm3": 0.5,
    }
    between = layerwise_multipliers(model, (0.01, 1.0), groups=3)
    assert list(between.values()) == pytest.approx([0.01, 0.01, 0.1, 1.0])
    assert set(layerwise_multipliers(model, (0.01, 0.3), groups=1).values()) == {0.3}


def test_ambiguous_names_are_told_apart_by_their_paths():
    inputs = keras.Input((SIZE, SIZE, 3))
    inner = keras.Sequential([layers.Conv2D(3, 3, name="conv")], name="inner")
    x = layers.Conv2D(3, 3, name="conv")(inner(inputs))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(2, name="predictions")(x))
    assert layerwise_multipliers(model, 0.5, 2, head="predictions") == {
        "inner/conv": 0.25,
        "conv": 0.5,
    }


def test_frozen_layers_may_have_multipliers():
    model = attach_head(backbone(), 3)
    factors = layerwise_multipliers(model)
    freeze(model, "stage2")
    model.compile(
        LayerwiseLearningRate(keras.optimizers.SGD(0.1), factors),
        "sparse_categorical_crossentropy",
        run_eagerly=True,
    )
    fit(model)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerwiseLearningRate("sgd", {}), "must be a Keras optimiser"),
        (lambda: LayerwiseLearningRate(keras.optimizers.SGD(), {"a": -1}), "at least 0"),
        (lambda: LayerwiseLearningRate(keras.optimizers.Nadam(), {}), "outside `update_step`"),
        (
            lambda: LayerwiseLearningRate(
                keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), {}
            ),
            "Put it around",
        ),
        (
            lambda: LayerwiseLearningRate(keras.optimizers.SGD(), {"d": 1}).build(weights()),
            "names a weight",
        ),
        (lambda: layerwise_multipliers(attach_head(backbone(), 3), groups=9), r"in 1\.\.4"),
        (lambda: layerwise_multipliers(attach_head(backbone(), 3), 1.5), r"\(0, 1\]"),
        (lambda: layerwise_multipliers(attach_head(backbone(), 3), (0, 1)), "two numbers"),
    ],
)
def test_unusable_values_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_used_optimizer_is_refused():
    inner = keras.optimizers.SGD()
    inner.build(weights())
    with pytest.raises(InputError, match="trained already"):
        LayerwiseLearningRate(inner, {})


def test_jax_trains_alike():
    pytest.importorskip("jax")
    done = other_backend.run("jax", Path(__file__).with_name("optimizer_worker.py"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, expected in optimizer_worker.trained().items():
        for ours, theirs in zip(expected, found[name], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=name)


def test_a_distribution_strategy_trains_alike():
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        mirrored = compiled()
        mirrored.run_eagerly = False
    plain = compiled()
    mirrored.set_weights(plain.get_weights())
    fit(plain), fit(mirrored)
    for ours, theirs in zip(plain.weights, mirrored.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
