"""Every command that opens a model, on bad files: one line and exit 2."""

import shutil

import bad_models
import numpy as np
import pytest
from PIL import Image

COMMANDS = {
    "evaluate": ["--data", "digits"],
    "predict": ["image.png"],
    "explain": ["image.png", "--out", "out.png"],
    "export": ["--data", "digits", "--out", "out"],
    "summary": [],
}
# One of each kind; tests/test_serialization.py opens them all.
FILES = [
    *("text", "crc-of-weights", "config-deep-object", "config-null", "lambda", "unknown-class"),
    *("units-more", "weights-alone", "weights-cut", "h5-lambda", "h5-empty", "absent"),
]


@pytest.fixture(scope="module")
def content():
    return bad_models.good()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_model_file_is_one_line(call, content, command, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("image.png")
    path = bad_models.MAKERS[name](content, tmp_path)
    code, _, err = call(command, path, *COMMANDS[command])
    lines = [line for line in err.splitlines() if line.strip()]
    assert code == 2, err
    assert len(lines) == 1, err
    assert lines[0].startswith("kerascnn: ")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / bad_models.MARK).exists()


@pytest.mark.parametrize("command", ["predict", "evaluate", "explain", "export"])
def test_a_run_with_another_model_in_it_is_refused(
    call, content, command, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("image.png")
    shutil.copytree(run, "run")
    (tmp_path / "run" / "model.keras").write_bytes(content)
    code, _, err = call(command, "run", *COMMANDS[command])
    assert code == 2, err
    assert "is not the model of this run: it takes images of 8x8x3, and the" in err
    assert "32x32x1" in err
    assert not (tmp_path / "out").exists()
