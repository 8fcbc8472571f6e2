"""A head trained on cached features is the head that `fit` on the whole model gives."""

import keras
import numpy as np
import pytest
from backbones import backbone, images

from kerascnn.errors import InputError
from kerascnn.transfer import attach_head, fit_head, freeze, judge, mirrored, original
from kerascnn.transfer.feeding.batches import RowBatches

LABELS = np.arange(12) % 3
EPOCHS = 4


def compiled():
    model = attach_head(backbone(), 3, dropout=0.0)
    freeze(model, "head")
    keras.utils.set_random_seed(3)
    kernel = model.get_layer("predictions").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    model.compile(
        keras.optimizers.AdamW(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def test_it_equals_fit_on_the_whole_model():
    pixels, held_out = images(12), images(6, seed=9)
    model = compiled()
    frozen = [np.array(layer.get_weights()[0]) for layer in model.layers if "conv" in layer.name]
    found = fit_head(
        model,
        (pixels, LABELS),
        (held_out, LABELS[:6]),
        epochs=EPOCHS,
        batch_size=5,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        seed=7,
    ).history
    plain = compiled()
    # The same images in the same order: in every second epoch, mirrored.
    data = RowBatches([pixels, mirrored(pixels)], LABELS, 5, seed=7)
    expected = plain.fit(
        data.epochs(0, EPOCHS),
        steps_per_epoch=len(data),
        validation_data=(held_out, LABELS[:6]),
        epochs=EPOCHS,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        verbose=0,
        shuffle=False,
    ).history
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, atol=1e-6, err_msg=name)
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    now = [layer.get_weights()[0] for layer in model.layers if "conv" in layer.name]
    for before, after in zip(frozen, now, strict=True):
        np.testing.assert_array_equal(before, after)


def test_callbacks_see_the_whole_model_and_can_stop_it():
    model, seen = compiled(), []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model is model, self.params["epochs"], sorted(logs)))
            self.model.stop_training = epoch == 1

    history = fit_head(model, (images(12), LABELS), epochs=9, views=[original], callbacks=[Stop()])
    assert seen == [(True, 9, ["accuracy", "loss"])] * 2
    assert history.epoch == [0, 1]


def test_a_folder_keeps_the_features_for_the_next_call(tmp_path):
    for _ in range(2):
        fit_head(compiled(), (images(12), LABELS), epochs=1, cache=tmp_path)
        assert len(list(tmp_path.iterdir())) == 1


def test_a_backbone_that_is_trained_is_refused():
    model = attach_head(backbone(), 3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(InputError, match=r"not frozen: 'conv2' and 3 more .*freeze\(model\)"):
        fit_head(model, (images(12), LABELS), epochs=1)


def test_a_model_that_is_not_compiled_is_refused():
    model = attach_head(backbone(), 3)
    freeze(model, "head")
    with pytest.raises(InputError, match="not compiled"):
        fit_head(model, (images(12), LABELS), epochs=1)


class Events(keras.callbacks.Callback):
    """Remembers which validation events there were, and the figures at the end of an epoch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_test_begin(self, logs=None):
        self.seen.append("begin")

    def on_test_batch_end(self, batch, logs=None):
        self.seen.append(("batch", batch))

    def on_test_end(self, logs=None):
        self.seen.append(("end", sorted(logs)))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("epoch", sorted(logs)))


def test_few_features_are_judged_as_many_are(monkeypatch):
    pixels, held_out = images(12), images(6, seed=9)
    found, events = [], []
    for most in (2**20, 0):
        monkeypatch.setattr(judge, "MOST_BYTES", most)
        model, watcher = compiled(), Events()
        data = ((pixels, LABELS), (held_out, LABELS[:6]))
        history = fit_head(model, *data, epochs=2, batch_size=5, callbacks=[watcher])
        found.append(history.history)
        events.append(watcher.seen)
    assert found[0].keys() == found[1].keys() == {"accuracy", "loss", "val_accuracy", "val_loss"}
    for name, values in found[0].items():
        np.testing.assert_allclose(values, found[1][name], rtol=1e-5, err_msg=name)
    assert events[0] == events[1]
    assert events[0][:2] == ["begin", ("batch", 0)]
