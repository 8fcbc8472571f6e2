"""The effective receptive field against the arithmetic of the theoretical one."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import arithmetic
from kerascnn.arithmetic import Window
from kerascnn.errors import InputError
from kerascnn.models import LeNet5
from kerascnn.profile import profile
from kerascnn.properties import effective_receptive_field

IMAGES = np.random.default_rng(0).normal(size=(2, 33, 33, 3)).astype("float32")


def linear(chain):
    """Convolutions with positive weights: nothing cancels out."""
    inputs = x = keras.Input((33, 33, 3))
    for window in chain:
        x = layers.ZeroPadding2D(window.padding)(x) if window.padding else x
        x = layers.Conv2D(
            2,
            window.size,
            window.stride,
            dilation_rate=window.dilation,
            kernel_initializer=keras.initializers.RandomUniform(0.1, 1.0, seed=1),
        )(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    "chain",
    [
        [Window(3)],
        [Window(3), Window(3), Window(3)],
        [Window(5, 2, 2), Window(3, 1, 1)],
        [Window(3, 2), Window(3, 2), Window(2)],
        [Window(3, dilation=2, padding=2), Window(3)],
    ],
)
def test_a_linear_net_sees_what_the_arithmetic_says(chain):
    field = arithmetic.receptive_field(chain)
    for position in ((3, 3), (2, 4)):
        found = effective_receptive_field(linear(chain), IMAGES, position=position)
        first = field.start + np.array(position) * field.jump
        inside = (field.size - 1) / 2
        if (first - inside).min() < 0 or (first + inside).max() > 32:
            continue  # cut off by the border of the image
        assert found.extent == (field.size, field.size)
        assert found.centre == tuple(first)
        assert found.position == position


def test_the_influence_is_the_product_of_the_kernels():
    ones = {"kernel_initializer": "ones", "use_bias": False}
    model = keras.Sequential([keras.Input((33, 33, 3)), *[layers.Conv2D(1, 3, **ones)] * 1])
    found = effective_receptive_field(model, IMAGES)
    assert np.unique(found.influence).tolist() == [0, 1]
    assert found.size == 3
    two = keras.Sequential([keras.Input((33, 33, 3)), *[layers.Conv2D(1, 3, **ones) for _ in "ab"]])
    found = effective_receptive_field(two, IMAGES)
    triangle = np.array([1, 2, 3, 2, 1]) / 3  # 1 1 1 convolved with 1 1 1
    row, column = (int(side) for side in found.centre)
    square = found.influence[row - 2 : row + 3, column - 2 : column + 3]
    np.testing.assert_allclose(square, np.outer(triangle, triangle), atol=1e-6)


def test_opposite_slopes_do_not_cancel_out():
    layer = layers.Conv2D(1, 3, use_bias=False)
    model = keras.Sequential([keras.Input((33, 33, 3)), layer])
    kernel = np.zeros((3, 3, 3, 1), "float32")
    kernel[..., 0, 0], kernel[..., 1, 0] = 1.0, -1.0
    layer.set_weights([kernel])
    found = effective_receptive_field(model, IMAGES, position=(0, 0))
    assert np.array_equal(np.argwhere(found.influence), np.argwhere(np.ones((3, 3))))


def test_it_is_a_bell_much_smaller_than_the_theoretical_field():
    """Figure 1 of the paper: in units of the field, it shrinks with depth."""
    shares = []
    for depth in (2, 5, 10):
        chain = [Window(3)] * depth
        share = effective_receptive_field(linear(chain), IMAGES).size / (2 * depth + 1)
        shares.append(share)
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.8


def test_nested_layers_with_rectifiers_and_a_model_with_preprocessing_inside():
    keras.utils.set_random_seed(0)
    model = LeNet5()
    rows = {row.name: row for row in profile(model)}
    photos = np.random.default_rng(1).uniform(0, 255, (4, *model.input_shape[1:]))
    for name in ("c1", "s2", "c3"):
        found = effective_receptive_field(model, photos, layer=name)
        assert max(found.extent) == rows[name].receptive_field
    outer = keras.Sequential([keras.Input(model.input_shape[1:]), model])
    np.testing.assert_allclose(
        effective_receptive_field(outer, photos, layer="c3").influence, found.influence, atol=1e-6
    )


def test_what_cannot_be_measured_is_refused():
    model = linear([Window(3)])
    with pytest.raises(InputError, match="`position` must lie in maps of 31x31"):
        effective_receptive_field(model, IMAGES, position=(31, 0))
    flat = keras.Sequential([keras.Input((33, 33, 3)), layers.Flatten()])
    with pytest.raises(InputError, match="a receptive field needs maps"):
        effective_receptive_field(flat, IMAGES)
    silent = keras.Sequential([keras.Input((33, 33, 3)), layers.ReLU()])
    with pytest.raises(InputError, match="no pixel moves position"):
        effective_receptive_field(silent, -np.abs(IMAGES))
