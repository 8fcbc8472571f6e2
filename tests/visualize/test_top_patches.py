"""Top patches against a sort of everything, and their boxes against derivatives and arithmetic."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerascnn
from kerascnn.arithmetic import Window, receptive_field
from kerascnn.errors import InputError
from kerascnn.visualize import deconvnet, feature_maps, plot_top_patches, top_patches
from kerascnn.visualize.fields import receptive_box
from kerascnn.visualize.inside.gradient import gradient

IMAGES = np.random.default_rng(0).integers(0, 256, (25, 12, 11, 3), np.uint8)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((12, 11, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(6, 2, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, name="dense"),
        ]
    )


def test_they_are_the_best_of_a_sort_of_all_images(model):
    maps = feature_maps(model, IMAGES, ["second"])["second"]  # [25, 5, 4, 6]
    top = top_patches(model, IMAGES, "second", 4, batch_size=7)
    assert top.units == (0, 1, 2, 3, 4, 5)
    assert top.patches.dtype == np.uint8
    assert top.patches.shape == (6, 4, 6, 6, 3)
    assert top.projections is None
    for unit in range(6):
        peaks = maps[..., unit].max((1, 2))
        best = sorted(range(25), key=lambda number: -peaks[number])[:4]
        np.testing.assert_allclose(top.values[unit], peaks[best], rtol=1e-5)
        assert top.images[unit].tolist() == best
        for place, number in enumerate(best):
            row, column = np.unravel_index(maps[number, ..., unit].argmax(), (5, 4))
            box = [2 * row - 1, 2 * column - 1, 2 * row + 5, 2 * column + 5]
            assert top.boxes[unit, place].tolist() == box
            padded = np.pad(IMAGES[number], ((1, 1), (1, 1), (0, 0)))
            wanted = padded[box[0] + 1 : box[2] + 1, box[1] + 1 : box[3] + 1]
            np.testing.assert_array_equal(top.patches[unit, place], wanted)


def test_a_data_set_gives_the_same_as_an_array(model):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((IMAGES, np.zeros(25))).batch(6)
    from_data, from_array = (top_patches(model, source, "second", 3) for source in (data, IMAGES))
    np.testing.assert_array_equal(from_data.images, from_array.images)
    np.testing.assert_array_equal(from_data.patches, from_array.patches)


def test_of_a_dense_layer_they_are_whole_images(model):
    scores = np.asarray(model(IMAGES))
    top = top_patches(model, IMAGES, "dense", 2, units=[3])
    assert top.images.tolist() == [np.argsort(-scores[:, 3])[:2].tolist()]
    np.testing.assert_array_equal(top.patches[0, 1], IMAGES[top.images[0, 1]])


def test_projections_are_deconvnets_in_the_same_boxes(model):
    top = top_patches(model, IMAGES, "second", 2, units=[5, 1], projections=True, batch_size=3)
    assert top.projections.shape == top.patches.shape
    whole = deconvnet(model, IMAGES[top.images[0]], "second", 5)
    for number in range(2):
        first_row, first_column, last_row, last_column = top.boxes[0, number]
        padded = np.pad(whole[number], ((1, 1), (1, 1), (0, 0)))
        wanted = padded[first_row + 1 : last_row + 1, first_column + 1 : last_column + 1]
        np.testing.assert_allclose(top.projections[0, number], wanted, atol=1e-6)
        outside = whole[number].copy()  # nothing is projected out of the receptive field
        outside[max(first_row, 0) : last_row, max(first_column, 0) : last_column] = 0
        assert not outside.any()


def test_only_images_that_are_still_among_the_best_are_kept(model):
    from kerascnn.visualize.strongest import Strongest

    best = Strongest(2, np.arange(6), maps=True)
    for start in range(0, 25, 5):
        batch = IMAGES[start : start + 5]
        best.add(batch, feature_maps(model, batch, ["second"])["second"])
        assert set(best.kept) == set(best.numbers.ravel().tolist())
    assert len(best.kept) <= 12


def positive(model):
    """All weights positive and the ReLUs open: every pixel of a field has a derivative."""
    for layer in model.layers:
        layer.set_weights([np.abs(w) + 0.1 for w in layer.get_weights()])
    return model


def branches():
    inputs = keras.Input((16, 15, 1))
    x = layers.Conv2D(2, 3, strides=2, padding="same")(
        layers.ZeroPadding2D(((1, 0), (2, 1)))(inputs)
    )
    wide = layers.Conv2D(2, 3, dilation_rate=2, padding="same")(x)
    x = layers.Concatenate()([wide, layers.Conv2D(2, 1)(x)])
    x = layers.AveragePooling2D(3, 2, padding="same")(x)
    x = layers.Cropping2D(((1, 0), (0, 1)))(layers.UpSampling2D(2)(x))
    return keras.Model(inputs, layers.Conv2D(2, 2, name="end")(x))


def chain():
    middle = [
        layers.Conv2D(2, (5, 3), strides=(2, 1), padding="same"),
        layers.AveragePooling2D((2, 3)),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(2, 2, name="end"),
    ]
    return keras.Sequential([keras.Input((16, 15, 1)), *middle])


@pytest.mark.parametrize("build", [branches, chain])
def test_boxes_hold_every_pixel_that_moves_a_unit_and_no_more(build):
    model = positive(build())
    spans = receptive_box(model, "end")
    image = ops.ones((1, 16, 15, 1))
    height, width = model.output_shape[1:3]
    for row, column in np.ndindex(height, width):
        slopes = gradient(lambda x, r=row, c=column: ops.sum(model(x)[0, r, c]), image)
        for axis, (span, unit) in enumerate(zip(spans, (row, column), strict=True)):
            moved = np.flatnonzero(np.asarray(slopes)[0, ..., 0].any(1 - axis))
            first, behind = span.of(unit)
            assert max(first, 0) <= moved.min()
            assert moved.max() < min(behind, image.shape[axis + 1])
            if build is chain:  # without upsampling the box is exact
                assert (max(first, 0), min(behind, image.shape[axis + 1])) == (
                    moved.min(),
                    moved.max() + 1,
                )


def test_a_chain_is_that_of_the_arithmetic():
    model = kerascnn.models.AlexNet(include_top=False, input_shape=(67, 67, 3), groups=1)
    chain = [Window(11, 4), Window(3, 2), Window(5, padding=2), Window(3, 2)]
    chain += [Window(3, padding=1)] * 3
    wanted = receptive_field(chain)
    span, _ = receptive_box(model, "conv5_conv")
    assert (span.high - span.low + 1, span.jump) == (wanted.size, wanted.jump)
    assert (span.high + span.low) / 2 == wanted.start


def test_what_does_not_fit_is_said(model):
    with pytest.raises(InputError, match=r"at least count=26 images\. Received: 25"):
        top_patches(model, IMAGES, "second", 26)
    with pytest.raises(InputError, match="from 0 to 5"):
        top_patches(model, IMAGES, "second", 2, units=[6])
    with pytest.raises(InputError, match="several sizes"):
        top_patches(
            keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, name="conv")]),
            [IMAGES[:5], IMAGES[:5, 1:]],
            "conv",
            2,
        )


def test_the_figure_has_a_block_for_each_unit(model):
    top = top_patches(model, IMAGES, "second", 4, units=[2, 4], projections=True)
    figure = plot_top_patches(top, columns=2)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["second, unit 2", "second, unit 4"]
    shown = figure.axes[1].images[0].get_array()
    assert shown.shape == (13, 28, 3)
    np.testing.assert_allclose(shown[:6, 15:21], top.patches[1, 0] / 255, atol=1e-6)


def test_a_model_of_any_size_says_that_it_needs_one():
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3, name="maps")])
    with pytest.raises(InputError, match="Build it for one size"):
        top_patches(model, np.ones((2, 6, 6, 1), "float32"), "maps", 1)
