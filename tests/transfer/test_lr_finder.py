"""The range test finds a rate that trains, and leaves no trace."""

import keras
import numpy as np
import pytest
from backbones import backbone, images
from keras import layers

from kerascnn.errors import InputError, TrainingError
from kerascnn.transfer import LayerwiseLearningRate, OneCycle, attach_head, freeze, lr_find
from kerascnn.transfer.lr_finder import _smoothed

CLASSES = np.arange(32) % 3


def classifier(optimizer="adam", eager=True):
    model = attach_head(backbone(), 3, dropout=0.3)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
    )
    return model


def quadratic():
    """Loss w^2 per image: plain gradient descent diverges above the rate 1."""
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(), "mse", run_eagerly=True)
    model.set_weights([np.ones((1, 1))])
    return model


ONES = (np.ones((4, 1), "float32"), np.zeros((4, 1), "float32"))


def test_the_losses_are_those_of_gradient_descent():
    curve = lr_find(quadratic(), ONES, lowest=1e-3, highest=1e-1, steps=11, batch_size=4)
    np.testing.assert_allclose(curve.rates, 10 ** np.linspace(-3, -1, 11))
    weight, wanted = 1.0, []
    for rate in curve.rates:
        wanted.append(weight**2)
        weight -= rate * 2 * weight
    np.testing.assert_allclose(curve.losses, wanted, rtol=1e-5)
    assert not curve.diverged


def test_the_test_ends_when_the_loss_diverges():
    curve = lr_find(quadratic(), ONES, lowest=1e-3, highest=1e4, steps=60, smoothing=0.5)
    assert curve.diverged
    assert len(curve.losses) == len(curve.rates) == len(curve.smoothed) < 60
    assert 1 < curve.rates[-1] < 100
    assert 1e-2 < curve.suggestion < 0.5


def test_nothing_of_the_model_is_changed():
    model = classifier(eager=False)
    model.fit(images(8), CLASSES[:8], verbose=0)
    optimizer, function = model.optimizer, model.train_function
    before = [np.array(variable) for variable in (*model.variables, *optimizer.variables)]
    metrics = [np.array(variable) for variable in model.metrics_variables]
    config = model.get_compile_config()
    lr_find(model, (images(32), CLASSES), steps=10, batch_size=8)
    assert model.optimizer is optimizer
    assert model.train_function is function
    assert model.get_compile_config() == config
    after = [np.array(variable) for variable in (*model.variables, *optimizer.variables)]
    for old, new in zip((*before, *metrics), (*after, *model.metrics_variables), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_optimizer_that_has_not_trained_stays_so():
    model = classifier(LayerwiseLearningRate(keras.optimizers.SGD(OneCycle(0.1, 9)), {"conv2": 0}))
    lr_find(model, (images(32), CLASSES), steps=10)
    assert not model.optimizer.built
    assert isinstance(model.optimizer._learning_rate, OneCycle)


def test_weights_are_put_back_after_an_error():
    model = classifier()
    before = model.get_weights()

    def batches():
        yield images(4), CLASSES[:4]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        lr_find(model, batches(), steps=10)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_layers_and_multipliers_are_kept(monkeypatch):
    model = classifier()
    freeze(model)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
    seen = []
    original = keras.optimizers.SGD.build
    monkeypatch.setattr(
        keras.optimizers.SGD,
        "build",
        lambda self, variables: (seen.extend(v.path for v in variables), original(self, variables)),
    )
    lr_find(model, (images(32), CLASSES), steps=10)
    assert seen == ["predictions/kernel", "predictions/bias"]


def test_no_more_batches_are_taken_than_steps():
    taken = []

    def batches():
        for number in range(99):
            taken.append(number)
            yield images(4, seed=number), CLASSES[:4]

    lr_find(classifier(), batches(), steps=12, highest=1e-3)
    assert len(taken) == 12


def test_tensorflow_datasets_begin_again():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((images(8), CLASSES[:8])).batch(4)
    curve = lr_find(classifier(), data, steps=10, highest=1e-3)
    assert len(curve.rates) == 10


def test_the_moving_average_has_no_pull_to_its_start():
    assert _smoothed([2.0, 2.0, 2.0], 0.9) == pytest.approx([2, 2, 2])
    assert _smoothed([1.0, 3.0], 0.5) == pytest.approx([1.0, (0.25 * 1 + 0.5 * 3) / 0.75])


def test_the_suggestion_is_a_tenth_of_the_best_rate():
    curve = lr_find(quadratic(), ONES, lowest=1e-3, highest=1e4, steps=60)
    best = curve.rates[int(np.argmin(curve.smoothed))]
    assert curve.suggestion == pytest.approx(best / 10)


def test_a_loss_that_never_falls_is_told():
    model = quadratic()
    model.set_weights([np.zeros((1, 1))])
    with pytest.raises(TrainingError, match="did not fall"):
        lr_find(model, ONES, steps=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 0}, "`lowest` < `highest`"),
        ({"steps": 5}, "at least 10"),
        ({"smoothing": 1.0}, r"\[0, 1\)"),
        ({"data": 3}, "`data` must be batches"),
        ({"data": [np.ones(3)]}, "batches"),
        ({"data": []}, "ended before"),
        ({"data": (images(3), CLASSES)}, "as many"),
        ({"data": iter([(images(4), CLASSES[:4])] * 3)}, "ended before"),
    ],
)
def test_unusable_values_are_refused(options, message):
    arguments = {"data": (images(32), CLASSES), "steps": 10, **options}
    with pytest.raises(InputError, match=message):
        lr_find(classifier(), **arguments)


def test_unusable_models_are_refused():
    with pytest.raises(InputError, match="built and compiled"):
        lr_find(attach_head(backbone(), 3), (images(32), CLASSES))

    class Own(keras.Model):
        def train_step(self, *data):
            return {}

    inputs = keras.Input((4,))
    own = Own(inputs, layers.Dense(1)(inputs))
    own.compile("sgd", "mse")
    with pytest.raises(InputError, match="`train_step` of its own"):
        lr_find(own, (np.ones((4, 4)), np.ones(4)))


def test_a_loss_that_is_not_a_number_is_told():
    model = quadratic()
    model.set_weights([np.full((1, 1), np.inf)])
    with pytest.raises(TrainingError, match="not a number"):
        lr_find(model, ONES, steps=10)
