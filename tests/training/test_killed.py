"""A training that is killed at any of its file operations can be resumed, or begun again.

The network is a stand-in that learns nothing, so that a training takes no time; every file of the
run is written by the code that writes it else. `test_resume.py` kills a real one.
"""

import contextlib
import json
import os
import zipfile
from types import SimpleNamespace

import killing
import numpy as np
import pytest
from belongings import NOTES

from kerascnn import data
from kerascnn.data import ResizeRule
from kerascnn.errors import InputError, OutputExistsError
from kerascnn.files import HTML, claim, write_text
from kerascnn.training import finish, open_run, quantized, run, train

EPOCHS = 2


class Network:
    """What a run asks of a network: it is saved, and predicts."""

    name, loss = "network", "mse"
    optimizer = SimpleNamespace(learning_rate=0.1)

    def save(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", "{}")
            archive.writestr("model.weights.h5", bytes(100_000))

    def predict(self, dataset, verbose):
        return np.zeros((len(dataset) * 4, 1), np.float32)


def load(path, **_):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    return Network()


def write_page(network, splits, path, **_):
    write_text(path, "<!doctype html><html></html>", HTML)


def fit(config, network, splits, state, callbacks):
    keeper = callbacks[0]
    keeper.set_model(network)
    for epoch in range(state.epochs, config.training.epochs):
        keeper.on_epoch_begin(epoch)
        keeper.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1 / (epoch + 1)})


@pytest.fixture
def stand_ins(monkeypatch):
    batch = (np.zeros((4, 8, 8, 1), np.uint8), np.zeros((4, 1), np.float32))
    splits = SimpleNamespace(
        validation=[batch],
        test=None,
        counts={"validation": 4},
        labels=lambda split: batch[1],
        source="digits",
        class_names=("size",),
        image_shape=(8, 8, 1),
        resize=ResizeRule(),
        task="regression",
        notes=(),
    )
    monkeypatch.setattr(data, "load", lambda *_, **__: splits)
    monkeypatch.setattr(data, "fingerprint", lambda *_: None)
    for module in (run, finish, quantized):
        for name, value in (("load_model", load), ("network_of", lambda *_: Network())):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("kerascnn.serialization.load_model", load)
    monkeypatch.setattr(run, "fit", fit)
    monkeypatch.setattr(run, "check_architecture", lambda *_: None)
    monkeypatch.setattr(finish, "kinds_of", lambda *_: ("quantities",))
    monkeypatch.setattr("kerascnn.training.report.write.write_report", write_page)
    monkeypatch.setattr(run.keras.utils, "set_random_seed", lambda _: None)
    return splits


def begin(folder, **options):
    return lambda: train("digits", "MLP", folder / "run", epochs=EPOCHS, **options)


def resume(folder):
    return lambda: train(None, None, folder / "run", resume=True)


def check_whole(folder):
    """A finished run, and nothing else, once somebody writes beside it."""
    with claim(folder / "other"):
        pass
    assert os.listdir(folder) == ["run"]
    files = {*os.listdir(folder / "run")}
    assert files == {
        *("config.json", "curves.png", "history.csv", "labels.txt", "metrics.json", "model.keras"),
        "report.html",
    }
    load(folder / "run" / "model.keras")
    opened = open_run(folder / "run")
    assert [row["epoch"] for row in opened.history()] == [1, 2]
    json.loads((folder / "run" / "metrics.json").read_text())


def resume_or_begin(folder):
    """What a user does whose training was killed: --resume, and where there is no run, begin."""
    try:
        train(None, None, folder / "run", resume=True)
    except InputError as error:
        if "nothing to resume:" in str(error):
            train("digits", "MLP", folder / "run", epochs=EPOCHS)
        elif "is finished" not in str(error):
            raise


def test_a_new_run_killed_at_any_moment(stand_ins, tmp_path):
    (tmp_path / "whole").mkdir()
    operations = killing.count(begin(tmp_path / "whole"), tmp_path)
    check_whole(tmp_path / "whole")
    assert operations > 60
    for moment in killing.moments(operations, 9):
        folder = tmp_path / str(moment)
        folder.mkdir()
        killing.kill(begin(folder), folder, moment)
        again = moment // 2 + 3  # the second try is killed, too
        with contextlib.suppress(AssertionError):  # if it has that much left to do
            killing.kill(lambda folder=folder: resume_or_begin(folder), folder, again)
        killing.run(lambda folder=folder: resume_or_begin(folder), folder)
        check_whole(folder)


def test_an_old_run_is_there_until_the_new_one_is(stand_ins, tmp_path):
    (tmp_path / "whole").mkdir()
    killing.run(begin(tmp_path / "whole"), tmp_path)
    operations = killing.count(begin(tmp_path / "whole", overwrite=True), tmp_path)
    for moment in killing.moments(operations, 6):
        folder = tmp_path / str(moment)
        folder.mkdir()
        killing.run(begin(folder), folder)
        killing.kill(begin(folder, overwrite=True), folder, moment)
        # Whatever comes next finds a run: the old one, or the new one on its way.
        killing.run(lambda folder=folder: resume_or_begin(folder), folder)
        check_whole(folder)


def test_what_a_killed_run_left_does_not_keep_others_from_the_folder(stand_ins, tmp_path):
    operations = killing.count(begin(tmp_path), tmp_path)
    killing.run(lambda: None, tmp_path)
    for moment in (3, operations // 2):
        folder = tmp_path / str(moment)
        folder.mkdir()
        killing.kill(begin(folder), folder, moment)
        killing.run(begin(folder, overwrite=True), folder)
        check_whole(folder)


def test_notes_in_a_run_keep_it_from_being_replaced_and_not_from_being_resumed(stand_ins, tmp_path):
    operations = killing.count(begin(tmp_path), tmp_path)
    folder = tmp_path / "killed"
    folder.mkdir()
    killing.kill(begin(folder), folder, operations // 2)
    (folder / "run" / "notes.txt").write_text(NOTES)
    with pytest.raises(OutputExistsError, match=r"'notes\.txt' in it is not part of it"):
        train("digits", "MLP", folder / "run", epochs=EPOCHS, overwrite=True)
    killing.run(resume(folder), folder)
    assert (folder / "run" / "notes.txt").read_text() == NOTES
    assert (folder / "run" / "model.keras").is_file()


def test_a_run_that_lost_its_backup_says_so(stand_ins, tmp_path):
    operations = killing.count(begin(tmp_path), tmp_path)
    folder = tmp_path / "killed"
    folder.mkdir()
    killing.kill(begin(folder), folder, operations // 2)
    for path in (folder / "run" / "backup").iterdir():
        path.unlink()
    (folder / "run" / "backup").rmdir()
    with pytest.raises(InputError, match="neither a model nor a backup"):
        train(None, None, folder / "run", resume=True)
