"""What every file is rewritten to: the same function, in one partition of the delegate."""

import numpy as np
import pytest

from kerascnn.export.rewrites import for_all
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect

CHANNELS = np.linspace(0.5, 2.0, 6).astype("float32")


def same(before, after, images, atol=1e-5):
    """Two files answer alike, by the share of the outputs' range, and run in one partition."""
    wanted, got = (TFLiteModel(file).predict(images) for file in (before, after))
    np.testing.assert_allclose(got, wanted, atol=atol * np.ptp(wanted))
    summary = inspect(after)
    assert summary.delegate_partitions == 1
    assert not summary.undelegated_operators
    return summary.operators


def test_padding_with_a_number_is_padding_with_zeros(tflite, convolution, pixels):
    import tensorflow as tf

    conv = convolution(3, 6, 4)
    edges = [[0, 0], [1, 2], [0, 1], [0, 0]]

    def network(x):
        return tf.nn.relu(conv(tf.pad(x / 100 - 1.0, edges, constant_values=-1.0)))

    before = tflite(network)
    assert inspect(before).undelegated_operators == {"PADV2": 1}
    operators = same(before, for_all(before), pixels)
    assert operators["PAD"] == 1
    assert "PADV2" not in operators


@pytest.mark.parametrize("way", ["slice", "pool"])
def test_every_second_pixel_is_a_convolution(tflite, pixels, way):
    import tensorflow as tf

    def network(x):
        x = tf.nn.relu(x - 100.0)
        kept = x[:, ::2, ::2] if way == "slice" else tf.nn.max_pool2d(x, 1, 2, "VALID")
        return kept * kept

    before = tflite(network)
    assert len(inspect(before).undelegated_operators) == 1
    assert same(before, for_all(before), pixels)["DEPTHWISE_CONV_2D"] == 1


def test_slices_that_do_more_than_leave_out_pixels_stay(tflite, pixels):
    before = tflite(lambda x: x[:, 1::2, ::2] + 1.0)
    after = for_all(before)
    assert inspect(after).operators["STRIDED_SLICE"] == 1
    images = pixels[:2]
    assert np.array_equal(TFLiteModel(after).predict(images), TFLiteModel(before).predict(images))


def test_many_tensors_are_joined_in_steps(tflite, pixels):
    import tensorflow as tf

    def network(x):
        return tf.concat([x * float(factor) for factor in range(1, 11)], -1)

    before = tflite(network)
    assert inspect(before).undelegated_operators == {"CONCATENATION": 1}
    assert same(before, for_all(before), pixels)["CONCATENATION"] == 3


def test_relu_move_into_the_layers_in_front_of_a_concatenation(tflite, convolution, pixels):
    import tensorflow as tf

    one, two = convolution(1, 6, 3), convolution(3, 6, 5)

    def network(x):
        x = x / 100
        return tf.nn.relu6(tf.concat([one(x), two(x)], -1))

    before = tflite(network)
    assert inspect(before).operators["RELU6"] == 1
    assert "RELU6" not in same(before, for_all(before), pixels)


def test_a_rectifier_stays_where_its_input_is_read_elsewhere(tflite, convolution, pixels):
    import tensorflow as tf

    one, two = convolution(1, 6, 3), convolution(3, 6, 5)

    def network(x):
        joined = tf.concat([one(x), two(x)], -1)
        return tf.nn.relu(joined) + joined

    before = tflite(network)
    assert same(before, for_all(before), pixels)["RELU"] == 1


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_scale_and_offset_of_the_pixels_go_into_the_first_layer(
    tflite, convolution, pixels, padding
):
    conv = convolution(3, 6, 4, padding)
    before = tflite(lambda x: conv(x * CHANNELS / 100 + (CHANNELS - 3)))
    operators = same(before, for_all(before), pixels)
    assert "MUL" not in operators
    # With padding the offset has to stay: zeros along the edges stand for the scaled value 0.
    assert operators.get("ADD", 0) == (1 if padding == "SAME" else 0)


def test_a_scale_of_zero_stays_outside(tflite, convolution, pixels):
    conv = convolution(3, 6, 4)
    before = tflite(lambda x: conv(x * (CHANNELS - 0.5) / 100 + 1.0))
    assert same(before, for_all(before), pixels)["MUL"] == 1


def test_a_scale_that_something_else_reads_stays_outside(tflite, convolution, pixels):
    conv = convolution(3, 6, 6)

    def network(x):
        scaled = x * CHANNELS
        return conv(scaled) + scaled

    before = tflite(network)
    assert same(before, for_all(before), pixels)["MUL"] == 1


def test_a_factor_moves_through_a_gate_into_the_next_weights(tflite, convolution, pixels):
    """Squeeze and excitation with a hard sigmoid, as in MobileNetV3."""
    import tensorflow as tf

    squeeze, excite, project = convolution(1, 6, 2), convolution(1, 2, 6), convolution(1, 6, 4)

    def network(x):
        x = tf.nn.relu(x / 50 - 1.0)
        gate = excite(tf.nn.relu(squeeze(tf.reduce_mean(x, [1, 2], keepdims=True))))
        return project(x * (tf.nn.relu6(gate + 3.0) * (1 / 6)))

    before = tflite(network)
    before_products = inspect(before).operators["MUL"]
    assert same(before, for_all(before), pixels)["MUL"] < before_products


def test_a_factor_stays_where_a_path_ends_without_weights(tflite, convolution, pixels):
    import tensorflow as tf

    conv = convolution(1, 6, 4)

    def network(x):
        x = tf.nn.relu(x - 100.0) * 0.25
        return tf.concat([conv(x), x], -1)

    before = tflite(network)
    assert same(before, for_all(before), pixels)["MUL"] == 1


@pytest.mark.parametrize(("window", "parts"), [((7, 7), 3), ((9, 9), 5), ((7, 3), 1)])
def test_a_large_depthwise_window_becomes_a_sum(tflite, pixels, window, parts):
    import tensorflow as tf

    random = np.random.default_rng(5)
    kernel = tf.constant(random.normal(0, 0.1, (*window, 6, 2)).astype("float32"))
    bias = tf.constant(random.normal(0, 1, 12).astype("float32"))

    def network(x):
        return tf.nn.relu(
            tf.nn.bias_add(tf.nn.depthwise_conv2d(x / 100, kernel, [1] * 4, "SAME"), bias)
        )

    before = tflite(network)
    operators = same(before, for_all(before), pixels)
    assert operators["DEPTHWISE_CONV_2D"] == parts
    assert operators.get("ADD", 0) == parts - 1
