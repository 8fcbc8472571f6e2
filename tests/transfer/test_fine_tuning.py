"""Phases: what is trained when, on any model, and interrupted anywhere."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from backbones import backbone, images, of_keras
from keras import layers

import kerascnn
from kerascnn.errors import DataError, InputError
from kerascnn.losses import Crossentropy
from kerascnn.transfer import Phase, attach_head, default_phases, fine_tune
from kerascnn.transfer.keeping import Best

LABELS = np.arange(24) % 3
DATA = (images(24), LABELS)
HELD_OUT = (images(9, seed=5), LABELS[:9])
PHASES = (
    Phase(name="head", until="head", epochs=2, learning_rate=0.05, augment=False),
    Phase(name="top", until="stage2", epochs=1, learning_rate=0.02),
    Phase(name="all", until=0.0, epochs=2, learning_rate=0.02, depth_factor=0.5),
)


def fresh(**options):
    model = attach_head(backbone(), 3, dropout=0.0, **options)
    kernel = model.get_layer("predictions").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    return model


class Watch(keras.callbacks.Callback):
    """Which layers each epoch changed, by their first weight."""

    def __init__(self):
        super().__init__()
        self.changed = []

    def snapshot(self):
        return {
            layer.name: np.array(layer.weights[0]) for layer in self.model.layers if layer.weights
        }

    def on_epoch_begin(self, epoch, logs=None):
        self.before = self.snapshot()

    def on_epoch_end(self, epoch, logs=None):
        after = self.snapshot()
        self.changed.append({n for n, old in self.before.items() if (old != after[n]).any()})


def statistics(model):
    return [np.array(w) for w in model.weights if "moving" in w.path]


@pytest.fixture(scope="module")
def tuned():
    model, watch = fresh(), Watch()
    before = statistics(model)
    result = fine_tune(model, DATA, HELD_OUT, phases=PHASES, callbacks=[watch], batch_size=8)
    return model, watch, before, result


def test_each_phase_trains_what_it_says(tuned):
    _, watch, _, result = tuned
    top = {"predictions", "conv3"}
    everything = {*top, "conv2"}
    assert watch.changed == [{"predictions"}] * 2 + [top] + [everything] * 2
    assert [(row["epoch"], row["phase"]) for row in result.history] == [
        *((1, 1), (2, 1), (3, 2), (4, 3), (5, 3))
    ]
    assert result.cached == ("head",)


def test_statistics_of_batch_norm_are_kept_to_the_bit(tuned):
    model, _, before, _ = tuned
    for old, new in zip(before, statistics(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_statistics_of_batch_norm_move_when_asked():
    model = fresh()
    before = statistics(model)
    result = fine_tune(model, DATA, phases=PHASES[2:], batch_norm="train", batch_size=8)
    assert result.best_epoch == 2
    assert all((old != new).any() for old, new in zip(before, statistics(model), strict=True))


@pytest.mark.parametrize("losses", [(0.5, 0.3, 0.4), (0.3, 0.5, 0.4)])
def test_among_equal_accuracies_the_lowest_validation_loss_is_the_best(losses):
    """As `kerascnn.train` judges its epochs, whose model this must be."""
    best = Best(fresh(), SimpleNamespace(monitor="val_accuracy", rising=True))
    for epoch, loss in enumerate(losses):
        best.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": 0.75, "val_loss": loss})
    assert best.epoch == 1 + losses.index(0.3)
    best.on_epoch_end(3, {"loss": 1.0, "val_accuracy": 0.8, "val_loss": 9.0})
    assert best.epoch == 4


def test_the_model_ends_with_the_weights_of_its_best_epoch(tuned):
    model, _, _, result = tuned
    accuracies = [row["val_accuracy"] for row in result.history]
    keys = [(row["val_accuracy"], -row["val_loss"]) for row in result.history]
    assert result.best_epoch == 1 + keys.index(max(keys))
    found = np.argmax(model(HELD_OUT[0], training=False), axis=1)
    assert np.mean(found == HELD_OUT[1]) == pytest.approx(max(accuracies))


def nested():
    """As the Keras guide builds it."""
    base = backbone()
    inputs = keras.Input(base.input_shape[1:])
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(x)))


def sequential():
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1.0),
            backbone(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("make", [nested, sequential, of_keras])
def test_other_peoples_models(make):
    model = make(3) if make is of_keras else make()
    pixels = np.repeat(np.repeat(images(8), 2, 1), 2, 2) if make is of_keras else images(8)
    phases = (PHASES[0], Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3))
    result = fine_tune(model, (pixels, LABELS[:8]), (pixels, LABELS[:8]), phases=phases)
    assert result.cached == ("head",)
    assert len(result.history) == 3
    assert all(np.isfinite(row["loss"]) for row in result.history)


def test_augmented_images_are_not_cached_and_this_is_said(caplog):
    class Augmented(keras.utils.PyDataset):
        draws = np.random.default_rng(0)

        def __len__(self):
            return 2

        def __getitem__(self, number):
            return images(8) + self.draws.random(), LABELS[:8]

    result = fine_tune(fresh(), Augmented(), phases=PHASES[:1])
    assert result.cached == ()
    assert "features are not cached: the images differ" in caplog.text
    assert len(result.history) == 2


@pytest.mark.parametrize("done", [1, 2, 4])
def test_interrupted_in_any_phase_it_ends_as_if_it_had_not_been(done, tuned, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.save(tmp_path / "model.keras")
            if epoch + 1 == done:
                raise KeyboardInterrupt

    expected = tuned[3]
    settings = {"phases": PHASES, "batch_size": 8}
    with pytest.raises(KeyboardInterrupt):
        fine_tune(fresh(), DATA, HELD_OUT, callbacks=[Interrupt()], **settings)
    model = kerascnn.load_model(tmp_path / "model.keras")
    result = fine_tune(model, DATA, HELD_OUT, epochs_done=done, **settings)
    assert [row["phase"] for row in result.history] == [1, 1, 2, 3, 3][done:]
    for found, row in zip(result.history, expected.history[done:], strict=True):
        assert found["loss"] == pytest.approx(row["loss"], rel=1e-3)
        assert found["val_loss"] == pytest.approx(row["val_loss"], rel=1e-3)


def test_a_phase_can_be_changed_when_it_begins():
    seen = []

    def prepare(number, phase):
        seen.append((number, phase.name))
        return Phase(name="short", until=phase.until, epochs=1, learning_rate=1e-3)

    result = fine_tune(fresh(), DATA, phases=PHASES, prepare=prepare, batch_size=8)
    assert seen == [(1, "head"), (2, "top"), (3, "all")]
    assert [row["phase"] for row in result.history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("task", "labels", "metric"),
    [
        ("multi_label", np.eye(3, dtype="float32")[LABELS], "accuracy"),
        ("regression", np.stack([LABELS] * 3, 1).astype("float32"), "mean_absolute_error"),
    ],
)
def test_other_tasks(task, labels, metric):
    result = fine_tune(fresh(task=task), (DATA[0], labels), (DATA[0], labels), phases=PHASES[:1])
    assert f"val_{metric}" in result.history[-1]
    assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_moving_averages_are_judged_and_kept():
    model = fresh()
    result = fine_tune(model, DATA, HELD_OUT, phases=PHASES[2:], ema=0.9, batch_size=8)
    loss = Crossentropy(0.1)(HELD_OUT[1], model(HELD_OUT[0], training=False))
    best = result.history[result.best_epoch - 1]
    assert float(loss) == pytest.approx(best["val_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"phases": ()}, InputError, "at least one phase"),
        ({"train": (images(3), LABELS)}, DataError, "two arrays of equal length"),
        ({"train": []}, DataError, "no batch"),
    ],
)
def test_unusable_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        fine_tune(fresh(), **{"train": DATA, **arguments})


def test_phases_check_their_numbers():
    with pytest.raises(InputError, match=r"phase 'x': `epochs` must be at least 1"):
        Phase(name="x", until="head", epochs=0, learning_rate=1.0)
    with pytest.raises(InputError, match=r"phase 'x': `learning_rate` must be above 0"):
        Phase(name="x", until="head", epochs=1, learning_rate=0.0)
    assert [phase.name for phase in default_phases()] == ["head", "all"]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_crossentropy_takes_indices_and_rows(smoothing):
    scores = np.random.default_rng(0).dirichlet(np.ones(4), 6).astype("float32")
    classes = np.array([0, 1, 2, 3, 1, 1])
    expected = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(
        np.eye(4)[classes], scores
    )
    loss = Crossentropy(smoothing)
    for labels in (classes, np.eye(4, dtype="float32")[classes]):
        assert float(loss(labels, scores)) == pytest.approx(float(expected), rel=1e-6)
    assert Crossentropy.from_config(loss.get_config()).label_smoothing == smoothing
