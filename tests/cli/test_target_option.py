"""`kerascnn export --target`: a client's recipes and io, its rules checked, what it needs added."""

import json

import numpy as np

from kerascnn.export.contract import manifest


def test_tflm_writes_an_int8_bundle_and_cpp_sources(call, run, tmp_path):
    out = tmp_path / "micro"
    code, printed, err = call("export", run, "--target", "tflm", "--out", out)
    assert code == 0, err
    (file,) = manifest.read(out).files
    assert (file.recipe, file.input.dtype, file.output.dtype) == ("int8", "int8", "int8")
    assert {path.name for path in (out / "tflm").iterdir()} >= {
        "model_data.cc",
        "model.h",
        "main.cc",
    }
    assert "C++ for tflite-micro" in printed
    report = json.loads((out / "report.json").read_text("utf-8"))
    verdicts = {v["target"]: v["runs"] for v in report["files"][0]["runs_on"]}
    assert verdicts["tflm"] is True
    assert verdicts["litert-js"] is False


def test_a_model_that_the_client_cannot_run_is_one_line_and_leaves_nothing(call, run, tmp_path):
    out = tmp_path / "bundle"
    code, _, err = call("export", run, "--target", "mediapipe", "--out", out)
    assert code == 2
    assert "images of 1 channel(s), and RGB is expected" in err
    assert not out.exists()


def test_serving_writes_both_signatures_with_the_runs_classes(call, run, tmp_path):
    import tensorflow as tf

    out = tmp_path / "served"
    code, printed, err = call("export", run, "--target", "serving", "--out", out)
    assert code == 0, err
    assert "image_bytes" in printed
    serve = tf.saved_model.load(str(out)).signatures["serving_default"]
    answer = serve(image=tf.constant(np.zeros((2, 32, 32, 1), np.float32)))
    assert answer["scores"].shape == (2, 10)
    assert all(name.decode().isdigit() for name in answer["label"].numpy())
