"""Every example runs, offline and quickly, and ends with the numbers it claims to print."""

import runpy
import sys

import keras
import pytest
from stand_ins import few_digits, shallow_mobilenet, short_phases, small_backbone, write_photos

from kerascnn.models import cifar_resnet
from kerascnn.training import plan
from kerascnn.transfer import phases

ARGUMENTS = {
    "embeddings.py": ["--epochs", "1"],
    "export_your_model.py": [],
    "feature_caching.py": ["--image-size", "32", "--epochs", "1"],
    "flowers_from_a_folder.py": [
        *("--photos", "photos", "--weights", "none", "--image-size", "32", "--epochs", "1"),
    ],
    "keras_applications_backbone.py": ["--image-size", "32", "--epochs", "1"],
    "lenet_mnist.py": ["--source", "digits", "--epochs", "1", "--out", "model.tflite"],
    "multi_label.py": ["--mosaics", "300", "--epochs", "1"],
    "own_backbone.py": ["--images", "1", "--epochs", "1", "--seeds", "0"],
    "plain_against_residual.py": [
        *("--source", "digits", "--epochs", "1", "--models", "ResNet20"),
    ],
}
# Those that export need more, or their int8 files are refused.
FEW_DIGITS = ("feature_caching.py", "own_backbone.py", "plain_against_residual.py")


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with `photos`; the phases of fine-tuning are short, large networks are small."""
    write_photos(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan, "default_phases", short_phases)
    monkeypatch.setattr(phases, "default_phases", short_phases)
    monkeypatch.setattr(keras.applications, "MobileNetV2", small_backbone)
    monkeypatch.setitem(cifar_resnet.DEPTHS, 20, 1)
    shallow_mobilenet(monkeypatch)


def test_every_example_is_run(repository):
    found = {path.name for path in (repository / "examples").glob("*.py")}
    assert found == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_example_runs(name, repository, workplace, monkeypatch, capsys):
    if name in FEW_DIGITS:
        few_digits(monkeypatch)
    # In this process: to import TensorFlow takes longer than most of them do.
    example = str(repository / "examples" / name)
    monkeypatch.setattr(sys, "argv", [example, *ARGUMENTS[name]])
    runpy.run_path(example, run_name="__main__")
    assert "accuracy" in capsys.readouterr().out
