"""`kerascnn train PHOTOS --export` hands on the photos, the model and its outputs."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn.data.images import memory
from kerascnn.export.bundle import write
from kerascnn.training.report import outcome

COUNT = 40


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name, light in (("dark", 0), ("bright", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(COUNT // 2):
            pixels = (rng.integers(0, 50, (28, 24, 3)) + light).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def calls(monkeypatch):
    """What is decoded (once per image), loaded and computed."""
    found = {"decoded": 0, "loaded": [], "sampled": [], "judged": []}
    hold, load = memory.Budget.hold, keras.saving.load_model
    compute, judge = write.keras_outputs, outcome._outputs

    def held(self, count):
        found["decoded"] += 1
        return hold(self, count)

    def loaded(path, **options):
        found["loaded"].append(path.name)
        return load(path, **options)

    def computed(model, images):
        found["sampled"].append(len(images))
        return compute(model, images)

    def judged(model, splits, split, positions):
        found["judged"].append(split)
        return judge(model, splits, split, positions)

    monkeypatch.setattr(memory.Budget, "hold", held)
    monkeypatch.setattr(keras.saving, "load_model", loaded)
    monkeypatch.setattr(write, "keras_outputs", computed)
    monkeypatch.setattr(outcome, "_outputs", judged)
    return found


def test_photos_are_decoded_once_and_nothing_is_computed_twice(call, photos, calls, tmp_path):
    options = ("--weights", "none", "--model", "LeNet5", "--image-size", "32", "--epochs", "1")
    out = ("-o", tmp_path / "run", "--export", "dynamic_int8")
    code, _, err = call("train", photos, "--fine-tune", *options, *out)
    assert code == 0, err
    assert calls["decoded"] == COUNT
    assert "model.keras" not in calls["loaded"]
    assert calls["sampled"] == [32]  # the images that calibrate: none of validation
    assert calls["judged"] == []
    report = json.loads((tmp_path / "run-bundle" / "report.json").read_text())
    assert report["images"] == 8
    saved = json.loads((tmp_path / "run" / "metrics.json").read_text())["validation"]
    assert report["keras"]["accuracy"] == saved["accuracy"]
