"""Bundles that kerascnn wrote before version 3 of the manifest, in `bundles/`: all still works.

Made by the code of that time: three networks of 8x8 pixels on plain colours.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.cli.main import main
from kerascnn.export.contract import manifest
from kerascnn.inference import open_predictor, open_predictors

BUNDLES = Path(__file__).parent / "bundles"
KIT = Path(__file__).parents[2] / "export" / "python" / "run.py"
NAMES = ("red", "green", "blue")
# What each bundle's float32 and int8 files gave for the two colours when they were made.
SAID = {
    "version1-classification": (
        [[0.8007, 0.1493, 0.0499], [0.3971, 0.5387, 0.0641]],
        [[0.8047, 0.1484, 0.0508], [0.3984, 0.5391, 0.0625]],
    ),
    "version2-multi-label": (
        [[0.9574, 0.8075, 0.5837], [0.1768, 0.2256, 0.0335]],
        [[0.957, 0.8047, 0.5781], [0.1758, 0.2266, 0.0352]],
    ),
    "version2-regression": (
        [[64.759, 24.759], [23.9543, -16.0457]],
        [[64.6926, 24.6249], [23.7902, -16.2776]],
    ),
}


@pytest.fixture(params=list(SAID))
def folder(request):
    return BUNDLES / request.param


@pytest.fixture(scope="module")
def colours():
    """The images that the numbers above belong to, and 58 more."""
    random = np.random.default_rng(0)
    flat = random.integers(0, 226, (60, 1, 1, 3)) + random.integers(0, 30, (60, 8, 8, 3))
    return flat.astype(np.uint8)


def test_they_open_and_give_what_they_gave(folder, colours):
    for predictor, said in zip(open_predictors(folder), SAID[folder.name], strict=True):
        (found,) = predictor.predict(colours[:2]).values()
        np.testing.assert_allclose(found, said, atol=6e-4, rtol=1e-3)


def test_the_task_has_the_name_of_today(folder):
    described = manifest.read(folder)
    name = folder.name.split("-", 1)[1].replace("-", "_")
    assert described.model.task == name
    assert open_predictor(folder).task == name
    assert json.loads((folder / "manifest.json").read_text())["model"]["task"].startswith("image-")


@pytest.mark.parametrize("option", ["--selftest", "--benchmark"])
def test_the_python_kit_runs_them(folder, option):
    command = [sys.executable, "-I", str(KIT), option, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.fixture(scope="module")
def data(colours, tmp_path_factory):
    """The colours as a folder of classes, a table of labels and one of quantities."""
    folder = tmp_path_factory.mktemp("colours")
    means = colours.mean(axis=(1, 2))
    labels, values = ["file,red,green,blue"], ["file,share,degrees"]
    for i, image in enumerate(colours):
        place = folder / "classes" / NAMES[means[i].argmax()]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i}.png")
        name = f"classes/{place.name}/{i}.png"
        labels.append(",".join([name, *(str(int(mean > 120)) for mean in means[i])]))
        light = means[i].mean() / 2.55
        values.append(f"{name},{light},{light - 40}")
    (folder / "labels.csv").write_text("\n".join(labels))
    (folder / "values.csv").write_text("\n".join(values))
    return {
        "version1-classification": folder / "classes",
        "version2-multi-label": folder / "labels.csv",
        "version2-regression": folder / "values.csv",
    }


def test_the_command_line_evaluates_them_and_predicts(folder, data, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(one) for one in arguments])
        captured = capsys.readouterr()
        assert stop.value.code == 0, captured.err
        return captured.out

    found = json.loads(call("evaluate", folder, "--data", data[folder.name], "--json"))["results"]
    for result in found.values():
        if "accuracy" in result:
            assert result["accuracy"] > 0.95
        elif "exact_match" in result:
            assert result["exact_match"] > 0.8
        else:
            assert result["per_target"]["share"]["mae"] < 0.5
    image = next(data["version1-classification"].glob("red/*.png"))
    answer = call("predict", folder, image).split(".png: ")[1]
    assert ("red" in answer) != (folder.name == "version2-regression")
    assert json.loads(call("predict", folder, image, "--json"))[0]["image"] == str(image)
