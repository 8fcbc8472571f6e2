"""The default phases: a head at its optimum, and a second phase that does not destroy."""

import logging
from dataclasses import replace

import keras
import numpy as np
import pytest
from backbones import backbone, images

import kerascnn
from kerascnn.errors import InputError
from kerascnn.losses import ScaledHuber
from kerascnn.transfer import Phase, attach_head, default_phases, fine_tune, freeze
from kerascnn.transfer.keeping import FALL, Done

LABELS = np.arange(36) % 3
HEAD = Phase(name="head", until="head", epochs=5, learning_rate=0.05, augment=False, exact=True)


def shades(count, seed=0):
    """Images whose three classes differ in brightness."""
    pixels = images(count, seed=seed) / 4
    return (pixels + 60.0 * LABELS[:count, None, None, None]).astype("float32")


DATA, HELD_OUT = (shades(36), LABELS), (shades(12, seed=5), LABELS[:12])


def fresh(head="linear", **options):
    keras.utils.set_random_seed(0)
    return attach_head(backbone(), 3, head, **options)


def loss_of(model, data=DATA):
    rows = np.eye(3)[data[1]] * 0.9 + 0.1 / 3
    return float(-(rows * np.log(np.asarray(model(data[0], training=False)) + 1e-12)).sum(1).mean())


def test_a_linear_head_is_at_its_optimum_after_one_epoch():
    model = fresh()
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    result = fine_tune(model, DATA, HELD_OUT, phases=[HEAD], callbacks=[watch])
    assert seen == [0]
    assert [row["epoch"] for row in result.history] == [1]
    assert result.phases[0].epochs == 1
    found = loss_of(model)
    # 100 epochs of gradients, without a penalty, cannot be much better.
    slow = fresh(dropout=0.0)
    gradients = Phase(name="head", until="head", epochs=100, learning_rate=0.05, augment=False)
    fine_tune(slow, DATA, phases=[gradients], weight_decay=0.0)
    assert found < loss_of(slow) + 0.1
    assert result.history[0]["val_accuracy"] == pytest.approx(
        np.mean(np.argmax(model(HELD_OUT[0], training=False), axis=1) == HELD_OUT[1])
    )


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda: fresh("mlp", hidden=4), {}),
        (lambda: fresh(), {"cache": False}),
        (lambda: fresh(), {"loss": keras.losses.CategoricalFocalCrossentropy()}),
    ],
    ids=["hidden layers", "no cache", "another loss"],
)
def test_any_other_head_has_its_epochs(make, options):
    labels = np.eye(3)[LABELS] if "loss" in options else LABELS
    result = fine_tune(make(), (DATA[0], labels), phases=[HEAD], **options)
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("multi_label", np.stack([LABELS > 0, LABELS > 1, LABELS == 0], 1).astype("float32")),
        ("regression", np.stack([LABELS * 5.0, 100 - LABELS, LABELS**2], 1).astype("float32")),
    ],
)
def test_heads_of_other_tasks_are_solved_too(task, labels):
    model = fresh(task=task)
    before = model.evaluate(DATA[0], labels) if model.compiled else None
    result = fine_tune(model, (DATA[0], labels), phases=[HEAD])
    found = np.asarray(model(DATA[0], training=False))
    assert before is None
    assert len(result.history) == 1
    near = (found > 0.5) == (labels > 0.5) if task == "multi_label" else abs(found - labels) < 2.5
    assert near.mean() > 0.9


def test_quantities_behind_their_units_are_solved_in_them():
    small = fresh(task="regression")
    scale, offset = [40.0, 0.5, 2.0], [1000.0, -3.0, 0.0]
    units = keras.layers.Rescaling(scale, offset, name="units")
    model = keras.Model(small.inputs[0], units(small.output))
    labels = (np.stack([LABELS - 1.0] * 3, 1) * scale + offset).astype("float32")
    result = fine_tune(model, (DATA[0], labels), phases=[HEAD], loss=ScaledHuber(scale))
    assert len(result.history) == 1
    off = (np.asarray(model(DATA[0], training=False)) - labels) / scale
    assert np.abs(off).mean() < 0.3


def test_weights_of_classes_count_in_the_optimum():
    often = fresh()
    fine_tune(often, DATA, phases=[HEAD], class_weight={0: 30.0, 1: 1.0, 2: 1.0})
    equal = fresh()
    fine_tune(equal, DATA, phases=[HEAD])
    share = [np.asarray(each(DATA[0], training=False))[:, 0].mean() for each in (often, equal)]
    assert share[0] > share[1] + 0.02


def falling(rate=50.0, epochs=3):
    return Phase(name="all", until=0.0, epochs=epochs, learning_rate=rate, guarded=True)


def test_a_phase_that_falls_is_begun_again_at_a_third_of_the_rate(caplog):
    model = fresh(dropout=0.0)
    phases = []
    with caplog.at_level(logging.INFO, "kerascnn"):
        result = fine_tune(
            *(model, DATA, HELD_OUT),
            phases=[HEAD, falling()],
            repeated=lambda number, phase: phases.append((number, phase.learning_rate)),
        )
    start = result.history[0]["val_accuracy"]
    assert start > 0.6
    rates = [phase.learning_rate for phase in result.phases[1:]]
    assert len(rates) >= 2
    assert rates == pytest.approx([50 / 3**k for k in range(len(rates))])
    assert phases == [(k + 3, rate) for k, rate in enumerate(rates[1:])]
    assert "begins again from the best weights, at a learning rate of 17" in caplog.text
    for row, after in zip(result.history[1:], [*result.history[2:], None], strict=True):
        if row["val_accuracy"] < start - FALL:  # nothing follows in this phase
            assert after is None or after["phase"] == row["phase"] + 1
    found = np.argmax(model(HELD_OUT[0], training=False), axis=1)
    assert np.mean(found == HELD_OUT[1]) >= start


def test_a_phase_that_only_falls_is_left_out(caplog):
    model = fresh(dropout=0.0)
    result = fine_tune(model, DATA, HELD_OUT, phases=[HEAD, falling(rate=1e6)])
    assert [phase.name for phase in result.phases] == ["head", "all", "all", "all"]
    assert result.best_epoch == 1
    assert "it is left out, and the best weights stay" in caplog.text


def test_a_loss_that_rises_where_it_decides_begins_again_too(caplog):
    quantities = [(images, labels * 10.0) for images, labels in (DATA, HELD_OUT)]
    model = attach_head(backbone(), 1, task="regression", dropout=0.0)
    result = fine_tune(model, *quantities, phases=[HEAD, falling(rate=1e3)])
    assert [phase.name for phase in result.phases] == ["head", "all", "all", "all"]
    assert result.best_epoch == 1
    assert "val_loss rose from" in caplog.text


def test_averages_begin_again_from_the_best_weights():
    """The phase that fell ended with the averages in the model, which the next one must forget."""
    model = fresh(dropout=0.0)
    averaged = replace(falling(rate=30.0, epochs=2), average=0.5)
    calm = []

    def slower(number, phase):
        if number < 3:
            return phase
        calm.append(number)
        return replace(phase, learning_rate=1e-7)

    result = fine_tune(model, DATA, HELD_OUT, phases=[HEAD, averaged], prepare=slower)
    assert calm == [3]
    head, after = (next(row for row in result.history if row["phase"] == phase) for phase in (1, 3))
    assert after["val_loss"] == pytest.approx(head["val_loss"], rel=1e-2)


def test_a_fall_right_before_an_interruption_is_seen_afterwards():
    """The epoch that fell was saved, and what follows from it was not."""
    model = fresh(dropout=0.0)
    fine_tune(model, DATA, HELD_OUT, phases=[HEAD])
    kept = model.get_weights()
    rows = [
        {"epoch": 1, "phase": 1, "loss": 1.0, "val_loss": 0.0, "val_accuracy": 1.0},
        {"epoch": 2, "phase": 2, "loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5},
    ]
    freeze(model, 0.0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.set_weights([0 * weight for weight in kept])
    done = Done(rows, kept)
    result = fine_tune(
        model, DATA, HELD_OUT, phases=[HEAD, falling(rate=1e-6)], done=done, batch_size=36
    )
    assert [(row["epoch"], row["phase"]) for row in result.history] == [(3, 3), (4, 3), (5, 3)]
    assert result.phases[2].learning_rate == pytest.approx(1e-6 / 3)
    assert result.best_epoch == 1


def test_averages_are_judged_and_kept_and_training_goes_on_from_the_weights(tmp_path):
    averaged = Phase(name="all", until=0.0, epochs=4, learning_rate=0.02, average=0.5)
    settings = {"phases": [averaged], "batch_size": 12, "label_smoothing": 0.0}

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.save(tmp_path / f"{epoch + 1}.keras")

    model = fresh(dropout=0.0)
    result = fine_tune(model, DATA, HELD_OUT, callbacks=[Save()], **settings)
    third = kerascnn.load_model(tmp_path / "3.keras")
    likely = np.asarray(third(HELD_OUT[0], training=False))[np.arange(12), HELD_OUT[1]]
    assert -np.log(likely).mean() == pytest.approx(result.history[2]["val_loss"], rel=1e-3)
    second = kerascnn.load_model(tmp_path / "2.keras")
    again = fine_tune(second, DATA, HELD_OUT, epochs_done=2, **settings)
    for found, row in zip(again.history, result.history[2:], strict=True):
        assert found["loss"] == pytest.approx(row["loss"], rel=1e-3)
        assert found["val_loss"] == pytest.approx(row["val_loss"], rel=1e-3)


def test_the_defaults_do_not_destroy_and_can_be_checked():
    head, everything = default_phases()
    assert (head.exact, everything.guarded) == (True, True)
    assert 0 < everything.average <= 1
    with pytest.raises(InputError, match=r"`average` must be in 0..1"):
        Phase(name="x", until="head", epochs=1, learning_rate=1.0, average=2.0)
