"""A trained run, its bundle, and the command line in this process."""

import pytest

from kerascnn.cli import keras_backend
from kerascnn.cli.main import main
from kerascnn.data import ResizeRule
from kerascnn.training import train
from kerascnn.training.defaults import Settings
from kerascnn.training.run_folder import RunConfig, start_folder


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    return train("digits", "LeNet5", folder, epochs=3).folder


@pytest.fixture(scope="session")
def bundle(run):
    folder = run.parent / "bundle"
    with pytest.raises(SystemExit) as stop:
        main(["export", str(run), "--out", str(folder), "--recipes", "float32,int8"])
    assert stop.value.code == 0
    return folder


def _sketch_run(folder, source="digits", **changes):
    config = RunConfig(
        **{
            "source": str(source),
            "model": "LeNet5",
            "options": {},
            "input_shape": (32, 32, 1),
            "class_names": tuple("0123456789"),
            "resize": ResizeRule().to_dict(),
            "weights": None,
            "training": Settings(),
            "validation_split": None,
            "seed": 0,
            "data_dir": None,
            "versions": {},
            **changes,
        }
    )
    start_folder(folder, config, overwrite=False)
    (folder / "backup").rmdir()
    (folder / "model.keras").write_bytes(b"not loaded")
    return folder


@pytest.fixture
def sketch_run():
    """Writes run folders that look finished: their model is a file that nobody can load."""
    return _sketch_run


@pytest.fixture
def before_tensorflow(monkeypatch):
    """Lets a command fail where it would load TensorFlow."""

    def too_late():
        raise AssertionError("TensorFlow would be loaded now")

    monkeypatch.setattr(keras_backend, "import_tensorflow", too_late)


@pytest.fixture
def call(capsys):
    """Runs the command line in this process; returns (exit code, stdout, stderr)."""

    def run_it(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(item) for item in arguments])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run_it
