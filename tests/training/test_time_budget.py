"""A time budget: the last phase gets its share, and what the budget bought is said."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from kerascnn.training import FineTune, time_budget
from kerascnn.training.time_budget import Clock, seconds_of_a_pass
from kerascnn.transfer import Phase

PHASES = (
    Phase(name="head", until="head", epochs=3, learning_rate=0.01, augment=False),
    Phase(name="all", until=0.0, epochs=4, learning_rate=0.002),
)


@pytest.fixture
def now(monkeypatch):
    """The time, which passes when a test says so."""
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(time_budget, "time", SimpleNamespace(perf_counter=lambda: clock.seconds))
    return clock


def trained(now, seconds, budget=100.0, before=0.0):
    """How many epochs of so many seconds each are trained; `before` is spent before the first."""
    clock = Clock(FineTune(phases=PHASES, time_budget=budget), spent=0.0)
    clock.set_model(SimpleNamespace(stop_training=False))
    now.seconds += before
    for epoch, length in enumerate(seconds):
        clock.on_epoch_begin(epoch)
        now.seconds += length
        clock.on_epoch_end(epoch)
        if clock.model.stop_training:
            return epoch + 1
    return len(seconds)


def test_the_last_phase_ends_before_the_budget_does(now):
    assert trained(now, [1, 1, 1, 30, 30, 30, 30]) == 6  # 93 s; another would end at 123 s


def test_a_phase_before_it_does_not_end_the_training_while_there_is_time(now):
    """It took 60 s to compute features, and the first epoch 39 s: one second is left."""
    assert trained(now, [39, 0.1, 0.1, 0.1, 50], before=60) == 5
    assert trained(now, [39, 2, 1, 1, 1], before=60) == 2  # over


def test_without_a_budget_nothing_ends(now):
    assert trained(now, [1000] * 7, budget=None) == 7


@pytest.mark.parametrize("seconds", [10.0, 39.0, 41.0])
def test_features_have_a_share_of_the_budget(seconds, now):
    clock = Clock(FineTune(phases=PHASES, time_budget=100.0), spent=0.0)
    assert clock.leaves_room(seconds) == (seconds < 40)
    assert Clock(FineTune(phases=PHASES), spent=0.0).leaves_room(1e9)


def test_what_the_budget_bought_is_said(now, caplog):
    clock = Clock(FineTune(phases=PHASES, time_budget=100.0), spent=0.0)
    with caplog.at_level(logging.INFO, "kerascnn"):
        clock.say_what_it_bought([{"phase": 1}] * 3 + [{"phase": 2}] * 2)
    assert caplog.messages == [
        "the time budget of 100 s bought: phase 'head' 3 of 3 epochs, phase 'all' 2 of 4 epochs"
    ]


def test_a_phase_that_was_not_reached_is_a_warning(now, caplog):
    clock = Clock(FineTune(phases=PHASES, time_budget=100.0), spent=0.0)
    clock.say_what_it_bought([{"phase": 1}] * 2)
    (record,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert "ended before phase 'all': the backbone is as it was" in record.getMessage()


def test_a_pass_is_timed_without_compiling(now):
    """The first batch takes a minute, the others half a second; the last one is smaller."""

    def predict_on_batch(images):
        now.seconds += 0.5 if now.seconds else 60

    batches = [(np.zeros(8), None)] * 4 + [(np.zeros(3), None)]
    model = SimpleNamespace(predict_on_batch=predict_on_batch)
    assert seconds_of_a_pass(model, batches, 160) == pytest.approx(10.0)
    assert seconds_of_a_pass(model, batches[:1], 160) == 0.0
