"""Weights that share a few values: chosen well, kept by the file, and small when zipped."""

import zlib

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel, convert_float, export_tflite
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.quantize.weight_levels import nearest, shared_levels
from kerascnn.export.quantize.weight_rounding import round_each, round_together
from kerascnn.quantization import quantize_aware

SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3)).astype("uint8")


def test_levels_are_k_means_with_the_ends_and_zero():
    """Three groups of weights and two ends: the levels are their means."""
    random = np.random.default_rng(0)
    groups = [random.integers(centre - 3, centre + 4, 500) for centre in (-60, 25, 80)]
    rows = np.concatenate([*groups, [0] * 50, [127, -127]]).astype(float)[np.newaxis]
    levels = shared_levels(rows * 0.01, np.array([0.01]), 6)
    means = [round(group.mean()) for group in groups]
    np.testing.assert_array_equal(levels, [-127, means[0], 0, means[1], means[2], 127])


def test_values_go_to_the_nearest_level():
    levels = np.array([-127.0, -10, 0, 40, 127])
    values = np.array([-70, -68, -5.1, -4.9, 19.9, 20.1, 126]) * 0.5
    found = nearest(values, np.array(0.5), levels) / 0.5
    np.testing.assert_array_equal(found, [-127, -10, -10, 0, 0, 40, 127])


def test_zeros_stay_zeros_while_others_make_up_for_them():
    random = np.random.default_rng(1)
    rows = random.normal(size=(8, 80)) * (random.uniform(size=(8, 80)) > 0.6)
    seen = random.normal(size=(500, 40)) @ random.normal(size=(40, 80))
    covariance = np.cov(seen.T)
    each = round_each(rows, np.broadcast_to(covariance, (8, 80, 80)))
    for rounded in (round_together(rows, covariance), each):
        np.testing.assert_array_equal(rounded[rows == 0], 0)
        assert np.count_nonzero(rounded) > 0.9 * np.count_nonzero(rows)


@pytest.fixture(scope="module")
def content():
    """Convolutions with batch normalisation, a depthwise and a wide dense layer."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(24, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(gamma_initializer="random_uniform")(x))
    x = layers.DepthwiseConv2D(3, padding="same", bias_initializer="normal")(x)
    x = layers.ReLU()(layers.Conv2D(48, 1, bias_initializer="normal")(x))
    x = layers.Flatten()(x)
    return convert_float(keras.Model(inputs, layers.Dense(16, bias_initializer="normal")(x)))


def distinct(file):
    """(weights, different integers, whether depthwise) of each 8-bit kernel in a file."""
    model = flatbuffer.parse(file)
    found = []
    for tensor in model.subgraphs[0].tensors:
        scales = tensor.quantization.scale if tensor.quantization else None
        if scales is not None and len(scales) > 1 and len(tensor.shape) > 1:
            values = np.asarray(model.buffers[tensor.buffer].data, np.uint8).view(np.int8)
            found.append((values.size, len(np.unique(values)), tensor.shape[0] == 1))
    return found


@pytest.mark.parametrize("recipe", ["int8", "weight_only_int8"])
def test_the_file_holds_no_more_values_and_zips_smaller(recipe, content):
    files = [quantize(content, recipe, SAMPLES, clusters=clusters) for clusters in (None, 16)]
    large = [[row for row in distinct(file) if row[0] >= 1024 and not row[2]] for file in files]
    assert len(large[0]) == len(large[1]) == 2  # 48x24 pointwise, 16x3072 dense
    assert all(values > 100 for _, values, _ in large[0])
    assert all(values <= 16 for _, values, _ in large[1])
    assert len(zlib.compress(files[1], 9)) < 0.75 * len(zlib.compress(files[0], 9))
    wanted = TFLiteModel(content).predict(SAMPLES)
    errors = [np.abs(TFLiteModel(file).predict(SAMPLES) - wanted).mean() for file in files]
    assert errors[1] < 0.03 * np.abs(wanted).max()


def test_what_does_not_go_together_is_refused(tiny_model, tiny_images, tmp_path):
    path = tmp_path / "x.tflite"
    with pytest.raises(InputError, match="must be 4 to 255 values per layer"):
        export_tflite(tiny_model, path, "int8", tiny_images, clusters=2)
    with pytest.raises(InputError, match="those of the recipe float16 are float16"):
        export_tflite(tiny_model, path, "float16", tiny_images, clusters=16)
    with pytest.raises(InputError, match='not with "auto"'):
        export_tflite(tiny_model, path, "auto", tiny_images, clusters=16)
    aware = quantize_aware(tiny_model, tiny_images)
    with pytest.raises(InputError, match="has learned its rounding"):
        export_tflite(aware, path, "int8", tiny_images, clusters=16)
