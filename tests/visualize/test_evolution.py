"""What the callback keeps, and what the figures show of it."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import (
    FilterEvolution,
    deconvnet,
    evolution_frames,
    feature_maps,
    filters,
    plot_filter_evolution,
)

IMAGES = np.random.default_rng(0).uniform(size=(6, 8, 8, 3)).astype("float32")
LABELS = np.arange(6) % 2


@pytest.fixture(scope="module")
def trained():
    """A model, the callbacks of its training, and its filters after each epoch."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.Conv2D(5, 3, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    seen = [filters(model, together=True)]
    spy = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(filters(model, together=True))
    )
    callbacks = {
        "default": FilterEvolution(),
        "chosen": FilterEvolution("first", [0, 3], units=2),
        "projected": FilterEvolution("second", [6], images=IMAGES, units=3),
    }
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.learning_rate = 0.5
    fit = {"epochs": 6, "verbose": 0, "callbacks": [spy, *callbacks.values()]}
    model.fit(IMAGES, LABELS, batch_size=6, **fit)
    return model, callbacks, seen


def test_it_keeps_the_filters_of_its_epochs(trained):
    _, callbacks, seen = trained
    assert callbacks["default"].epochs == [0, 1, 2, 4, 6]
    for epoch, pictures in zip([0, 1, 2, 4, 6], callbacks["default"].pictures, strict=True):
        np.testing.assert_array_equal(pictures, seen[epoch])
    assert not np.array_equal(seen[0], seen[6])
    assert callbacks["chosen"].epochs == [0, 3]
    np.testing.assert_array_equal(callbacks["chosen"].pictures[1], seen[3][:2])


def test_projections_are_those_of_the_strongest_image(trained):
    model, callbacks, _ = trained
    (pictures,) = callbacks["projected"].pictures
    assert pictures.shape == (3, 5, 5, 3)
    maps = feature_maps(model, IMAGES, ["second"])["second"]
    for unit in range(3):
        number, row, column = np.unravel_index(maps[..., unit].argmax(), maps.shape[:3])
        whole = deconvnet(model, IMAGES[number : number + 1], "second", unit)[0]
        crop = whole[row : row + 5, column : column + 5]
        peak = np.abs(crop).max() or 1
        np.testing.assert_allclose(pictures[unit], 0.5 + crop / (2 * peak), atol=1e-5)


def test_figures_and_frames_show_each_epoch(trained):
    evolution = trained[1]["default"]
    figure = plot_filter_evolution(evolution, most=3)
    assert [text.get_text() for text in figure.axes[0].texts] == ["epoch 0", "1", "2", "4", "6"]
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (11, 19, 3)
    np.testing.assert_allclose(shown[4:7, 12:15], evolution.pictures[3][1])
    frames = evolution_frames(evolution, columns=2)
    assert frames.shape == (5, 7, 7, 3)
    np.testing.assert_allclose(frames[2, 4:, 4:], evolution.pictures[2][3])


def test_what_cannot_be_shown_is_an_error(trained):
    with pytest.raises(InputError, match="nothing was kept"):
        plot_filter_evolution(FilterEvolution())
    with pytest.raises(InputError, match="need the name of a layer"):
        FilterEvolution(images=IMAGES)
    deep = FilterEvolution("second")
    deep.set_model(trained[0])
    deep.on_train_begin()
    with pytest.raises(InputError, match="filters of 4 inputs"):
        evolution_frames(deep)
