"""Learning-rate schedules against closed forms computed by hand."""

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.transfer import OneCycle, WarmupCosine


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


def test_one_cycle_passes_known_points():
    # Start 0.04, peak 1 at 30, end 1e-4 at 100. Half way up: (0.04 + 1) / 2; half way down, at
    # 65: (1 + 1e-4) / 2. A quarter of the way a half cosine has done (1 - cos(45 deg)) / 2.
    schedule = OneCycle(1.0, 100)
    quarter = (1 - np.sqrt(0.5)) / 2
    wanted = [0.04, 0.04 + 0.96 * quarter, 0.52, 1.0, 0.50005, 1e-4, 1e-4]
    np.testing.assert_allclose(rates(schedule, [0, 7.5, 15, 30, 65, 100, 250]), wanted, rtol=1e-5)


def test_one_cycle_equals_pytorch():
    # torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=11, pct_start=4 / 11,
    # div_factor=25, final_div_factor=400): its peak is at step 3, its end at step 10.
    wanted = TORCH
    schedule = OneCycle(0.1, 10, warmup=0.3, start_factor=25, end_factor=25 * 400)
    np.testing.assert_allclose(rates(schedule, range(11)), wanted, rtol=1e-5)


TORCH = [
    *(0.004 + 0.096 * (1 - np.cos(np.pi * i / 3)) / 2 for i in range(4)),
    *(1e-5 + (0.1 - 1e-5) * (1 + np.cos(np.pi * i / 7)) / 2 for i in range(1, 8)),
]


def test_warmup_cosine_passes_known_points():
    # Four steps up by quarters, then a half cosine over the other 16.
    schedule = WarmupCosine(0.2, 20, warmup=0.2)
    wanted = [0.05, 0.1, 0.15, 0.2, 0.2, 0.1, 0.0, 0.0]
    np.testing.assert_allclose(
        rates(schedule, [0, 1, 2, 3, 4, 12, 20, 90]), wanted, rtol=1e-5, atol=1e-8
    )


def test_warmup_can_be_left_out():
    assert rates(WarmupCosine(0.2, 20, warmup=0.0), [0])[0] == pytest.approx(0.2)


@pytest.mark.parametrize("schedule", [OneCycle(0.1, 50, 0.4, 10, 100), WarmupCosine(0.1, 50, 0.1)])
def test_schedules_are_saved_with_their_optimizer(schedule):
    optimizer = keras.optimizers.SGD(schedule)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    steps = range(0, 60, 7)
    found = again._learning_rate
    assert type(found) is type(schedule)
    np.testing.assert_array_equal(rates(found, steps), rates(schedule, steps))


def test_an_optimizer_follows_the_schedule():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    schedule = OneCycle(0.1, 8)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    for step in range(3):
        assert float(model.optimizer.learning_rate) == pytest.approx(float(schedule(step)))
        model.train_on_batch(np.ones((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneCycle(0, 10), "`peak`"),
        (lambda: OneCycle(0.1, 0), "`steps`"),
        (lambda: OneCycle(0.1, 10, warmup=1.0), "`warmup`"),
        (lambda: OneCycle(0.1, 10, end_factor=0.5), "`end_factor`"),
        (lambda: WarmupCosine(0.1, 1.5), "`steps`"),
        (lambda: WarmupCosine(0.1, 10, warmup=1.0), "`warmup`"),
    ],
)
def test_unusable_values_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
