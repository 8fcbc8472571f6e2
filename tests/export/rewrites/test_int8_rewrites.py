"""What the 8-bit file is made from: the same function, and an int8 file in one partition."""

import numpy as np
import pytest

from kerascnn.export import rewrites
from kerascnn.export.quantize import quantizer as quantizing
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.rewrites import for_all, for_int8
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect


def layer_norm(x):
    import tensorflow as tf

    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-6)


def networks(convolution):
    """Networks that int8 files used to run in several partitions, by name."""
    import tensorflow as tf

    first, second, join = convolution(3, 6, 8), convolution(1, 8, 8), convolution(1, 6, 8)
    kernel = tf.constant(np.random.default_rng(5).normal(0, 0.1, (7, 7, 8, 1)).astype("float32"))

    def head(x):
        return first(x / 128 - 1.0)

    def hard_swish(x):
        return x * tf.nn.relu6(x + 3.0) * (1 / 6)

    return {
        "hard swish": lambda x: second(hard_swish(head(x))),
        "hard swish at the end": lambda x: hard_swish(second(hard_swish(head(x)))),
        "average pool": lambda x: second(tf.nn.avg_pool2d(head(x), 2, 2, "VALID")),
        "padded average pool": lambda x: second(tf.nn.avg_pool2d(head(x), 3, 1, "SAME")),
        "rectified branch": lambda x: (y := second(head(x)) + join(x / 128)) + tf.nn.relu(y),
        "gelu": lambda x: second(tf.nn.gelu(head(x), approximate=False)),
        "layer normalisation": lambda x: second(layer_norm(head(x))),
        "large depthwise": lambda x: second(
            layer_norm(tf.nn.depthwise_conv2d(head(x), kernel, [1] * 4, "SAME"))
        ),
        "local response": lambda x: second(
            (y := tf.nn.relu(head(x)))
            * tf.math.rsqrt(1 + tf.matmul(tf.square(y), tf.ones((8, 8)) * 0.1))
        ),
        "next to nothing added": lambda x: (y := head(x)) + 1e-6 * second(tf.nn.relu(y)),
    }


NAMES = [
    "hard swish",
    "hard swish at the end",
    "average pool",
    "padded average pool",
    "rectified branch",
    "gelu",
    "layer normalisation",
    "large depthwise",
    "local response",
    "next to nothing added",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_int8_file_runs_in_one_piece_and_stays_close(tflite, convolution, pixels, name):
    before = for_all(tflite(networks(convolution)[name]))
    wanted = TFLiteModel(before).predict(pixels)
    extent = np.ptp(wanted)
    prepared = for_int8(before).content
    np.testing.assert_allclose(TFLiteModel(prepared).predict(pixels), wanted, atol=1e-5 * extent)

    after = quantize(before, "int8", pixels, "int8")
    summary = inspect(after)
    assert summary.delegate_partitions == 1
    assert not summary.undelegated_operators
    assert np.abs(TFLiteModel(after).predict(pixels) - wanted).mean() < 0.01 * extent


@pytest.mark.parametrize(
    "name", ["hard swish", "padded average pool", "rectified branch", "layer normalisation"]
)
def test_without_the_rewrites_it_would_not(tflite, convolution, pixels, name, monkeypatch):
    before = for_all(tflite(networks(convolution)[name]))
    monkeypatch.setattr(quantizing.rewrites, "for_int8", rewrites.Prepared)
    summary = inspect(quantize(before, "int8", pixels, "int8"))
    assert summary.delegate_partitions > 1
    assert set(summary.undelegated_reasons) == set(summary.undelegated_operators)


def test_normalisations_stay_exact_in_float(tflite, convolution, pixels, monkeypatch):
    before = for_all(tflite(networks(convolution)["layer normalisation"]))
    wanted = TFLiteModel(before).predict(pixels)

    def error():
        file = quantize(before, "int8", pixels, "float32")
        return np.abs(TFLiteModel(file).predict(pixels) - wanted).mean()

    kept = error()
    monkeypatch.setattr(quantizing.rewrites, "for_int8", rewrites.Prepared)
    assert kept < 0.9 * error()


def test_sixteen_bits_take_the_graph_as_it_is(tflite, convolution, pixels):
    before = for_all(tflite(networks(convolution)["average pool"]))
    assert "AVERAGE_POOL_2D" in inspect(quantize(before, "int16x8", pixels)).operators


def test_ranges_of_tiny_operands_are_widened_and_others_left():
    ranges = {
        "sum": {"min": np.array([-2.0]), "max": np.array([7.0])},
        "tiny": {"min": np.array([0.0]), "max": np.array([1e-6])},
        "large": {"min": np.array([-2.0]), "max": np.array([6.0])},
    }
    wider = rewrites.widened(ranges, [("tiny", "sum"), ("large", "sum"), ("unseen", "sum")])
    assert wider["large"] == ranges["large"]
    assert wider["tiny"]["min"] == pytest.approx(-0.005)
    assert wider["tiny"]["max"] == pytest.approx(0.005)
