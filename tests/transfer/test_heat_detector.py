"""CenterNet and FOMO upon backbones: their outputs, their forms, and what they refuse."""

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn.data.heat_targets import encode_heat
from kerascnn.errors import InputError
from kerascnn.layers import HeatPeaks
from kerascnn.losses import HeatmapLoss
from kerascnn.tasks.boxes import Row
from kerascnn.transfer import attach_centernet, attach_fomo
from kerascnn.transfer.detector import inference_form, training_form
from kerascnn.transfer.heat_detector import cells


def tiny_backbone(size=(64, 96)):
    """Strides 2 to 32 in a few channels."""
    x = images = keras.Input((*size, 3))
    for level in range(1, 6):
        x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"c{level}")(x)
    return keras.Model(images, x, name="tiny")


@pytest.mark.parametrize(
    ("attach", "grid", "name"),
    [(attach_centernet, (16, 24), "tiny_centernet"), (attach_fomo, (8, 12), "tiny_fomo")],
)
def test_both_forms_share_weights_and_survive_saving(attach, grid, name, tmp_path):
    model = attach(tiny_backbone(), 3, channels=8)
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3)).astype("uint8")
    scores, boxes = model.predict(images, verbose=0)
    count = grid[0] * grid[1]
    assert (scores.shape, boxes.shape) == ((2, count, 3), (2, count, 4))
    assert (model.name, cells(model)) == (name, grid)
    training = training_form(model)
    assert training.output_shape == (None, count, 7)
    training.save(tmp_path / "training.keras")
    again = inference_form(kerascnn.load_model(tmp_path / "training.keras"))
    for got, wanted in zip(again.predict(images, verbose=0), (scores, boxes), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    has_peaks = any(isinstance(layer, HeatPeaks) for layer in again.layers)
    assert has_peaks == (attach is attach_centernet)


def test_fomo_leaves_the_deep_layers_out():
    names = [layer.name for layer in attach_fomo(tiny_backbone(), 2).layers]
    assert "c3" in names
    assert "c4" not in names


def test_peaks_are_cells_that_no_neighbour_surpasses():
    maps = np.random.default_rng(0).random((2, 5, 4, 3)).astype("float32")
    got = np.asarray(HeatPeaks(5, 4)(maps.reshape(2, 20, 3))).reshape(maps.shape)
    for image, row, column, one in np.ndindex(*maps.shape):
        around = maps[image, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2, one]
        value = maps[image, row, column, one]
        assert got[image, row, column, one] == (value if value == around.max() else 0)


def test_it_is_trained_by_plain_fit():
    keras.utils.set_random_seed(0)
    model = attach_centernet(tiny_backbone((32, 32)), 1, channels=8)
    training = training_form(model)
    rows = np.zeros((4, 1, len(Row)), np.float32)
    rows[:, 0, :4] = (0.2, 0.3, 0.6, 0.8)
    images = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3)).astype("float32")
    training.compile(keras.optimizers.Adam(0.01), HeatmapLoss(cells(model)))
    labels = encode_heat(rows, cells(model), 1).numpy()
    history = training.fit(images, labels, epochs=8, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < 0.7 * history[0]


@pytest.mark.parametrize(
    ("attach", "backbone", "options", "message"),
    [
        (attach_centernet, tiny_backbone, {"classes": 0}, "`classes`"),
        (attach_fomo, tiny_backbone, {"channels": 1.5}, "`channels`"),
        (attach_centernet, lambda: tiny_backbone((None, None)), {}, "known image size"),
        (
            attach_fomo,
            lambda: keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Conv2D(4, 3, 2)]),
            {},
            "maps of 1/8 of",
        ),
    ],
)
def test_what_cannot_be_is_said(attach, backbone, options, message):
    with pytest.raises(InputError, match=message):
        attach(backbone(), **{"classes": 3, **options})


def test_another_model_has_no_cells():
    with pytest.raises(InputError, match="no detector of `attach_centernet`"):
        cells(tiny_backbone())
