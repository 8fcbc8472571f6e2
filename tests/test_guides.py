"""The code in the guides runs, on a few small images and with a small backbone."""

import inspect
import re
from types import SimpleNamespace

import keras
import pytest
from stand_ins import short_phases, small_backbone, write_photos

import kerascnn
from kerascnn.training import FineTune, train
from kerascnn.transfer import fine_tuning


def code_blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Returns a function that runs code in a folder with `photos`, quickly."""
    write_photos(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fine_tuning, "default_phases", short_phases)
    monkeypatch.setattr(keras.applications, "MobileNetV2", small_backbone)

    def run(source, variables):
        short = re.sub(r"epochs=\d+", "epochs=1", source).replace("224", "32")
        exec(compile(short, "guide", "exec"), variables)

    return run


def test_the_code_of_the_transfer_guide_runs(repository, run, tmp_path, monkeypatch):
    calls = []

    def recorded(*args, **kwargs):
        calls.append(inspect.signature(train).bind(*args, **kwargs).arguments)
        return SimpleNamespace(metrics={"validation": SimpleNamespace(accuracy=1.0)})

    monkeypatch.setattr(kerascnn, "train", recorded)  # tests/training runs it
    variables = {}
    for block in code_blocks(repository / "docs" / "transfer.md"):
        run(block, variables)
    written = {path.name for path in tmp_path.iterdir()}
    assert {"mine.keras", "features", "rates.png", "known"} <= written
    assert isinstance(calls[0]["fine_tune"], FineTune)


def test_the_code_of_the_devices_guide_runs(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = {"kerascnn": kerascnn}
    for block in code_blocks(repository / "docs" / "devices.md"):
        exec(compile(block, "guide", "exec"), variables)
    assert {path.name for path in tmp_path.iterdir()} >= {"model.tflite", "tflm", "served"}
    assert variables["made"].operators


def test_the_code_of_the_graphs_guide_runs(repository, tmp_path, monkeypatch, capsys):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 3), tf.float32)])
    def network(image):
        return tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1.0)

    graph = network.get_concrete_function()
    file = tf.lite.TFLiteConverter.from_concrete_functions([graph]).convert()
    (tmp_path / "model.tflite").write_bytes(file)
    monkeypatch.chdir(tmp_path)
    for block in code_blocks(repository / "docs" / "graphs.md"):
        exec(compile(block, "guide", "exec"), {})
    assert "PADV2: the delegate has no kernel for it" in capsys.readouterr().out


def test_the_fine_tuning_of_the_readme_runs(repository, run):
    _, block = code_blocks(repository / "README.md")
    variables = {"keras": keras, "kerascnn": kerascnn}
    run(block, variables)
    assert variables["model"].output_shape == (None, 3)


@pytest.mark.parametrize("guide", ["signal.md", "properties.md"])
def test_the_code_of_a_guide_runs_as_it_stands(repository, guide):
    variables = {}
    for block in code_blocks(repository / "docs" / guide):
        exec(compile(block, guide, "exec"), variables)
    if guide == "signal.md":
        assert variables["same"]
        assert variables["adds_up"]
    else:
        assert variables["error"] < 1e-3
        assert variables["field"].extent == (19, 19)


def test_the_code_of_the_explain_guide_runs(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = {}
    for block in code_blocks(repository / "docs" / "explain.md"):
        exec(compile(block, "explain.md", "exec"), variables)
        if ".gains" in block:
            found = variables["found"]
            assert found.errors.max() < 0.01
            sums = found.attributions.sum(axis=(1, 2, 3))
            assert abs(sums - found.gains).max() < 0.01 * abs(found.gains).max()
    assert variables["picture"].shape == (64, 64, 3)
    assert (tmp_path / "explained.png").is_file()


def test_the_code_of_the_quantization_guide_runs(repository, run, tmp_path):
    variables = {}
    for block in code_blocks(repository / "docs" / "quantization.md"):
        run(block, variables)
    written = {path.name for path in tmp_path.iterdir()}
    assert {"digits.tflite", "mixed.tflite", "best.tflite", "aware.tflite"} <= written


def test_the_code_of_the_features_guide_runs(repository, run, tmp_path, capsys):
    variables = {}
    for block in code_blocks(repository / "docs" / "features.md"):
        short = block.replace("steps=64", "steps=9")
        run(short, variables)
    out = capsys.readouterr().out
    assert "(16, 9) (16, 9, 14, 14, 1)" in out
    assert "[0, 1]" in out  # one epoch here
    assert "(7, 7)" in out
    assert len(list(tmp_path.glob("*.png"))) == 7
    assert len(list(tmp_path.glob("*.gif"))) == 2
