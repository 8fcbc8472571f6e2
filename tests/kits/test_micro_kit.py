"""The microcontroller kit in tflite-micro's own interpreter, and kerascnn's table of operators.

tflite-micro is a pre-release and lives in an environment of its own:

    python -m venv micro && micro/bin/pip install --pre -r export/micro/requirements.txt
    KERASCNN_TFLM_PYTHON=micro/bin/python python -m pytest tests/kits/test_micro_kit.py
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import mutants
import numpy as np
import pytest

from kerascnn.export import export_bundle, runs_on
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer.file import open_file
from kerascnn.export.targets import arena

KIT = Path(__file__).parents[2] / "export" / "micro"
PYTHON = os.environ.get("KERASCNN_TFLM_PYTHON") or None
pytestmark = pytest.mark.skipif(
    PYTHON is None,
    reason="set KERASCNN_TFLM_PYTHON to the python of an environment with tflite-micro",
)

# Runs each file given on standard input, as JSON paths, in a process of its own: a file that
# tflite-micro does not know can end it.
TRY = """
import json, os, sys
import numpy as np
from tflite_micro import runtime
results = {}
for path in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            model = runtime.Interpreter.from_file(path, arena_size=1 << 20)
            details = model.get_input_details(0)
            model.set_input(np.zeros(details["shape"], details["dtype"]), 0)
            model.invoke()
            model.get_output(0)
        except BaseException:
            os._exit(1)
        os._exit(0)
    results[path] = os.waitpid(child, 0)[1] == 0
print(json.dumps(results))
"""


def selftest(bundle, *arguments):
    command = [PYTHON, KIT / "run.py", "--selftest", bundle, *arguments]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def micro_bundle(net, photos, tmp_path_factory):
    """`net` as `--target tflm` exports it, with a float file beside it."""
    folder = tmp_path_factory.mktemp("micro") / "bundle"
    recipes = ["int8", "float32"]
    export_bundle(net, folder, recipes=recipes, io="int8", target="tflm", samples=photos)
    return folder


def test_selftest_passes_and_says_how_much_memory_each_file_takes(micro_bundle):
    result = selftest(micro_bundle)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "int8"], ["ok", "float32"]]
    used = [int(line.rsplit("arena ")[1].split()[0].replace(",", "")) for line in lines]
    assert 1000 < used[0] < used[1]


def test_selftest_fails_on_outputs_that_the_files_do_not_give(micro_bundle, tmp_path):
    copy = shutil.copytree(micro_bundle, tmp_path / "copy")
    with np.load(copy / "golden.npz") as golden:
        inputs, outputs = golden["inputs"], golden["scores"]
    np.savez(copy / "golden.npz", inputs=inputs, scores=outputs[:, ::-1].copy())
    assert "was altered" in selftest(copy).stderr
    import hashlib

    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    content = (copy / "golden.npz").read_bytes()
    manifest["golden"]["sha256"] = hashlib.sha256(content).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    result = selftest(copy, "--recipe", "int8")
    assert result.returncode == 1
    assert result.stdout.startswith("FAIL int8")


def test_files_for_other_clients_fail_with_tflite_micros_reason(net, photos, tmp_path):
    export_bundle(net, tmp_path / "bundle", recipes=["dynamic_int8"], samples=photos)
    result = selftest(tmp_path / "bundle")
    assert result.returncode == 1
    assert re.match(r"FAIL dynamic_int8 +tflite-micro: .*Hybrid", result.stdout)


def test_a_damaged_file_fails_with_a_line(micro_bundle, tmp_path):
    for folder in mutants.bundles(micro_bundle, tmp_path / "b", "colours_int8.tflite", 12):
        result = selftest(folder, "--recipe", "int8")
        assert result.returncode in (0, 1)
        assert result.stdout[:4] in ("ok  ", "FAIL")
        assert (result.stdout.count("\n"), result.stderr) == (1, "")


def test_the_measured_arena_is_within_the_estimate(micro_bundle, monkeypatch):
    monkeypatch.setenv("KERASCNN_TFLM_PYTHON", PYTHON)
    for path in micro_bundle.glob("*.tflite"):
        content = path.read_bytes()
        measured, estimated = arena.measure(content), arena.estimate(open_file(content))
        assert measured <= estimated <= measured + 4096


def operator_functions():
    """One function per operator of the table, on a tensor [1, 8, 8, 4]."""
    import tensorflow as tf

    random = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(random.normal(size=shape).astype(np.float32))

    other = weights(1, 8, 8, 4)
    old = tf.compat.v1.image
    edges = ((0, 0), (1, 1), (1, 1), (0, 0))
    return {
        "conv": lambda x: tf.nn.conv2d(x, weights(3, 3, 4, 6), 1, "SAME"),
        "depthwise": lambda x: tf.nn.depthwise_conv2d(x, weights(3, 3, 4, 1), [1] * 4, "SAME"),
        "transposed": lambda x: tf.nn.conv2d_transpose(x, weights(3, 3, 6, 4), (1, 16, 16, 6), 2),
        "dense": lambda x: tf.matmul(tf.reshape(x, (1, 256)), weights(256, 5)),
        "average": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
        "largest": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
        "mean": lambda x: tf.reduce_mean(x, (1, 2)),
        "sum": lambda x: tf.reduce_sum(x, (1, 2)),
        "reduce_max": lambda x: tf.reduce_max(x, (1, 2)),
        "add": lambda x: x + other,
        "sub": lambda x: x - other,
        "mul": lambda x: x * other,
        "div": lambda x: x / (other * other + 1.0),
        "maximum": lambda x: tf.maximum(x, other),
        "squared_difference": lambda x: tf.math.squared_difference(x, other),
        "pow": lambda x: tf.pow(tf.abs(x) + 1.0, other),
        "relu": tf.nn.relu,
        "relu6": tf.nn.relu6,
        "leaky": lambda x: tf.nn.leaky_relu(x, 0.1),
        "elu": tf.nn.elu,
        "gelu": lambda x: tf.nn.gelu(x, approximate=True),
        "hard_swish": lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6.0),
        "tanh": tf.tanh,
        "logistic": tf.sigmoid,
        "softmax": lambda x: tf.nn.softmax(tf.reshape(x, (1, 256))),
        "exp": tf.exp,
        "rsqrt": lambda x: tf.math.rsqrt(tf.abs(x) + 0.1),
        "concat": lambda x: tf.concat([x, tf.nn.relu(x)], 3),
        "pad": lambda x: tf.pad(x, edges),
        "padv2": lambda x: tf.pad(x, edges, constant_values=-1.0),
        "transpose": lambda x: tf.transpose(x, (0, 2, 1, 3)),
        "strided_slice": lambda x: x[:, ::2, ::2],
        "split": lambda x: tf.split(x, 2, 3)[0] + tf.split(x, 2, 3)[1],
        "space_to_depth": lambda x: tf.nn.space_to_depth(x, 2),
        "bilinear": lambda x: old.resize_bilinear(x, (16, 16)),
        "nearest": lambda x: old.resize_nearest_neighbor(x, (16, 16)),
        "l2_normalize": lambda x: tf.nn.l2_normalize(x, 3),
        "local_response": lambda x: tf.nn.lrn(x, 2),
        "tile": lambda x: tf.tile(x, (1, 2, 1, 1)),
    }


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_the_table_says_what_tflite_micro_does(kind, tmp_path):
    import tensorflow as tf

    random, verdicts = np.random.default_rng(1), {}
    for name, function in operator_functions().items():
        signature = [tf.TensorSpec((1, 8, 8, 4), tf.float32)]
        traced = tf.function(function, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [traced.get_concrete_function()], traced
        )
        if kind == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [random.normal(size=(1, 8, 8, 4)).astype(np.float32)] for _ in range(2)
            )
            converter.inference_input_type = converter.inference_output_type = tf.int8
        content = flatbuffer.pack(flatbuffer.parse(converter.convert()))
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        verdicts[str(path)] = {verdict.target: verdict for verdict in runs_on(content)}["tflm"]
    done = subprocess.run(
        [PYTHON, "-c", TRY], input=json.dumps([*verdicts]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tried = json.loads(done.stdout)
    wrong = {path: verdict for path, verdict in verdicts.items() if verdict.runs != tried[path]}
    assert not wrong
    assert {verdict.runs for verdict in verdicts.values()} == {True, False}


def test_quantities_are_replayed_in_their_own_units(photos, tmp_path):
    import keras
    from keras import layers

    inputs = keras.Input((20, 24, 3))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    x = layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(seed=3))(x)
    model = keras.Model(inputs, layers.Rescaling([100.0, 1000.0])(x), name="light")
    folder = tmp_path / "quantities"
    export_bundle(model, folder, recipes=["int8"], samples=photos, task="regression")
    result = selftest(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "difference of range max" in result.stdout


def test_every_kind_of_bundle_passes(any_bundle):
    result = selftest(any_bundle, "--recipe", "float32")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("ok ")


def test_outputs_that_the_manifest_does_not_name_fail(bundles, tmp_path):
    folder = shutil.copytree(bundles["two-outputs"], tmp_path / "copy")
    data = json.loads((folder / "manifest.json").read_text("utf-8"))
    del data["outputs"][1]
    for file in data["files"]:
        del file["outputs"][1], file["tolerances"][1]
    (folder / "manifest.json").write_text(json.dumps(data), "utf-8")
    result = selftest(folder, "--recipe", "float32")
    assert result.returncode == 1
    assert "must have 1 output(s)" in result.stdout
