"""Training writes a run folder that holds what it says."""

import csv
import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn.errors import DataError, InputError, OutputExistsError, TrainingError
from kerascnn.training import open_run, run_folder, train


def rows(folder):
    with (folder / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_folder_is_complete_and_clean(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names == {
        *("model.keras", "config.json", "history.csv", "labels.txt", "metrics.json"),
        *("curves.png", "confusion_matrix.png", "report.html"),
    }


def test_history_has_every_epoch_once(finished):
    assert [row["epoch"] for row in rows(finished.folder)] == ["1", "2", "3"]
    for written, row in zip(open_run(finished.folder).history(), finished.history, strict=True):
        assert written == pytest.approx(row, rel=1e-6)


def test_training_learns(finished):
    assert finished.metrics["test"].accuracy > 0.8  # chance is 0.1
    assert finished.history[-1]["loss"] < finished.history[0]["loss"]


def test_the_saved_model_has_the_saved_metrics(finished):
    run = open_run(finished.folder)
    images, labels = run.data().arrays("test")
    accuracy = (run.load_model().predict(images, verbose=0).argmax(1) == labels).mean()
    saved = json.loads((finished.folder / "metrics.json").read_text())
    assert saved["test"]["accuracy"] == pytest.approx(accuracy)
    assert saved["validation"]["accuracy"] == finished.metrics["validation"].accuracy
    assert set(saved["test"]) >= {"accuracy", "loss", "top5_accuracy", "per_class"}


def test_the_saved_model_is_that_of_the_best_epoch(finished):
    best = max(row["val_accuracy"] for row in finished.history)
    assert finished.history[finished.best_epoch - 1]["val_accuracy"] == best
    assert finished.metrics["validation"].accuracy == pytest.approx(best, abs=1e-6)


def test_plots_are_pictures(finished):
    for name in ("curves.png", "confusion_matrix.png"):
        with Image.open(finished.folder / name) as picture:
            assert min(picture.size) > 300
            pixels = np.asarray(picture.convert("RGB").resize((64, 64))).reshape(-1, 3)
            assert len(np.unique(pixels, axis=0)) > 20


def test_the_same_seed_gives_the_same_run(finished, tmp_path):
    again = train("digits", "LeNet5", tmp_path / "again", epochs=3, seed=1)
    losses, expected = ([row["loss"] for row in run.history] for run in (again, finished))
    # Sums of several threads differ in the last digits.
    assert losses[0] == pytest.approx(expected[0], rel=1e-4)
    assert losses == pytest.approx(expected, rel=1e-2)


def test_training_can_start_from_weights(finished, tmp_path):
    weights = str(finished.folder / "model.keras")
    result = train("digits", "LeNet5", tmp_path / "run", weights=weights, epochs=1)
    assert result.history[0]["loss"] < finished.history[0]["loss"]


def test_weights_of_other_classes_get_a_fresh_head_and_this_is_said(finished, tmp_path, caplog):
    rng = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(6):
            pixels = rng.integers(0, 128, (32, 32)) + 127 * (name == "light")
            Image.fromarray(pixels.astype("uint8")).save(
                tmp_path / "photos" / name / f"{index}.png"
            )
    weights = str(finished.folder / "model.keras")
    result = train(tmp_path / "photos", "LeNet5", tmp_path / "run", weights=weights, epochs=1)
    assert kerascnn.load_model(result.folder / "model.keras").output_shape == (None, 2)
    assert "'predictions' does not match and starts from fresh weights" in caplog.text


def test_early_stopping_keeps_patience(tmp_path):
    result = train("digits", "LeNet5", tmp_path / "run", epochs=50, patience=1, learning_rate=1e-2)
    assert len(result.history) < 50
    assert len(result.history) - result.best_epoch == 1


def test_a_loss_that_is_not_a_number_stops_with_a_clear_message(tmp_path):
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf).*Lower the learning rate"):
        train(
            *("digits", "LeNet5", tmp_path / "run"),
            options={"activation": "relu"},
            learning_rate=1e18,
            epochs=2,
        )


def test_an_existing_run_is_not_overwritten(finished):
    before = (finished.folder / "model.keras").read_bytes()
    with pytest.raises(OutputExistsError, match="output exists"):
        train("digits", "LeNet5", finished.folder, epochs=1)
    assert (finished.folder / "model.keras").read_bytes() == before


def test_overwriting_replaces_a_run_and_options_reach_the_architecture(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    assert open_run(tmp_path).config.seed == 1
    options = {"activation": "relu", "pool": "max"}
    train("digits", "lenet5", tmp_path, options=options, epochs=1, seed=2, overwrite=True)
    assert open_run(tmp_path).config.seed == 2
    assert open_run(tmp_path).config.model == "LeNet5"
    model = kerascnn.load_model(tmp_path / "model.keras")
    assert isinstance(model.get_layer("s2"), keras.layers.MaxPooling2D)
    assert len(rows(tmp_path)) == 1


def test_overwriting_never_deletes_a_folder_that_is_no_run(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not a run folder"):
        train("digits", "LeNet5", tmp_path, epochs=1, overwrite=True)
    assert (tmp_path / "letters.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": "LeNet6"}, InputError, "unknown model"),
        ({"source": "absent"}, DataError, "no such folder or source"),
        ({"epochs": 0}, InputError, "`epochs` must be a whole number of at least 1"),
        ({"epochs": "3"}, InputError, "`epochs` must be a whole number .* Received: '3'"),
        ({"patience": 2.5}, InputError, "`patience` must be a whole number"),
        ({"seed": 2**32}, InputError, "`seed` must be a whole number in 0..4294967295"),
        ({"learning_rate": -1.0}, InputError, "`learning_rate` must be a number above 0"),
        ({"augment": "wild"}, InputError, "unknown augmentation 'wild'. Known: none, light"),
        ({"options": {"classes": 3}}, InputError, "'classes' is decided by the data"),
        ({"options": {"colour": 3}}, TypeError, "no option 'colour'"),
        ({"image_size": 8}, InputError, "too small"),
        ({"weights": "absent.npz"}, InputError, "no such weight file"),
        (
            {"model": "GoogLeNet", "options": {"aux": True}, "image_size": 80},
            InputError,
            r"one output.*\['predictions', 'aux1', 'aux2'\]",
        ),
    ],
)
def test_bad_input_leaves_nothing_behind(changes, error, message, tmp_path):
    arguments = {"source": "digits", "model": "LeNet5", "out": tmp_path / "run", **changes}
    with pytest.raises(error, match=message):
        train(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_run_needs_its_configuration(tmp_path):
    with pytest.raises(InputError, match=r"not a run folder.*no config.json"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(extra=1), r"unknown \['extra'\]"),
        (lambda values: values.pop("seed"), r"missing \['seed'\]"),
        (lambda values: values.update(schema_version=99), "schema version 1"),
    ],
)
def test_an_altered_configuration_is_refused(change, message, finished, tmp_path):
    values = json.loads((finished.folder / "config.json").read_text())
    change(values)
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=message):
        open_run(tmp_path)


def test_data_that_changed_its_classes_is_refused(finished):
    config = replace(open_run(finished.folder).config, class_names=("a", "b"))
    with pytest.raises(InputError, match="changed since this run"):
        run_folder.load_data(config)


def test_confusion_and_classes_add_up(finished):
    metrics = finished.metrics["test"]
    confusion = np.array(metrics.confusion)
    assert confusion.sum() == metrics.images
    assert np.trace(confusion) / metrics.images == pytest.approx(metrics.accuracy)
    for index, row in enumerate(metrics.per_class.values()):
        assert row.images == confusion[index].sum()
        assert row.recall == pytest.approx(confusion[index, index] / row.images)
