"""A trained run, its bundle, and the command line in this process."""

import pytest

from kerascnn.cli.main import main
from kerascnn.training import train


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


@pytest.fixture
def call(capsys):
    """Runs the command line in this process; returns (exit code, stdout, stderr)."""

    def run_it(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(item) for item in arguments])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run_it
