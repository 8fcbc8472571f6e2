"""Runs that learn labels and quantities, from the CSV file to the saved model."""

import csv
import json

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn.errors import InputError
from kerascnn.training import open_run, train


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """Grey pictures of 60 noisy pairs of halves; what is bright, and how bright it is."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    labels, values = [("file", "labels")], [("file", "light", "year")]
    for number in range(60):
        halves = rng.integers(0, 2, 2)
        light = int(rng.integers(20, 230))
        picture = rng.integers(0, 60, (32, 32))
        picture[:, :16] += 190 * halves[0]
        picture[:, 16:] += 190 * halves[1]
        name = f"{number}.png"
        Image.fromarray(picture.astype(np.uint8)).save(folder / name)
        found = [word for word, half in zip(("left", "right"), halves, strict=True) if half]
        labels.append((name, "|".join(found)))
        Image.new("L", (32, 32), light).save(folder / f"plain{number}.png")
        values.append((f"plain{number}.png", light / 100, 2000 + (light - 125) / 20))
    for name, rows in (("labels.csv", labels), ("values.csv", values)):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="session")
def labelled(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "run"
    return train(str(tables / "labels.csv"), "LeNet5", folder, epochs=6, batch_size=8, seed=1)


@pytest.fixture(scope="session")
def valued(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("valued") / "run"
    return train(str(tables / "values.csv"), "LeNet5", folder, epochs=6, batch_size=8, seed=1)


def test_labels_are_learnt(labelled):
    assert labelled.metrics["validation"].mean_average_precision > 0.95
    assert labelled.metrics["validation"].exact_match > 0.8  # a quarter by chance
    assert set(labelled.metrics["validation"].per_label) == {"left", "right"}


def test_quantities_are_learnt_in_their_own_units(valued):
    metrics = valued.metrics["validation"]
    assert metrics.per_target["light"].r2 > 0.8
    assert metrics.per_target["year"].r2 > 0.8
    assert metrics.per_target["year"].mean == pytest.approx(2000, abs=3)


@pytest.mark.parametrize("name", ["labelled", "valued"])
def test_the_saved_model_has_the_saved_figures(name, request):
    result = request.getfixturevalue(name)
    run = open_run(result.folder)
    images, truth = run.data().arrays("validation")
    outputs = run.load_model().predict(images, verbose=0)
    saved = json.loads((result.folder / "metrics.json").read_text())["validation"]
    if name == "labelled":
        wrong = ((outputs > 0.5) != (truth > 0.5)).mean()
        assert saved["hamming_loss"] == pytest.approx(wrong)
        assert run.load_model().layers[-1].get_config()["activation"] == "sigmoid"
    else:
        errors = np.abs(outputs - truth).mean(axis=0)
        found = [row["mae"] for row in saved["per_target"].values()]
        assert found == pytest.approx(errors.tolist(), rel=1e-3)


def test_the_last_layers_undo_the_standardisation(valued):
    run = open_run(valued.folder)
    units = run.load_model().get_layer("units")
    truth = run.data().labels("train").astype(np.float64)
    np.testing.assert_allclose(units.scale, truth.std(axis=0))
    np.testing.assert_allclose(units.offset, truth.mean(axis=0))


@pytest.mark.parametrize(
    ("name", "task", "figure"),
    [("labelled", "multi_label", "binary_accuracy"), ("valued", "regression", "mae")],
)
def test_the_run_folder_says_the_task(name, task, figure, request):
    result = request.getfixturevalue(name)
    assert open_run(result.folder).config.task == task
    names = {path.name for path in result.folder.iterdir()}
    assert names == {
        *("model.keras", "config.json", "history.csv", "labels.txt", "metrics.json", "curves.png"),
        "report.html",
    }
    header = (result.folder / "history.csv").read_text().splitlines()[0]
    expected = f"epoch,learning_rate,loss,{figure},val_loss,val_{figure},seconds"
    assert header == expected


@pytest.mark.parametrize("name", ["labelled", "valued"])
def test_the_best_epoch_is_that_of_the_lowest_loss(name, request):
    result = request.getfixturevalue(name)
    losses = [row["val_loss"] for row in result.history]
    assert losses[result.best_epoch - 1] == min(losses)


class Interruption(Exception):
    """What happens to a run."""


class Interrupt(keras.callbacks.Callback):
    """Ends the run in its third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise Interruption


def test_a_resumed_run_equals_an_uninterrupted_one(valued, tables, tmp_path):
    arguments = {"epochs": 6, "batch_size": 8, "seed": 1, "callbacks": [Interrupt()]}
    with pytest.raises(Interruption):
        train(str(tables / "values.csv"), "LeNet5", tmp_path / "run", **arguments)
    with pytest.raises(InputError, match="is of the task regression, not multi_label"):
        train(None, None, tmp_path / "run", resume=True, task="multi_label")
    resumed = train(None, None, tmp_path / "run", resume=True)
    losses = [row["loss"] for row in resumed.history]
    assert losses == pytest.approx([row["loss"] for row in valued.history], rel=1e-2)


def test_the_task_decides_the_activation(tables, tmp_path):
    options = {"classifier_activation": "softmax"}
    with pytest.raises(InputError, match="decided by the task multi_label"):
        train(str(tables / "labels.csv"), "LeNet5", tmp_path / "run", options=options)
    assert not (tmp_path / "run").exists()
