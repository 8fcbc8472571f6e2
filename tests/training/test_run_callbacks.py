"""Callbacks of a run: one training, phases that end early, and what is refused beforehand."""

import csv
import json

import keras
import numpy as np
import pytest
from keras import callbacks as kc
from PIL import Image

import kerascnn
from kerascnn.errors import DataError, InputError
from kerascnn.training import FineTune, open_run, train
from kerascnn.training.batches import check_labels
from kerascnn.transfer import Phase

PLAN = FineTune(
    phases=(
        Phase(name="head", until="head", epochs=3, learning_rate=0.01, augment=False),
        Phase(name="all", until=0.0, epochs=2, learning_rate=0.002),
    )
)


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """16 dark and 16 bright pictures, 32x32."""
    folder = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for name, light in (("dark", 60), ("bright", 160)):
        (folder / name).mkdir()
        for number in range(16):
            pixels = rng.integers(0, 90, (32, 32)) + light
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return str(folder)


def fitted(shades, out, *callbacks, **options):
    settings = {"epochs": 2, "batch_size": 8, **options}
    return train(shades, "LeNet5", out, callbacks=callbacks, **settings)


class Stop(kc.Callback):
    """Stops training after an epoch, from 0."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= epoch == self.epoch


def test_stock_callbacks_work_in_a_run(shades, tmp_path):
    seen = []
    result = fitted(
        shades,
        tmp_path / "run",
        kc.EarlyStopping("val_accuracy", patience=9),
        kc.ModelCheckpoint(tmp_path / "best.keras", "val_accuracy", save_best_only=True),
        kc.CSVLogger(tmp_path / "log.csv"),
        kc.TerminateOnNaN(),
        kc.LambdaCallback(
            on_train_begin=lambda logs: seen.append("begin"),
            on_epoch_end=lambda epoch, logs: seen.append(epoch),
            on_train_end=lambda logs: seen.append("end"),
        ),
    )
    assert seen == ["begin", 0, 1, "end"]
    best = kerascnn.load_model(tmp_path / "best.keras")
    assert best.output_shape == (None, 2)
    with (tmp_path / "log.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(result.history) == 2


def test_a_stop_ends_a_phase_of_a_run_which_its_configuration_keeps(shades, tmp_path):
    log = kc.CSVLogger(tmp_path / "log.csv")
    options = {"fine_tune": PLAN, "weights": "none", "epochs": None, "augment": "none"}
    result = fitted(shades, tmp_path / "run", Stop(0), log, **options)
    assert [(row["epoch"], row["phase"]) for row in result.history] == [(1, 1), (2, 2), (3, 2)]
    phases = open_run(tmp_path / "run").config.fine_tuning.phases
    assert [phase.epochs for phase in phases] == [1, 2]
    with (tmp_path / "log.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == list("012")


def test_a_run_whose_phase_was_stopped_is_resumed_in_the_next(shades, tmp_path):
    class Interrupt(kc.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    options = {"fine_tune": PLAN, "weights": "none", "epochs": None, "augment": "none"}
    with pytest.raises(KeyboardInterrupt):
        fitted(shades, tmp_path / "run", Stop(0), Interrupt(), **options)
    state = json.loads((tmp_path / "run" / "backup" / "state.json").read_text())
    assert [row["phase"] for row in state["history"]] == [1, 2]
    result = train(None, None, tmp_path / "run", resume=True)
    assert [(row["epoch"], row["phase"]) for row in result.history] == [(1, 1), (2, 2), (3, 2)]


def test_a_time_budget_ends_all_phases(shades, tmp_path):
    plan = FineTune(phases=PLAN.phases, time_budget=1e-6)
    options = {"fine_tune": plan, "weights": "none", "epochs": None, "augment": "none"}
    result = fitted(shades, tmp_path / "run", **options)
    assert [row["phase"] for row in result.history] == [1]


@pytest.mark.parametrize("options", [{}, {"fine_tune": PLAN, "weights": "none", "epochs": None}])
@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (lambda: kc.ReduceLROnPlateau(), "a run has a schedule of its own"),
        (lambda: kc.LearningRateScheduler(lambda epoch, rate: rate), "learning_rate="),
        (lambda: kc.BackupAndRestore("backup"), "resume=True"),
        (lambda: kc.SwapEMAWeights(), "ema=0.99"),
        (lambda: kc.EarlyStopping("val_acc"), "'val_acc', which is not measured"),
        (lambda: keras.callbacks.ModelCheckpoint("{val_f1}.keras"), "no 'val_f1' is measured"),
        (lambda: 3, "must be Keras callbacks"),
    ],
)
def test_what_a_run_cannot_honour_is_refused_before_it_begins(
    callback, message, options, shades, tmp_path
):
    with pytest.raises(InputError, match=message):
        fitted(shades, tmp_path / "run", callback(), **options)
    assert not (tmp_path / "run").exists()


def test_a_pipeline_as_augmentation_is_refused_in_a_line(shades, tmp_path):
    with pytest.raises(InputError, match="`augment` must be one of"):
        fitted(shades, tmp_path / "run", augment=kerascnn.augment.Flip())


class Unlabelled:
    """A source whose test images have no labels, as some of TensorFlow Datasets."""

    task, class_names, source = "classification", ("a", "b"), "tfds:some"
    counts = ("train", "test")

    def labels(self, split):
        return np.array([0, 1, 1]) if split == "train" else np.array([0, -1, -1])


def test_images_without_labels_are_named():
    with pytest.raises(DataError, match=r"label -1 in row 1 \(from 0\) of the test images of tfds"):
        check_labels(Unlabelled())
