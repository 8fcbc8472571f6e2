"""--pixel-range: given once, when training, and used by all that reads images for the run."""

import json

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load_image
from kerascnn.inference import open_predictors
from kerascnn.training import open_run

RANGE = (0.0, 1023.0)


@pytest.fixture(scope="session")
def depths(tmp_path_factory):
    """16-bit images of 0 to 1023: read as 0 to 65535 they would all be nearly black."""
    folder = tmp_path_factory.mktemp("depths")
    generator = np.random.default_rng(5)
    for name, shade in (("far", 800), ("near", 200)):
        (folder / name).mkdir()
        for number in range(12):
            values = generator.integers(shade - 150, shade + 150, (32, 32)).astype(np.uint16)
            Image.fromarray(values).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def deep_run(depths, tmp_path_factory):
    from kerascnn.training import train

    folder = tmp_path_factory.mktemp("deep") / "run"
    options = {"epochs": 6, "batch_size": 8, "learning_rate": 3e-3}
    return train(str(depths), "LeNet5", folder, pixel_range=RANGE, **options).folder


def test_the_run_records_the_range(deep_run):
    assert json.loads((deep_run / "config.json").read_text())["pixel_range"] == list(RANGE)
    assert open_run(deep_run).config.pixel_range == RANGE


def test_images_are_read_by_it_ever_after(deep_run, depths):
    path = depths / "far" / "0.png"
    expected = load_image(path, 32, 1, pixel_range=RANGE)
    assert expected.mean() > 150
    predictor = open_predictors(deep_run)[0]
    np.testing.assert_array_equal(predictor.load_images([path])[0], expected)
    images, labels = open_run(deep_run).data().arrays("validation")
    assert images[labels == 0].mean() > 150
    images, _ = predictor.load_data(str(depths)).arrays("train")
    assert images.mean() > 100


def test_evaluate_and_predict_use_it(deep_run, depths, call):
    code, out, _ = call("evaluate", deep_run, "--json")
    assert (code, json.loads(out)["results"]["model.keras"]["accuracy"]) == (0, 1.0)
    for name in ("far", "near"):
        code, out, _ = call("predict", deep_run, depths / name / "1.png", "--json")
        assert code == 0
        assert json.loads(out)[0]["predictions"][0]["label"] == name


def test_another_range_can_be_given(deep_run, depths, call):
    black = ("--pixel-range", "0,1e6")
    code, out, _ = call("predict", deep_run, depths / "far" / "1.png", "--json", *black)
    assert code == 0
    code, own, _ = call("predict", deep_run, depths / "far" / "1.png", "--json")
    assert json.loads(own) != json.loads(out)


def test_export_calibrates_by_it_and_tells_clients(deep_run, tmp_path, call):
    code, _, err = call("export", deep_run, "--recipes", "float32", "--out", tmp_path / "bundle")
    assert code == 0
    assert "the model saw pixels of 0 to 1023 as 0 to 255: clients must bring images" in err
    with np.load(tmp_path / "bundle" / "golden.npz") as golden:
        assert golden["inputs"].max() > 150


def test_a_run_is_not_resumed_with_another_range(deep_run, call):
    code, _, err = call("train", "--resume", "--out", deep_run, "--pixel-range", "0,4095")
    assert code == 2
    assert "has the pixel range" in err


def test_without_a_range_training_warns(depths, call, tmp_path):
    code, _, err = call("augment", depths, "--out", tmp_path / "a.png")
    assert code == 0
    assert "24 image(s) have 16-bit pixels with values from" in err
    assert "--pixel-range 0,1023" in err
    code, _, err = call("augment", depths, "--out", tmp_path / "b.png", "--pixel-range", "0,1023")
    assert code == 0
    assert "pixel range 0 to 1023 became 0..255 in 24 of 24 image(s)" in err


@pytest.mark.parametrize("text", ["1", "5,5", "9,3", "0,inf", "a,b", "1,2,3", "", "x" * 900])
@pytest.mark.parametrize("command", ["train", "augment"])
def test_a_range_that_is_none_is_one_line(call, depths, command, text, tmp_path):
    out = tmp_path / "out.png"
    model = ["--model", "LeNet5"] if command == "train" else []
    code, _, err = call(command, depths, "--out", out, "--pixel-range", text, *model)
    assert code == 2
    assert ("two numbers" if text else "what is given is empty") in err
    assert len(err) < 400
    assert not out.exists()
