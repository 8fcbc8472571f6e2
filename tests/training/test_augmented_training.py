"""Training on augmented images: which ones, in which epoch, and after an interruption."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from kerascnn import augment
from kerascnn.errors import InputError
from kerascnn.training import open_run, run_folder, train
from kerascnn.training.batches import training_batches

EPOCHS = 2


class Interruption(Exception):
    """What happens to a run."""


class Interrupt(keras.callbacks.Callback):
    """Ends the run at the end of the first batch of its last epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.last = epoch == EPOCHS - 1

    def on_train_batch_end(self, batch, logs=None):
        if self.last:
            raise Interruption


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("augmented") / "run"
    train("digits", "LeNet5", folder, epochs=EPOCHS, augment="LeNet", seed=2)
    return open_run(folder)


def test_the_run_remembers_its_augmentation(run):
    assert run.config.augment == "lenet"
    assert json.loads((run.folder / "config.json").read_text())["augment"] == "lenet"


def test_a_run_from_before_there_was_augmentation_is_read(finished, tmp_path):
    values = json.loads((finished.folder / "config.json").read_text())
    assert values.pop("augment") == "none"
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert open_run(tmp_path).config == open_run(finished.folder).config


def test_only_pixels_of_training_images_change(run):
    pipeline = augment.get("lenet", (32, 32))
    plain = list(run.data().train.as_numpy_iterator())
    augmented = list(training_batches(run.config, run.data(), 0).as_numpy_iterator())
    first = 0
    for (images, labels), (changed, rows) in zip(plain, augmented, strict=True):
        np.testing.assert_array_equal(rows, np.eye(10)[labels])
        expected = pipeline(images, seed=2, index=first).astype(int)
        assert (np.abs(changed - expected) > 1).mean() < 1e-3  # XLA's rounding
        assert (changed != images).any(axis=(1, 2, 3)).mean() > 0.9
        first += len(images)


def test_no_augmentation_leaves_the_images_alone(run):
    config = replace(run.config, augment="none")
    (images, _), (expected, _) = (
        next(made.as_numpy_iterator())
        for made in (training_batches(config, run.data(), 0), run.data().train)
    )
    np.testing.assert_array_equal(images, expected)


def test_a_resumed_run_sees_the_images_of_its_epoch(run):
    made = training_batches(run.config, run.data(), 0)
    epochs = [[images for images, _ in made.as_numpy_iterator()] for _ in range(3)]
    splits = run_folder.load_data(run.config, first_epoch=2)
    resumed = training_batches(run.config, splits, 2)
    for (images, _), expected in zip(resumed.as_numpy_iterator(), epochs[2], strict=True):
        np.testing.assert_array_equal(images, expected)
    assert (epochs[1][0] != epochs[2][0]).any()


def test_a_resumed_run_equals_an_uninterrupted_one(run, tmp_path):
    arguments = {"epochs": EPOCHS, "augment": "lenet", "seed": 2}
    with pytest.raises(Interruption):
        train("digits", "LeNet5", tmp_path / "run", callbacks=[Interrupt()], **arguments)
    with pytest.raises(InputError, match="has the augmentation lenet, not standard"):
        train(None, None, tmp_path / "run", resume=True, augment="standard")
    resumed = train(None, None, tmp_path / "run", resume=True)
    losses = [row["loss"] for row in resumed.history]
    # Sums of several threads differ in the last digits; other draws change a loss by percents.
    assert losses == pytest.approx([row["loss"] for row in run.history()], rel=1e-3)
