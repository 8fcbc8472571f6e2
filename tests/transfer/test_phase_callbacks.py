"""Callbacks in phases: monitors resolve, a stop ends its phase, the rest is refused beforehand."""

import csv
import warnings

import keras
import numpy as np
import pytest
from keras import callbacks as kc
from test_batches import COUNT, LABELS, compiled, network, pixels

import kerascnn
from kerascnn.errors import InputError, TrainingError
from kerascnn.transfer import Phase, fine_tune, fit_head

PHASES = (
    Phase(name="head", until="head", epochs=4, learning_rate=1e-2, augment=False),
    Phase(name="all", until=0.0, epochs=3, learning_rate=1e-3),
)
DATA = (pixels(), LABELS)
HELD_OUT = (pixels(6, seed=5), LABELS[:6])


@pytest.fixture(autouse=True)
def _steps_run_eagerly():
    """A step of these networks takes less than its tracing. Data sets are traced all the same."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


def tuned(*callbacks, **options):
    return fine_tune(network(), DATA, HELD_OUT, phases=PHASES, callbacks=callbacks, **options)


class Events(kc.Callback):
    """What a callback of the user's sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(epoch)

    def on_train_end(self, logs=None):
        self.seen.append("end")


def stops_after(epoch, everything=False):
    """Stops training at the end of an epoch, from 0."""

    class Stop(kc.Callback):
        stops_all = everything

        def on_epoch_end(self, number, logs=None):
            if number == epoch:
                self.model.stop_training = True

    return Stop()


@pytest.mark.parametrize("cache", [True, False])
def test_callbacks_see_one_training(cache):
    events = Events()
    tuned(events, cache=cache)
    assert events.seen == ["begin", 0, 1, 2, 3, 4, 5, 6, "end"]


@pytest.mark.parametrize("cache", [True, False])
def test_a_stop_ends_its_phase_and_is_said(cache, caplog):
    events, changed = Events(), []
    with caplog.at_level("INFO", "kerascnn.transfer"):
        result = tuned(
            stops_after(1),
            events,
            cache=cache,
            shortened=lambda number, phase: changed.append((number, phase.epochs)),
        )
    assert [(row["epoch"], row["phase"]) for row in result.history] == [
        *((1, 1), (2, 1), (3, 2), (4, 2), (5, 2))
    ]
    (stop,) = result.stopped
    assert (stop.phase, stop.epoch, stop.planned) == ("head", 2, 4)
    assert changed == [(1, 2)]
    assert "phase 'head' ended after 2 of 4 epochs, by a callback" in caplog.text
    assert events.seen == ["begin", 0, 1, 2, 3, 4, "end"]


def test_a_callback_may_end_everything():
    result = tuned(stops_after(1, everything=True))
    assert [row["phase"] for row in result.history] == [1, 1]


def test_early_stopping_begins_anew_in_each_phase(caplog):
    stopping = kc.EarlyStopping("val_accuracy", patience=1, min_delta=10.0)
    with caplog.at_level("INFO", "kerascnn.transfer"):
        result = tuned(stopping)
    assert [row["phase"] for row in result.history] == [1, 1, 2, 2]
    assert [stop.by for stop in result.stopped] == ["EarlyStopping on val_accuracy"] * 2
    assert "by EarlyStopping on val_accuracy" in caplog.text


@pytest.mark.parametrize(
    ("monitor", "cache"),
    [("val_accuracy", True), ("val_loss", False), ("accuracy", True), ("val_auc", False)],
)
def test_monitors_resolve_in_every_phase(monitor, cache, tmp_path):
    path = tmp_path / "best.keras"
    metrics = ["accuracy", keras.metrics.AUC(name="auc")]
    rows = np.eye(3, dtype="float32")[LABELS]
    result = fine_tune(
        network(),
        (pixels(), rows),
        (pixels(6, seed=5), rows[:6]),
        phases=PHASES,
        metrics=metrics,
        monitor="val_auc" if monitor == "val_auc" else None,
        cache=cache,
        callbacks=[
            kc.EarlyStopping(monitor, patience=9),
            kc.ModelCheckpoint(path, monitor, save_best_only=True),
        ],
    )
    values = [row[monitor] for row in result.history]
    best = kerascnn.load_model(path)
    found = best.evaluate(pixels(6, seed=5), rows[:6], verbose=0, return_dict=True)
    if monitor.startswith("val_"):
        wanted = min(values) if monitor == "val_loss" else max(values)
        assert found[monitor.removeprefix("val_")] == pytest.approx(wanted, rel=1e-3)
    if monitor == "val_auc":
        assert result.best_epoch == 1 + int(np.argmax(values))


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (lambda: kc.ReduceLROnPlateau(), "ReduceLROnPlateau: each phase has a schedule"),
        (lambda: kc.LearningRateScheduler(lambda e, r: r), "LearningRateScheduler: each phase"),
        (lambda: kc.BackupAndRestore("backup"), "BackupAndRestore: .*epochs_done"),
        (lambda: kc.SwapEMAWeights(), "SwapEMAWeights: .*ema=0.99"),
        (lambda: kc.EarlyStopping("val_acc"), "'val_acc', which is not measured.*val_accuracy"),
        (lambda: kc.ModelCheckpoint("m.keras", "val_f1", save_best_only=True), "'val_f1'"),
        (lambda: kc.ModelCheckpoint("{val_acc:.2f}.keras"), "no 'val_acc' is measured"),
        (lambda: kc.EarlyStopping, "call it"),
        (lambda: "tensorboard", "must be Keras callbacks"),
    ],
)
def test_what_cannot_be_honoured_is_refused_before_the_first_step(callback, message):
    events = Events()
    with pytest.raises(InputError, match=message):
        tuned(callback(), events)
    assert events.seen == []


def test_a_callback_of_ones_own_does_not_make_a_monitor_known():
    events = Events()
    with pytest.raises(InputError, match="'val_acc', which is not measured"):
        tuned(events, kc.EarlyStopping("val_acc"))
    assert events.seen == []


@pytest.mark.parametrize("function", [lambda each: tuned(each), lambda each: headed(each)])
def test_tensorboard_says_what_it_needs(function, tmp_path, monkeypatch):
    monkeypatch.setattr("kerascnn.transfer.callbacks.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        function(kc.TensorBoard(tmp_path))


def test_a_monitor_of_validation_needs_validation():
    with pytest.raises(InputError, match="There is no validation data"):
        fine_tune(network(), DATA, callbacks=[kc.EarlyStopping("val_loss")])


def test_a_figure_that_another_callback_adds_may_be_monitored():
    class Adds(kc.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = -float(epoch)

    result = tuned(Adds(), kc.EarlyStopping("mine", mode="max", patience=1))
    assert [row["phase"] for row in result.history] == [1, 1, 2, 2]


@pytest.mark.parametrize("cache", [True, False])
def test_log_files_hold_all_phases(cache, tmp_path):
    tuned(kc.CSVLogger(tmp_path / "log.csv"), cache=cache)
    with (tmp_path / "log.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == list("0123456")


def test_stock_callbacks_work_in_phases(tmp_path):
    seen = []
    begun = kc.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append(epoch),
    )
    result = tuned(begun, kc.TerminateOnNaN(), kc.ModelCheckpoint(tmp_path / "{epoch}.keras"))
    assert seen == ["begin", *range(7)]
    assert len(result.history) == len(list(tmp_path.glob("*.keras"))) == 7


def test_tensorboard_sees_both_phases(tmp_path):
    pytest.importorskip("tensorboard", reason="which TensorFlow does not bring any more")
    tuned(kc.TensorBoard(tmp_path, write_graph=False))
    events = list((tmp_path / "train").glob("events*"))
    assert len(events) == 1


def test_one_callback_need_not_be_in_a_list():
    events = Events()
    fine_tune(network(), DATA, phases=PHASES[1:], callbacks=events)
    assert events.seen == ["begin", 0, 1, 2, "end"]


class Diverging(kc.Callback):
    """Makes the loss NaN in an epoch, by the weights."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            kernel = self.model.get_layer("predictions").kernel
            kernel.assign(np.full(kernel.shape, np.nan))


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("more", [[], [kc.TerminateOnNaN()]], ids=["plain", "TerminateOnNaN"])
def test_a_loss_that_is_no_number_ends_all_and_the_best_weights_are_back(cache, more, caplog):
    model = network()
    result = fine_tune(
        *(model, DATA, HELD_OUT),
        phases=PHASES,
        cache=cache,
        callbacks=[Diverging(1), *more],
    )
    assert len(result.history) == 2
    assert result.best_epoch == 1
    assert np.isfinite(model.get_layer("predictions").kernel).all()
    assert "the loss of epoch 2 is not a number" in caplog.text


def test_without_an_epoch_to_go_back_to_it_is_an_error():
    with pytest.raises(TrainingError, match="the loss of epoch 1 is not a number"):
        tuned(Diverging(0))


def test_the_best_epoch_is_said(caplog):
    with caplog.at_level("INFO", "kerascnn.transfer"):
        result = tuned()
    text = f"the weights of epoch {result.best_epoch} of 7, the best by val_accuracy"
    assert text in caplog.text


class Own(keras.Model):
    """A model with a training step of its own."""

    steps = 0

    def train_step(self, *arguments):
        Own.steps += 1
        return super().train_step(*arguments)


def test_a_training_step_of_ones_own_is_not_left_out(caplog):
    plain = network()
    model = Own(plain.inputs, plain.outputs)
    result = fine_tune(model, DATA, phases=PHASES[:1])
    assert result.cached == ()
    assert "features are not cached: Own has a `train_step` of its own" in caplog.text
    assert Own.steps
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(InputError, match="Own has a `train_step` of its own"):
        fit_head(model, DATA, epochs=1)


def headed(*callbacks, model=None, **options):
    model = model or compiled()
    return fit_head(model, DATA, HELD_OUT, epochs=3, callbacks=callbacks, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: kc.EarlyStopping("val_accuracy", patience=9, restore_best_weights=True),
        lambda folder: kc.ModelCheckpoint(folder / "m.keras", "val_accuracy", save_best_only=True),
        lambda folder: kc.CSVLogger(folder / "log.csv"),
        lambda folder: kc.TerminateOnNaN(),
        lambda folder: kc.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    ],
)
def test_stock_callbacks_work_with_a_head(make, tmp_path):
    assert headed(make(tmp_path)).epoch == [0, 1, 2]


def test_a_head_obeys_callbacks_of_the_learning_rate():
    model = compiled()
    headed(kc.LearningRateScheduler(lambda epoch, rate: 0.25), model=model)
    assert float(model.optimizer.learning_rate) == 0.25
    model = compiled()
    before = float(model.optimizer.learning_rate)
    headed(kc.ReduceLROnPlateau("val_loss", patience=0, min_delta=99.0), model=model)
    assert float(model.optimizer.learning_rate) < before


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (lambda: kc.BackupAndRestore("backup"), "ModelCheckpoint"),
        (lambda: kc.SwapEMAWeights(), "use_ema=True"),
        (lambda: kc.EarlyStopping("val_acc"), "not measured"),
    ],
)
def test_a_head_refuses_what_it_cannot_honour(callback, message):
    with pytest.raises(InputError, match=message):
        headed(callback())


def test_a_head_with_a_schedule_refuses_callbacks_of_the_rate():
    model = compiled()
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)),
        "sparse_categorical_crossentropy",
    )
    with pytest.raises(InputError, match="the optimiser has a schedule"):
        headed(kc.ReduceLROnPlateau(), model=model)


def test_moving_averages_of_a_head_can_be_swapped():
    model = compiled()
    model.compile(
        keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = headed(kc.SwapEMAWeights(swap_on_epoch=True), model=model)
    assert len(history.history["loss"]) == 3


def test_weighted_metrics_of_a_head_are_measured():
    model = compiled()
    model.compile(
        "adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"], run_eagerly=True
    )
    weights = np.array([1.0] * 6 + [0.0] * 6)
    history = fit_head(model, (*DATA, weights), epochs=1, batch_size=COUNT)
    assert "accuracy" in history.history
