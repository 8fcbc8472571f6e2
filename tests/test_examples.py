"""Every example runs, offline and quickly, and ends with the numbers it claims to print."""

import subprocess
import sys

import pytest

ARGUMENTS = {
    "lenet_mnist.py": ["--source", "digits", "--epochs", "1", "--out", "model.tflite"],
    "export_your_model.py": [],
    "multi_label.py": ["--mosaics", "300", "--epochs", "1"],
    "plain_against_residual.py": [
        *("--source", "digits", "--epochs", "1", "--models", "ResNet20"),
    ],
}


def test_every_example_is_run(repository):
    found = {path.name for path in (repository / "examples").glob("*.py")}
    assert found == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_example_runs(name, repository, tmp_path):
    done = subprocess.run(
        [sys.executable, str(repository / "examples" / name), *ARGUMENTS[name]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "accuracy" in done.stdout
