"""Keras's words for our parameters are taken, or the TypeError says ours."""

import numpy as np
import pytest
from public_calls import LABELS, make_network, pixels

import kerascnn
from kerascnn import transfer, visualize
from kerascnn.errors import InputError
from kerascnn.transfer import Phase, fine_tune, fit_head, freeze

DATA = (pixels(), LABELS)
PHASES = (
    Phase(name="head", until="head", epochs=1, learning_rate=1e-3, augment=False),
    Phase(name="all", until=0.0, epochs=5, learning_rate=1e-3),
)


def test_validation_data_is_validation():
    result = fine_tune(make_network(), DATA, validation_data=DATA, phases=PHASES[:1])
    assert "val_loss" in result.history[0]
    model = make_network()
    freeze(model)
    model.compile("adam", "sparse_categorical_crossentropy")
    history = fit_head(model, DATA, validation_data=DATA, epochs=1)
    assert "val_loss" in history.history
    with pytest.raises(InputError, match="`validation` and `validation_data` are the same"):
        fine_tune(make_network(), DATA, DATA, validation_data=DATA)


def test_epochs_and_learning_rate_are_those_of_the_last_phase():
    seen = []

    def prepare(number, phase):
        seen.append((phase.name, phase.epochs, phase.learning_rate))
        return phase

    result = fine_tune(
        make_network(), DATA, phases=PHASES, epochs=2, learning_rate=0.5, prepare=prepare
    )
    assert seen == [("head", 1, 1e-3), ("all", 2, 0.5)]
    assert len(result.history) == 3


@pytest.mark.parametrize("verbose", [0, 1])
def test_verbose_shows_the_progress_of_keras(verbose, capsys):
    fine_tune(make_network(), DATA, phases=PHASES, epochs=1, verbose=verbose)
    assert ("loss" in capsys.readouterr().out) == bool(verbose)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fine_tune(make_network(), x=pixels(), y=LABELS), r"train=\(images, labels\)"),
        (lambda: fine_tune(make_network(), DATA, optimizer="adam"), "AdamW, with weight_decay"),
        (lambda: fine_tune(make_network(), DATA, initial_epoch=2), "epochs_done"),
        (lambda: fine_tune(make_network(), DATA, sample_weight=LABELS), "third element"),
        (lambda: fine_tune(make_network(), DATA, callback=[]), "Did you mean `callbacks`"),
        (lambda: fine_tune(make_network(), DATA, bathc_size=2), "Did you mean `batch_size`"),
        (lambda: fit_head(make_network(), DATA, epochs=1, lr=1.0), "no option `lr`"),
        (lambda: fit_head(make_network(), DATA, epochs=1, learning_rate=1.0), "model.compile"),
        (lambda: transfer.lr_find(make_network(), DATA, epochs=3), "`steps` batches"),
        (lambda: transfer.attach_head(make_network(), num_classes=3), "mean `classes`"),
        (lambda: transfer.predict_tta(make_network(), x=pixels()), "mean `images`"),
        (lambda: kerascnn.train("digits", "LeNet5", validation_data=DATA), "validation_split"),
        (lambda: kerascnn.train("digits", "LeNet5", lr=0.1), "Did you mean `learning_rate`"),
        (lambda: kerascnn.train("digits", "LeNet5", output="x"), "Did you mean `out`"),
        (lambda: visualize.grad_cam(make_network(), pixels(), class_index=1), "mean `classes`"),
        (lambda: visualize.grad_cam(make_network(), pixels(), layer_name="maps"), "mean `layer`"),
        (lambda: visualize.overlay(pixels(), np.zeros(1), alpha=1), "mean `strength`"),
    ],
)
def test_other_words_are_a_type_error_that_says_the_right_one(call, message):
    with pytest.raises(TypeError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_help_shows_the_options():
    import inspect

    assert "validation" in inspect.signature(fine_tune).parameters
    assert "class_weight" in inspect.signature(fit_head).parameters
