"""Float conversion gives small static files, and explains what it cannot convert."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import ExportError, InputError
from kerascnn.export.conversion import convert
from kerascnn.export.conversion.convert import convert_float, explain_failure, missing_operators
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect

pytestmark = pytest.mark.usefixtures("started_converters")

ERFINV = (
    'loc(callsite(fused["Erfinv:", "net_1/strange_1/erfinv@__inference_1"] at fused["x@y"])): '
    "error: 'tf.Erfinv' op is neither a custom op nor a flex op"
)


@pytest.fixture(scope="module")
def free_model():
    """A net of free input size with augmentation, a nested model and dropout."""
    keras.utils.set_random_seed(5)
    body = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, activation="relu")], name="body"
    )
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.Rescaling(1 / 255),
            body,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ],
        name="free",
    )


@pytest.fixture(scope="module")
def content(free_model):
    return convert_float(free_model, (16, 12, 3))


def test_the_file_takes_one_float_image_of_the_given_size(content):
    model = TFLiteModel(content)
    assert (model.input.shape, model.input.dtype) == ((1, 16, 12, 3), "float32")


def test_the_file_answers_like_the_model(content, free_model):
    images = np.random.default_rng(1).integers(0, 256, (4, 16, 12, 3), dtype=np.uint8)
    wanted = free_model(images.astype("float32"), training=False)
    np.testing.assert_allclose(TFLiteModel(content).predict(images), wanted, atol=1e-5)


def test_the_graph_is_frozen_and_in_one_piece(content):
    summary = inspect(content)
    assert summary.delegate_partitions == 1
    assert not summary.undelegated_operators
    assert not {"VAR_HANDLE", "READ_VARIABLE", "SHAPE", "STRIDED_SLICE"} & set(summary.operators)


def test_an_operator_without_builtin_is_named_with_its_layer():
    class Strange(layers.Layer):
        def call(self, x):
            return keras.ops.erfinv(x)

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, Strange(name="strange")(inputs), name="net")
    with pytest.raises(ExportError, match=r"uses Erfinv \(in net_1/strange"):
        convert_float(model)


def test_missing_operators_are_read_from_the_log():
    assert missing_operators(ERFINV) == {"Erfinv": "net_1/strange_1"}
    assert missing_operators("Flex ops: FlexErf, FlexFFT2D") == {"Erf": "", "FFT2D": ""}
    assert missing_operators("all is well") == {}


def test_a_crash_of_the_converter_is_told_with_its_last_error():
    log = "I0000 oneDNN is on\nLLVM ERROR: Failed to infer result type(s).\n"
    assert explain_failure("net", -6, log) == (
        "the TFLite converter crashed on 'net' (signal 6): "
        "LLVM ERROR: Failed to infer result type(s)."
    )


def run_child(folder, timeout):
    with convert._child(folder / "model.tflite") as child:
        return convert._converted(child, folder, "net", timeout)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os.abort()", "crashed on 'net' .signal 6."),
        ("raise SystemError('no converter here')", "failed on 'net': SystemError: no converter"),
        ("pass", "failed on 'net': it said nothing"),
    ],
)
def test_a_child_that_dies_is_an_export_error(tmp_path, monkeypatch, code, told):
    child = tmp_path / "child.py"
    child.write_text(code)
    monkeypatch.setattr(convert, "_CHILD", child)
    with pytest.raises(ExportError, match=told):
        run_child(tmp_path, timeout=3600)


def test_a_child_that_hangs_is_stopped(tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text("import time; time.sleep(3600)")
    monkeypatch.setattr(convert, "_CHILD", child)
    with pytest.raises(ExportError, match="took more than"):
        run_child(tmp_path, timeout=0.5)


def test_a_model_too_large_for_a_graph_uses_a_checkpoint(free_model, content, monkeypatch):
    monkeypatch.setattr("kerascnn.export.conversion.frozen.LARGEST_BYTES", 100)
    other = inspect(convert_float(free_model, (16, 12, 3)))
    assert other.operators == inspect(content).operators
    assert other.input == inspect(content).input


def test_a_loop_stays_a_loop():
    class Repeated(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(), initializer="ones")
            self.scale.assign(1.5)

        def call(self, x):
            def step(i, y):
                return i + 1, y * self.scale

            return keras.ops.while_loop(
                lambda i, y: i < 3, step, (keras.ops.convert_to_tensor(0), x)
            )[1]

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(Repeated()(inputs))))
    content = convert_float(model)
    assert inspect(content).operators["WHILE"] == 1
    images = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 1)).astype("uint8")
    wanted = np.asarray(model(images.astype("float32")))
    np.testing.assert_allclose(TFLiteModel(content).predict(images), wanted, rtol=1e-5)


def test_a_model_that_cannot_be_traced_leaves_no_process(monkeypatch):
    class Strange(layers.Layer):
        def call(self, x):
            raise ValueError("not in this mood")

        def compute_output_shape(self, input_shape):
            return input_shape

    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )
    inputs = keras.Input((4, 4, 1))
    with pytest.raises(ExportError, match=r"could not be traced for export: .*not in this mood"):
        convert_float(keras.Model(inputs, Strange()(inputs)))
    assert started[0].poll() is not None


def test_a_missing_size_is_asked_for_before_anything_runs(free_model, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(InputError, match="Pass input_shape="):
        convert_float(free_model)


def test_importing_the_package_loads_no_framework():
    code = (
        "import sys, kerascnn.export as e; assert 'export_tflite' in dir(e); "
        "import kerascnn.export.recipes; "
        "sys.exit(bool({'keras', 'tensorflow', 'ai_edge_litert'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    import kerascnn.export

    with pytest.raises(AttributeError, match="no attribute 'export_onnx'"):
        _ = kerascnn.export.export_onnx
