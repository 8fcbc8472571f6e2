"""What every layer must do: one row per layer, one test per duty."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading

import kerascnn
from kerascnn import layers

CODES = [[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]]
CASES = {
    "Activation": ({"activation": "gelu"}, (4, 5, 3), (4, 5, 3), 0),
    "BatchNormalization": ({"epsilon": 1e-4}, (4, 5, 3), (4, 5, 3), 6),
    "ConstantPadding2D": ({"padding": 2, "value": -1.0}, (5, 6, 2), (9, 10, 2), 0),
    "CosineDense": ({"units": 4, "activation": "sigmoid"}, (3,), (4,), 3 * 4 + 1),
    "DepthwiseConv2D": (
        {"kernel_size": 5, "padding": "same"},
        (6, 7, 3),
        (6, 7, 3),
        5 * 5 * 3 + 3,
    ),
    "GroupedConv2D": (
        {"filters": 6, "kernel_size": 3, "groups": 2, "padding": "same"},
        (5, 7, 4),
        (5, 7, 6),
        3 * 3 * 2 * 6 + 6,
    ),
    "LayerNormalization": ({"epsilon": 1e-6}, (4, 5, 3), (4, 5, 3), 6),
    "LayerScale": ({"initial": 0.5}, (4, 5, 3), (4, 5, 3), 3),
    "LocalResponseNormalization": ({"n": 3, "groups": 2}, (4, 5, 6), (4, 5, 6), 0),
    "LpPooling2D": ({"pool_size": 3, "p": 3.0, "strides": 2}, (7, 6, 2), (3, 2, 2), 0),
    "Maxout": ({"pieces": 3}, (4, 5, 6), (4, 5, 2), 0),
    "OrdinalOutput": ({"classes": 4}, (3,), (4,), 3 + 3),
    "PartialConv2D": (
        {"connections": [[0], [1, 2], [0, 2]], "kernel_size": 3, "strides": 2},
        (7, 9, 3),
        (3, 4, 3),
        5 * 9 + 3,
    ),
    "GridBoxes": ({"boxes": 2}, (3, 2, 13), (12, 7), 0),
    "HeatPeaks": ({"rows": 3, "columns": 2}, (6, 2), (6, 2), 0),
    "PointBoxes": ({}, (3, 2, 4), (6, 4), 0),
    "RBFOutput": ({"codes": CODES}, (3,), (2,), 0),
    "ScaledTanh": ({"amplitude": 1.5, "slope": 0.5}, (4, 3), (4, 3), 0),
    "StochasticDepth": ({"rate": 0.2, "seed": 3}, (4, 5, 3), (4, 5, 3), 0),
    "TrainableSubsampling2D": ({"pool_size": 2}, (7, 6, 3), (3, 3, 3), 6),
    "TrueConv2D": ({"filters": 4, "kernel_size": (3, 2), "strides": 2}, (7, 6, 3), (3, 3, 4), 76),
    "UntiedBias": ({}, (3, 4, 2), (3, 4, 2), 24),
}
# Renaming a class breaks every file that holds one.
REGISTERED = {f"kerascnn>{name}" for name in CASES}


@pytest.fixture(params=sorted(CASES))
def case(request):
    return request.param, *CASES[request.param]


def build(name, config):
    return getattr(layers, name)(**config, name="layer")


def images(shape, seed=0):
    return np.random.default_rng(seed).normal(size=(2, *shape)).astype("float32")


def test_every_public_layer_has_a_case():
    assert set(layers.__all__) - {"to_stock"} == set(CASES)


def test_the_registered_names_are_pinned():
    known = {
        key
        for key, value in keras.saving.get_custom_objects().items()
        if value.__module__.startswith("kerascnn.layers")
    }
    assert known == REGISTERED


def test_output_shape_and_parameters(case):
    name, config, shape, output, params = case
    layer = build(name, config)
    assert layer(images(shape)).shape == (2, *output)
    assert sum(np.prod(v.shape, dtype=int) for v in layer.trainable_variables) == params
    assert layer.compute_output_shape((None, *shape)) == (None, *output)
    assert layer(keras.Input(shape)).shape == (None, *output)


def test_config_round_trip(case):
    name, config, shape, _, _ = case
    layer = build(name, config)
    layer(images(shape))  # building must not change the configuration
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again(images(shape))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(images(shape)), layer(images(shape)))


def test_mixed_precision_computes_in_float16(case):
    name, config, shape, output, _ = case
    layer = getattr(layers, name)(**config, dtype="mixed_float16")
    y = layer(images(shape).astype("float16"))
    assert y.shape == (2, *output)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"


def test_every_weight_gets_a_gradient(case):
    import tensorflow as tf

    name, config, shape, _, _ = case
    layer = build(name, config)
    x = tf.constant(images(shape))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.square(layer(x)))
    for gradient in tape.gradient(loss, [x, *layer.trainable_variables]):
        assert gradient is not None
        assert np.abs(gradient).max() > 0


def test_saved_model_files_load_in_a_fresh_process(tmp_path):
    models = []
    for name, (config, shape, _, _) in CASES.items():
        inputs = keras.Input(shape)
        models.append(keras.Model(inputs, build(name, config)(inputs)))
    assert change_by_reloading(tmp_path, *models) == 0


def test_load_model_refuses_what_is_no_model(tmp_path):
    with pytest.raises(kerascnn.errors.InputError, match="no such model file"):
        kerascnn.load_model(tmp_path / "absent.keras")
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(kerascnn.errors.InputError, match="no zip archive"):
        kerascnn.load_model(tmp_path / "text.keras")
