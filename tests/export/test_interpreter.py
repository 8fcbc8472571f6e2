"""Running and describing `.tflite` files, good ones and damaged ones."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.schema_py_generated import BuiltinOperator, TensorType

from kerascnn.errors import BundleError, InputError
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer import structure
from kerascnn.export.runtime.interpreter import TensorSpec, TFLiteModel, inspect

FILES = ["float_file", "int8_file", "grey_float_file", "grey_int8_file"]


def edited(path, change):
    """The file's bytes after `change(model tree)`."""
    model = flatbuffer.parse(path.read_bytes())
    change(model)
    return flatbuffer.pack(model)


# Values and types


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, -128), (255.0, 127), (254.5, 127), (127.5, 0), (-3.0, -128), (1e9, 127), (0.49, -128)],
)
def test_real_values_are_rounded_away_from_zero_and_clipped(value, expected):
    spec = TensorSpec("x", (1,), "int8", 1.0, -128)
    assert spec.quantize(np.array([value]))[0] == expected


def test_quantised_values_come_back_as_scaled_steps():
    spec = TensorSpec("x", (3,), "uint8", 0.5, 4)
    values = spec.dequantize(np.array([0, 4, 255], np.uint8))
    np.testing.assert_array_equal(values, np.array([-2.0, 0.0, 125.5], np.float32))
    assert values.dtype == np.float32


def test_float_tensor_takes_values_as_they_are():
    spec = TensorSpec("x", (2,), "float32")
    values = spec.quantize(np.array([1, 300], np.uint16))
    np.testing.assert_array_equal(values, np.array([1, 300], np.float32))
    assert values.dtype == np.float32


# Running


@pytest.mark.parametrize("delegate", [True, False])
def test_float_file_gives_the_outputs_of_the_keras_model(
    tiny_model, float_file, tiny_images, delegate
):
    expected = tiny_model.predict(tiny_images, verbose=0)
    outputs = TFLiteModel(float_file, delegate=delegate, threads=2).predict(tiny_images)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, atol=2e-5)
    assert len(set(expected.argmax(1))) > 1


def test_int8_file_gives_nearly_the_outputs_of_the_keras_model(tiny_model, int8_file, tiny_images):
    expected = tiny_model.predict(tiny_images, verbose=0)
    outputs = TFLiteModel(int8_file).predict(tiny_images)
    assert np.abs(outputs - expected).max() < 0.1
    assert not np.array_equal(outputs, expected)


def test_float_images_give_the_same_as_bytes(int8_file, tiny_images):
    model = TFLiteModel(int8_file)
    np.testing.assert_array_equal(
        model.predict(tiny_images[:4].astype(np.float32)), model.predict(tiny_images[:4])
    )


def test_content_runs_like_the_file(float_file, tiny_images):
    np.testing.assert_array_equal(
        TFLiteModel(float_file.read_bytes()).predict(tiny_images[:2]),
        TFLiteModel(str(float_file)).predict(tiny_images[:2]),
    )


def test_no_images_give_no_outputs(float_file):
    assert TFLiteModel(float_file).predict(np.empty((0, 24, 24, 3), np.uint8)).shape == (0, 5)


def test_specs_describe_the_quantised_tensors(int8_file):
    model = TFLiteModel(int8_file)
    assert (model.input.shape, model.input.dtype) == ((1, 24, 24, 3), "int8")
    assert (model.output.shape, model.output.dtype) == ((1, 5), "int8")
    assert (model.output.scale, model.output.zero_point) == (1 / 256, -128)


@pytest.mark.parametrize("shape", [(24, 24, 3), (2, 24, 24, 1), (1, 32, 24, 3), (4, 1728), ()])
def test_images_of_another_shape_are_refused(float_file, shape):
    with pytest.raises(InputError, match=r"takes images of shape \('n', 24, 24, 3\), received"):
        TFLiteModel(float_file).predict(np.zeros(shape, np.uint8))


def test_images_that_are_no_numbers_are_refused(float_file):
    with pytest.raises(InputError, match=r"numbers 0..255. Received"):
        TFLiteModel(float_file).predict(np.full((1, 24, 24, 3), "x"))


def test_raw_run_takes_only_the_type_of_the_file(int8_file):
    with pytest.raises(InputError, match=r"takes int8 of shape \(1, 24, 24, 3\)\. Received: uint8"):
        TFLiteModel(int8_file).run(np.zeros((1, 24, 24, 3), np.uint8))


@pytest.mark.parametrize("threads", [0, 10**11, 1.5, "2"])
def test_threads_that_cannot_be_are_refused(float_file, threads):
    with pytest.raises(InputError, match=r"`threads` must be a whole number in 1..1024"):
        TFLiteModel(float_file, threads=threads)


def test_two_outputs_come_as_a_list_and_have_no_single_one(float_file, tiny_images):
    def add_output(model):
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, int(graph.operators[-2].outputs[0])]

    model = TFLiteModel(edited(float_file, add_output))
    probabilities, logits = model.predict(tiny_images[:3])
    assert probabilities.shape == logits.shape == (3, 5)
    assert model.kinds == ("probabilities", "logits")
    assert [array.shape for array in model.predict(tiny_images[:0])] == [(0, 5)] * 2
    with pytest.raises(InputError, match=r"has 2 outputs .*expected exactly one"):
        _ = model.output


def test_text_output_is_refused(float_file):
    def say_text(model):
        graph = model.subgraphs[0]
        graph.tensors[graph.outputs[0]].type = TensorType.STRING

    with pytest.raises(InputError, match="output of type string: expected one of float32"):
        TFLiteModel(edited(float_file, say_text))


def test_opening_a_file_prints_nothing(float_file):
    code = (
        "import sys; from kerascnn.export.runtime.interpreter import TFLiteModel; "
        "print(TFLiteModel(sys.argv[1]).output.shape)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(float_file)], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("(1, 5)\n", "")


# Describing


@pytest.mark.parametrize("name", FILES)
def test_delegated_operators_are_those_that_xnnpack_takes_one_by_one(name, request):
    path = request.getfixturevalue(name)
    summary = inspect(path)
    single = Interpreter(str(path), experimental_disable_delegate_node_fusion=True)
    single.allocate_tensors()
    nodes = single._get_ops_details()
    count = sum(summary.operators.values())
    makers = {int(t): node["op_name"] for node in nodes[:count] for t in node["outputs"]}
    taken = Counter(makers[int(node["outputs"][0])] for node in nodes[count:])
    assert summary.delegated_operators == dict(taken)
    left = Counter(summary.operators) - taken
    assert summary.undelegated_operators == dict(left)


def test_float_file_is_one_partition(float_file):
    summary = inspect(float_file)
    assert summary.delegate_partitions == 1
    assert summary.undelegated_operators == {}
    assert summary.operators["CONV_2D"] == 2
    assert summary.operators["DEPTHWISE_CONV_2D"] == 1


def test_operators_that_split_the_graph_are_named(grey_int8_file):
    summary = inspect(grey_int8_file)
    assert summary.delegate_partitions == 3
    assert summary.undelegated_operators["AVERAGE_POOL_2D"] == 2


def test_summary_gives_size_hash_and_ends(int8_file):
    import hashlib

    content = int8_file.read_bytes()
    summary = inspect(int8_file)
    assert (summary.bytes, summary.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert summary.input == TFLiteModel(int8_file).input
    assert summary.output == TFLiteModel(int8_file).output
    assert summary.runtime_error is None
    assert not summary.has_metadata


@pytest.fixture(scope="session")
def flex_bytes(float_file):
    """The float file with its softmax renamed to a TensorFlow operator."""

    def rename(model):
        for code in model.operatorCodes:
            if code.builtinCode == BuiltinOperator.SOFTMAX:
                code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.CUSTOM
                code.customCode = "FlexErf"

    return edited(float_file, rename)


def test_flex_operators_are_named_though_the_file_cannot_run(flex_bytes):
    summary = inspect(flex_bytes)
    assert summary.flex_operators == summary.custom_operators == ("FlexErf",)
    assert summary.operators["FlexErf"] == 1
    assert (summary.delegate_partitions, summary.delegated_operators) == (0, {})
    assert "refused by the TFLite runtime" in summary.runtime_error


def test_running_a_flex_operator_is_one_clear_error(flex_bytes):
    with pytest.raises(BundleError, match=r"Flex|Select TensorFlow op") as error:
        TFLiteModel(flex_bytes)
    assert "\n" not in str(error.value)


# Damaged files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"\x1c\0\0\0TFL", "no .tflite model"),
        (b"not a model, only some text\n", "no .tflite model: expected the identifier 'TFL3'"),
        (b"\x1c\0\0\0TFL3" + b"\xff" * 64, "damaged"),
        (b"\x1c\0\0\0TFL3" + bytes(64), "damaged"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path, content, message):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    for use in (TFLiteModel, inspect):
        with pytest.raises(BundleError, match=message) as error:
            use(path)
        assert str(path) in str(error.value)


def test_random_bytes_are_refused(tmp_path):
    content = np.random.default_rng(0).integers(0, 256, 4000).astype(np.uint8).tobytes()
    with pytest.raises(BundleError, match=r"no .tflite model"):
        TFLiteModel(content)
    with pytest.raises(BundleError, match="damaged"):
        TFLiteModel(b"\x1c\0\0\0TFL3" + content)


@pytest.mark.parametrize("name", FILES)
def test_every_truncation_is_refused(name, request):
    content = request.getfixturevalue(name).read_bytes()
    accepted = []
    for length in [*range(0, len(content), 97), len(content) - 16]:
        try:
            structure.check(content[:length])
        except BundleError:
            continue
        accepted.append(length)
    assert accepted == []


def test_missing_file_and_folder_are_input_errors(tmp_path):
    for path in (tmp_path / "absent.tflite", tmp_path):
        with pytest.raises(InputError, match=r"no such \.tflite file|is a folder"):
            inspect(path)


def scale_of_output(model, value):
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].quantization.scale = [value]


def zero_point_of_output(model, value):
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].quantization.zeroPoint = [value]


def unscaled_output(model, _):
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].quantization = None


def scale_of_first_weights(model, value):
    graph = model.subgraphs[0]
    code = next(c for c in graph.operators if len(c.inputs) == 3)  # a convolution
    scales = np.array(graph.tensors[code.inputs[1]].quantization.scale, np.float32)
    scales[-1] = value
    graph.tensors[code.inputs[1]].quantization.scale = scales


def first_operator(field, position):
    def change(model, value):
        list_ = [int(i) for i in getattr(model.subgraphs[0].operators[0], field)]
        list_[position] = value
        setattr(model.subgraphs[0].operators[0], field, list_)

    return change


def last_operator_removed(model, _):
    model.subgraphs[0].operators.pop()


def operators_reversed(model, _):
    model.subgraphs[0].operators.reverse()


def input_height(model, value):
    graph = model.subgraphs[0]
    shape = [int(size) for size in graph.tensors[graph.inputs[0]].shape]
    graph.tensors[graph.inputs[0]].shape = [shape[0], value, *shape[2:]]


def buffer_of_input(model, value):
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].buffer = value


def signature_tensor(model, value):
    model.signatureDefs[0].inputs[0].tensorIndex = value


@pytest.mark.parametrize(
    ("change", "value", "message"),
    [
        (scale_of_output, float("nan"), "no usable number"),
        (scale_of_output, -0.5, "no usable number"),
        (scale_of_output, 1e38, "no usable number"),
        (zero_point_of_output, 200, "zero point outside int8"),
        (zero_point_of_output, -(2**40), "zero point outside int8"),
        (scale_of_output, 0.0, "needs the scale of tensor .*, which is 0"),
        (unscaled_output, None, "needs the scale of tensor .*, which has none"),
        (scale_of_first_weights, 1e6, "scales its result by .*, of less than 256 possible"),
        (first_operator("inputs", 1), -1, "input 1 of operator 0, tensor -1"),
        (first_operator("inputs", 0), 9999, "tensor 9999"),
        (first_operator("outputs", 0), 0, "overwrites tensor 0"),
        (last_operator_removed, None, "no operator computes the output"),
        (operators_reversed, None, "before it is computed"),
        (input_height, 2_000_000_000, "would take"),
        (input_height, -7, "impossible shape"),
        (buffer_of_input, 9999, "buffer 9999"),
        (signature_tensor, 9999, "signature tensor 9999"),
    ],
)
def test_a_graph_that_would_kill_the_runtime_is_refused(int8_file, change, value, message):
    content = edited(int8_file, lambda model: change(model, value))
    with pytest.raises(BundleError, match=message):
        TFLiteModel(content)


HAMMER = """
import random, sys
import numpy as np
from kerascnn.errors import KerascnnError
from kerascnn.export.flatbuffer import edit as flatbuffer, metadata
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect

def run(content):
    model = TFLiteModel(content)
    model.predict(np.zeros((1, *model.input.shape[1:]), np.uint8))

original, random_ = open(sys.argv[1], "rb").read(), random.Random(int(sys.argv[2]))
outcomes = {"refused": 0, "accepted": 0}
for _ in range(150):
    content = bytearray(original)
    for _ in range(random_.choice([1, 1, 2, 8])):
        content[random_.randrange(len(content))] = random_.choice([0, 1, 127, 128, 255])
    if random_.random() < 0.2:
        content = content[: random_.randrange(len(content))]
    for use in (run, inspect, metadata.read, flatbuffer.parse):
        try:
            use(bytes(content))
            outcomes["accepted"] += 1
        except KerascnnError:
            outcomes["refused"] += 1
print(outcomes["refused"], outcomes["accepted"])
"""


@pytest.mark.parametrize("name", ["float_file", "int8_file"])
def test_altered_files_end_in_our_errors_and_never_kill_the_process(name, request):
    path = request.getfixturevalue(name)
    result = subprocess.run(
        [sys.executable, "-c", HAMMER, str(path), "1"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-2000:]
    refused, accepted = map(int, result.stdout.split())
    assert refused > 100
    assert accepted > 50
