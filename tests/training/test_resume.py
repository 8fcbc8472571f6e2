"""A run killed at any moment goes on, and ends as if nothing had happened."""

import contextlib
import io
import json
import os
import signal

import fresh
import pytest

from kerascnn.cli.main import main
from kerascnn.errors import InputError, TrainingError
from kerascnn.training import open_run, train
from kerascnn.training.keeper import RunKeeper

EPOCHS = 3


def run(folder, *extra):
    """Exit code and standard output of `kerascnn train`, for a process of its own."""
    options = ["--model", "LeNet5", "--epochs", str(EPOCHS), "--out", str(folder), "--json"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            main(["train", "digits", *options, *extra])
        except SystemExit as stop:
            return stop.code, said.getvalue()
    raise AssertionError("the command line did not exit")


def run_until_killed(folder, epochs):
    """`run`, whose process is killed in the middle of the epoch after so many."""
    check = RunKeeper.on_train_batch_end

    def kill(self, batch, logs=None):
        check(self, batch, logs)
        if self.state.epochs == epochs and batch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    RunKeeper.on_train_batch_end = kill
    run(folder)


@pytest.fixture(scope="module")
def killed_and_resumed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume") / "run"
    process = fresh.CONTEXT.Process(target=run_until_killed, args=(folder, 1))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (folder / "model.keras").exists()
    state = json.loads((folder / "backup" / "state.json").read_text("utf-8"))
    assert [row["epoch"] for row in state["history"]] == [1]
    return folder, fresh.call(run, folder, "--resume")


def test_the_resumed_run_is_complete(killed_and_resumed):
    folder, resumed = killed_and_resumed
    code, said = resumed
    assert code == 0
    assert json.loads(said)["metrics"]["test"]["accuracy"] > 0.75
    assert (folder / "model.keras").is_file()
    assert not (folder / "backup").exists()


def test_the_history_has_every_epoch_once(killed_and_resumed):
    folder, _ = killed_and_resumed
    epochs = [row["epoch"] for row in open_run(folder).history()]
    assert epochs == list(range(1, EPOCHS + 1))


def test_the_resumed_run_equals_an_uninterrupted_one(killed_and_resumed, tmp_path):
    folder, _ = killed_and_resumed
    straight = train("digits", "LeNet5", tmp_path / "run", epochs=EPOCHS).history
    resumed = open_run(folder).history()
    for row, expected in zip(resumed, straight, strict=True):
        # The same images in the same order; the sums of two processes differ in the last digits.
        assert row["loss"] == pytest.approx(expected["loss"], rel=0.02)
        assert row["learning_rate"] == pytest.approx(expected["learning_rate"], rel=1e-5)


def test_a_loss_gone_bad_can_be_resumed_from_the_last_good_epoch(tmp_path):
    import keras

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                layer = self.model.get_layer("c1")
                layer.set_weights([weight * float("nan") for weight in layer.get_weights()])

    with pytest.raises(TrainingError, match=r"epoch 2.*The 1 finished epochs are kept"):
        train("digits", "LeNet5", tmp_path / "run", epochs=2, callbacks=[Spoil()])
    result = train(None, None, tmp_path / "run", resume=True)
    assert [row["epoch"] for row in result.history] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "tfds:mnist"}, "was started on digits, not on tfds:mnist"),
        ({"model": "LeNet1989"}, "trains LeNet5, not LeNet1989"),
    ],
)
def test_resuming_something_else_is_refused(changes, message, killed_and_resumed):
    folder = killed_and_resumed[0]
    arguments = {"source": None, "model": None, **changes}
    with pytest.raises(InputError, match=message):
        train(**arguments, out=folder, resume=True)


def test_resuming_where_nothing_is_says_so(tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        train(None, None, tmp_path / "absent", resume=True)


def test_resuming_a_finished_run_says_so(killed_and_resumed):
    with pytest.raises(InputError, match="is finished"):
        train(None, None, killed_and_resumed[0], resume=True)
