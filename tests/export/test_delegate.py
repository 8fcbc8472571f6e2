"""The reasons for staying outside the delegate fit what the runtime is seen to leave outside."""

import numpy as np
import pytest

from kerascnn.export import rewrites
from kerascnn.export.quantize import quantizer as quantizing
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.runtime.delegate import sentences
from kerascnn.export.runtime.interpreter import inspect

SHAPE = (1, 8, 8, 6)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """One network with an operator of each kind that the delegate leaves, as a float file."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(SHAPE, tf.float32, "image")])
    def network(x):
        x = x / 255
        x = tf.concat([x, x * 2, x * 3, x * 4, x * 5, x * 6], -1)
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1.0)
        x = tf.nn.avg_pool2d(x[:, ::2, ::2], 2, 1, "VALID")
        return tf.nn.softmax(tf.reduce_mean(x * tf.nn.relu6(x + 3.0) * (1 / 6), [1, 2]))

    module = tf.Module()
    module.network = network
    folder = str(tmp_path_factory.mktemp("outside"))
    tf.saved_model.save(module, folder, signatures=network.get_concrete_function())
    return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


def test_float_files_say_why_in_words(converted):
    summary = inspect(converted)
    assert set(summary.undelegated_reasons) == set(summary.undelegated_operators)
    assert summary.undelegated_reasons == {
        "CONCATENATION": "it concatenates 6 tensors, the delegate up to 5",
        "PADV2": "the delegate has no kernel for it",
        "STRIDED_SLICE": "it leaves out rows or columns, the delegate takes slices without gaps",
    }


def test_integer_files_say_why_in_words(converted, monkeypatch):
    monkeypatch.setattr(quantizing.rewrites, "for_int8", rewrites.Prepared)
    images = np.random.default_rng(0).integers(0, 256, (8, *SHAPE[1:])).astype("uint8")
    reasons = inspect(quantize(converted, "int8", images)).undelegated_reasons
    no_kernel = "the delegate has a float32 kernel for it, but none for 8 bits"
    for kind in ("AVERAGE_POOL_2D", "HARD_SWISH", "SOFTMAX"):
        assert reasons[kind] == no_kernel
    assert "uint8 into int8" in reasons["QUANTIZE"]
    sixteen = inspect(quantize(converted, "int16x8", images)).undelegated_reasons
    assert sixteen["AVERAGE_POOL_2D"] == "the delegate has no 16-bit integer kernels"


def test_a_file_in_one_piece_has_no_reasons(converted):
    assert inspect(rewrites.for_all(converted)).undelegated_reasons == {}


def test_reasons_are_told_once():
    assert sentences({"ADD": "no kernel", "MUL": "odd scales", "PAD": "no kernel"}) == [
        "ADD, PAD: no kernel",
        "MUL: odd scales",
    ]
