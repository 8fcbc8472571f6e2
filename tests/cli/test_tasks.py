"""The command line on CSV files of labels and of quantities."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from kerascnn.cli.main import main
from kerascnn.export.flatbuffer import metadata


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """Plain pictures of 40 brightnesses: whether they are bright, and how bright they are."""
    folder = tmp_path_factory.mktemp("plain")
    labels, values = ["file,dark,bright"], ["file,light"]
    for number in range(40):
        light = 6 * number + 5
        Image.new("L", (32, 32), light).save(folder / f"{number}.png")
        labels.append(f"{number}.png,{int(light < 160)},{int(light > 80)}")
        values.append(f"{number}.png,{light / 10}")
    (folder / "labels.csv").write_text("\n".join(labels))
    (folder / "values.csv").write_text("\n".join(values))
    return folder


def train(table):
    folder = table.with_suffix("")
    arguments = ["train", str(table), "-m", "LeNet5", "-o", str(folder), "--learning-rate", "3e-3"]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--epochs", "12", "--batch-size", "8", "--seed", "2"])
    assert stop.value.code == 0
    return folder


@pytest.fixture(scope="session")
def labels_run(tables):
    return train(tables / "labels.csv")


@pytest.fixture(scope="session")
def values_run(tables):
    return train(tables / "values.csv")


@pytest.fixture(params=["labels", "values"])
def trained(request):
    """The name of the table and the run that was trained on it."""
    return request.param, request.getfixturevalue(f"{request.param}_run")


def test_evaluate_shows_the_figures_of_the_task(trained, call):
    name, run = trained
    code, out, _ = call("evaluate", run)
    assert code == 0
    if name == "labels":
        assert "mAP" in out
        assert "per label" in out
        assert "dark" in out
    else:
        assert "RMSE" in out
        assert "light" in out
    _, out, _ = call("evaluate", run, "--json", "--tta", "flip")
    report = json.loads(out)
    saved = json.loads((run / "metrics.json").read_text())["validation"]
    figure = "mean_average_precision" if name == "labels" else "r2"
    assert report["results"]["model.keras"][figure] == pytest.approx(saved[figure])
    assert report["tta"]["results"]["model.keras"]["images"] == saved["images"]


def test_predict_names_labels_or_values(trained, tables, call):
    name, run = trained
    image = tables / "39.png"
    _, out, _ = call("predict", run, image, "--json")
    answer = json.loads(out)[0]
    code, out, _ = call("predict", run, image)
    assert code == 0
    if name == "labels":
        assert [guess["label"] for guess in answer["predictions"]] == ["bright", "dark"]
        assert (
            answer["predictions"][0]["probability"] > 0.5 > answer["predictions"][1]["probability"]
        )
        assert "bright" in out
        assert "dark" not in out
    else:
        assert answer["values"]["light"] == pytest.approx(23.9, abs=5)
        assert f"light {answer['values']['light']:.4g}" in out


def test_a_bundle_is_written_and_read(trained, tables, call, tmp_path):
    name, run = trained
    folder = tmp_path / "bundle"
    code, out, _ = call("export", run, "--recipes", "float32,int8", "--out", folder)
    assert code == 0
    assert ("decisions right" if name == "labels" else "mean error") in out
    data = ("--data", tables / f"{name}.csv", "--split", "validation", "--seed", "2")
    _, out, _ = call("evaluate", folder, *data, "--json")
    results = json.loads(out)["results"]
    saved = json.loads((run / "metrics.json").read_text())["validation"]
    if name == "labels":
        assert results["float32"]["hamming_loss"] == pytest.approx(saved["hamming_loss"])
    else:
        found = results["float32"]["per_target"]["light"]["mae"]
        assert found == pytest.approx(saved["per_target"]["light"]["mae"], rel=1e-3)
    _, out, _ = call("predict", folder, tables / "39.png")
    assert ("bright" if name == "labels" else "light 2") in out
    code, _, err = call("predict", folder, tables / "39.png", "--task", "classification")
    assert code == 2
    assert "is of the task" in err
    kit = Path(__file__).parents[2] / "export" / "python" / "run.py"
    command = [sys.executable, "-I", str(kit), "--selftest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok  ") == 2


def test_one_file_has_one_recipe(values_run, call, tmp_path):
    code, _, err = call("export", values_run, "--out", tmp_path / "model.tflite")
    assert code == 2
    assert "choose one recipe" in err
    assert list(tmp_path.iterdir()) == []


def test_train_exports_what_it_trained(tables, call, tmp_path):
    run = tmp_path / "run"
    arguments = ("-m", "LeNet5", "-o", run, "--epochs", "1")
    settings = ("--batch-size", "8", "--seed", "2", "--export", "float32")
    code, _, err = call("train", tables / "values.csv", *arguments, *settings)
    assert code == 0, err
    manifest = json.loads((tmp_path / "run-bundle" / "manifest.json").read_text())
    assert manifest["model"]["task"] == "regression"
    assert (tmp_path / "run-bundle" / "labels.txt").read_text() == "light\n"


def test_a_run_outlives_an_export_that_fails(tables, call, tmp_path):
    """One scale of 8 bits for years around 2000 has no room for thousandths."""
    rows = [f"{tables}/{number}.png,{2000 + number},{number / 1000}" for number in range(40)]
    (tmp_path / "years.csv").write_text("\n".join(["file,year,tiny", *rows]))
    arguments = ("-m", "LeNet5", "-o", tmp_path / "run", "--epochs", "1", "--export", "int8")
    code, _, err = call("train", tmp_path / "years.csv", *arguments)
    assert code != 0
    assert "of_range" in err
    assert f"The run is complete: kerascnn export {tmp_path / 'run'} --recipes float32,float" in err
    assert (tmp_path / "run" / "model.keras").is_file()
    assert not (tmp_path / "run-bundle").exists()


def test_a_single_file_is_written_verified_and_measured(values_run, tables, call, tmp_path):
    path = tmp_path / "model.tflite"
    code, out, _ = call("export", values_run, "--recipes", "float16", "--out", path)
    assert code == 0
    assert "max_of_range" in out
    saved = json.loads((values_run / "metrics.json").read_text())["validation"]
    data = ("--data", tables / "values.csv", "--split", "validation", "--seed", "2")
    _, out, _ = call("evaluate", path, *data, "--json")
    result = json.loads(out)["results"]["model.tflite"]
    mae = saved["per_target"]["light"]["mae"]
    assert result["per_target"]["light"]["mae"] == pytest.approx(mae, abs=0.05)
    _, out, _ = call("predict", path, tables / "39.png", "--task", "regression", "--json")
    assert json.loads(out)[0]["values"]["target 0"] == pytest.approx(23.9, abs=5)
    assert metadata.read(path) is None  # TFLite's is for classifiers


def test_the_task_of_a_run_cannot_be_changed(trained, tables, call):
    _, run = trained
    code, _, err = call("predict", run, tables / "1.png", "--task", "classification")
    assert code == 2
    assert "is of the task" in err
    code, _, err = call("evaluate", run, "--data", "digits", "--split", "test")
    assert code == 2
    assert "needs a .csv file" in err
