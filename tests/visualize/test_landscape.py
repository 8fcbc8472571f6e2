"""Loss landscapes where they are known: of a linear model, a paraboloid."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import loss_landscape, plot_loss_landscape
from kerascnn.visualize.landscape import filter_normalized

RNG = np.random.default_rng(0)


def linear_model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((5,)), layers.Dense(3, name="dense")])


@pytest.mark.parametrize("directions", [1, 2])
def test_a_linear_model_has_a_paraboloid(directions):
    model, x, y = linear_model(), RNG.normal(size=(20, 5)), RNG.normal(size=(20, 3))
    found = loss_landscape(
        model, "mse", x, y, directions=directions, span=0.8, points=5, batch_size=7, seed=3
    )
    np.testing.assert_allclose(found.steps, [-0.8, -0.4, 0, 0.4, 0.8])
    kernel, bias = (np.asarray(w, np.float64) for w in model.get_weights())
    generator = np.random.default_rng(3)
    ways = [filter_normalized(kernel, generator) for _ in range(directions)]
    for place in np.ndindex(*[5] * directions):
        moved = kernel + sum(found.steps[i] * way for i, way in zip(place, ways, strict=True))
        error = x @ moved + bias - y
        assert found.losses[place] == pytest.approx((error**2).mean(), rel=1e-5)
    if directions == 1:  # second differences of a parabola are equal
        np.testing.assert_allclose(np.diff(found.losses, 3), 0, atol=1e-5)


def test_each_filter_of_a_direction_has_the_norm_of_the_filter():
    weights = RNG.normal(size=(3, 3, 4, 6)) * np.arange(6)
    direction = filter_normalized(weights, np.random.default_rng(0))
    for number in range(6):
        wanted = np.linalg.norm(weights[..., number])
        assert np.linalg.norm(direction[..., number]) == pytest.approx(wanted)


def conv_model():
    keras.utils.set_random_seed(1)
    body = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
    return keras.Sequential([keras.Input((6, 6, 1)), keras.Sequential(body), *head])


def test_the_middle_is_the_model_and_it_is_left_as_it_was():
    model = conv_model()
    x, y = RNG.normal(size=(10, 6, 6, 1)).astype("float32"), np.arange(10) % 2
    before = model.get_weights()
    found = loss_landscape(model, "sparse_categorical_crossentropy", x, y, points=3)
    probabilities = np.asarray(model(x))[np.arange(10), y]
    assert found.losses[1] == pytest.approx(-np.log(probabilities).mean(), rel=1e-5)
    assert len(set(found.losses)) == 3
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directions": 3}, "directions of 1 or 2"),
        ({"points": 4}, "odd number of points"),
        ({"span": 0.0}, "span above 0"),
        ({"y": np.zeros((3, 3))}, "Received: 4 and an array"),
    ],
)
def test_what_does_not_fit_is_said(options, message):
    given = {"x": np.zeros((4, 5)), "y": np.zeros((4, 3)), **options}
    with pytest.raises(InputError, match=message):
        loss_landscape(linear_model(), "mse", **given)


def test_a_model_that_learns_nothing_is_an_error():
    model = linear_model()
    model.trainable = False
    with pytest.raises(InputError, match="no trainable kernels"):
        loss_landscape(model, "mse", np.zeros((2, 5)), np.zeros((2, 3)))


def test_figures_show_the_losses():
    model, x, y = linear_model(), RNG.normal(size=(20, 5)), RNG.normal(size=(20, 3))
    line = loss_landscape(model, "mse", x, y, points=5)
    axes = plot_loss_landscape(line, "a line").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), line.losses)
    assert axes.get_title(loc="left") == "a line"
    grid = loss_landscape(model, "mse", x, y, points=5, directions=2)
    figure = plot_loss_landscape(grid)
    assert figure.axes[0].get_ylabel() == "second direction"
    figure.canvas.draw()


def test_a_depthwise_kernel_holds_a_filter_for_each_channel():
    """One channel's filter is a hundred times the other's, and so is its part of the direction."""
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.DepthwiseConv2D(3, use_bias=False), layers.Flatten()]
    )
    kernel = np.ones((3, 3, 2, 1)) * [[[[1.0], [100.0]]]]
    model.set_weights([kernel])
    x, y = np.zeros((1, 4, 4, 2)), np.zeros((1, 8))
    x[..., 0] = 1  # only the weak filter is seen
    found = loss_landscape(model, "mse", x, y, points=3, seed=4)
    drawn = np.random.default_rng(4).normal(size=kernel.shape)[..., 0, 0]
    moved = kernel[..., 0, 0] + 3 * drawn / np.linalg.norm(drawn)  # the filter's norm is 3
    assert found.losses[2] == pytest.approx(moved.sum() ** 2 / 2, rel=1e-5)


def test_losses_that_have_no_mean_are_an_error():
    x, y = np.zeros((4, 5)), np.zeros((4, 3))
    with pytest.raises(InputError, match=r"no loss of Keras. Received: 'nothing'"):
        loss_landscape(linear_model(), "nothing", x, y)
    with pytest.raises(InputError, match="grows with the batch"):
        loss_landscape(linear_model(), keras.losses.MeanSquaredError(reduction="sum"), x, y)
