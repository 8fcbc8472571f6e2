"""The layer and its backward pass, by hand, against Keras's layers and automatic derivatives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerascnn import signal
from kerascnn.errors import InputError

RNG = np.random.default_rng(0)
OPTIONS = [
    pytest.param((7, 8), (3, 3), 1, 0, 1, id="plain"),
    pytest.param((7, 8), (3, 2), 2, 1, 1, id="stride and padding"),
    pytest.param((9, 9), (3, 3), 1, 2, 2, id="dilation"),
    pytest.param((8, 8), (2, 3), 3, 0, 1, id="stride beyond the kernel, pixels left over"),
    pytest.param((4, 5), (1, 1), 1, 0, 1, id="1x1"),
]


def by_tensorflow(images, kernel, bias, weights, stride, padding, dilation):
    """Output and derivatives of sum(weights * layer), in float64."""
    values = [tf.constant(value) for value in (images, kernel, bias)]
    window = kernel.shape[:2]
    with tf.GradientTape() as tape:
        tape.watch(values)
        padded = tf.pad(values[0], [[0, 0], [padding] * 2, [padding] * 2, [0, 0]])
        # TensorFlow's CPU has no derivative of dilation: zeros between the taps do the same.
        spread = [np.eye(dilation * k)[:, ::dilation][: dilation * (k - 1) + 1] for k in window]
        wide = tf.einsum("am,bn,mncf->abcf", *spread, values[1])
        output = tf.nn.conv2d(padded, wide, stride, "VALID") + values[2]
        loss = tf.reduce_sum(output * weights)
    return output.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, values)]


@pytest.mark.parametrize(("image", "window", "stride", "padding", "dilation"), OPTIONS)
def test_forward_and_backward_are_those_of_autodiff(image, window, stride, padding, dilation):
    images, kernel = RNG.normal(size=(2, *image, 3)), RNG.normal(size=(*window, 3, 4))
    bias = RNG.normal(size=4)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    output = signal.conv2d(images, kernel, bias, **options)
    weights = RNG.normal(size=output.shape)
    wanted, derivatives = by_tensorflow(images, kernel, bias, weights, **options)
    np.testing.assert_allclose(output, wanted, atol=1e-12)
    back = signal.conv2d_backward(weights, images, kernel, **options)
    for found, derivative in zip((back.images, back.kernel, back.bias), derivatives, strict=True):
        np.testing.assert_allclose(found, derivative, atol=1e-12)


def test_a_layer_of_keras_gives_the_same():
    images = RNG.normal(size=(2, 7, 7, 3)).astype("float32")
    layer = keras.layers.Conv2D(2, 3, strides=2)
    theirs = np.asarray(layer(images))
    assert theirs.shape == (2, 3, 3, 2)  # lecture 1: 7x7x3 with its padding to 3x3x2
    kernel, bias = (np.asarray(weight) for weight in layer.weights)
    np.testing.assert_allclose(signal.conv2d(images, kernel, bias, 2), theirs, atol=1e-5)


@pytest.mark.parametrize(("image", "window", "stride", "padding", "dilation"), OPTIONS)
def test_shared_weights_add_up(image, window, stride, padding, dilation):
    """Lecture 2: each position has its gradient; together they move the shared weights."""
    images = RNG.normal(size=(2, *image, 3))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    kernel = RNG.normal(size=(*window, 3, 2))
    gradient = RNG.normal(size=signal.conv2d(images, kernel, **options).shape)
    alone = signal.kernel_gradient_by_position(gradient, images, window, **options)
    assert alone.shape == (*gradient.shape[1:3], *kernel.shape)
    together = signal.conv2d_backward(gradient, images, kernel, **options).kernel
    np.testing.assert_allclose(alone.sum((0, 1)), together, atol=1e-12)
    if padding == 0 and dilation == 1:  # one position, from the definition
        row, column = (size - 1 for size in gradient.shape[1:3])
        top, left = row * stride, column * stride
        patch = images[:, top : top + window[0], left : left + window[1]]
        wanted = np.einsum("bmnc,bf->mncf", patch, gradient[:, row, column])
        np.testing.assert_allclose(alone[row, column], wanted, atol=1e-12)


def test_the_shared_weight_of_the_lecture():
    """Lecture 3: w1 = w2 = w on two paths to one loss; the derivatives of the paths add up."""
    x = np.array([2.0, -3.0]).reshape(1, 1, 2, 1)
    w = np.full((1, 1, 1, 1), 0.5)
    a = signal.conv2d(x, w)  # a1 = w x1, a2 = w x2; o = a1^2 + 3 a2
    along = np.array([2 * a[0, 0, 0, 0], 3.0]).reshape(1, 1, 2, 1)
    paths = signal.kernel_gradient_by_position(along, x, (1, 1)).ravel()
    assert paths.tolist() == [2 * (0.5 * 2) * 2, 3 * -3]
    assert signal.conv2d_backward(along, x, w).kernel.item() == sum(paths) == -5.0


def test_a_bank_of_filters_and_a_sum_is_a_layer():
    """Lecture 4: F1 x F2 filters give F1 F2 signals; summed over F1, F2 remain."""
    x, filters = RNG.normal(size=(9, 8, 3)), RNG.normal(size=(3, 3, 3, 5))
    bank = signal.filter_bank(x, filters)
    assert bank.shape == (7, 6, 3, 5)
    layer = signal.conv2d(x[None], filters[::-1, ::-1])[0]
    np.testing.assert_allclose(bank.sum(-2), layer, atol=1e-12)
    # Along one axis: signals of N - K1 - K2 + 2 after two layers.
    first = signal.filter_bank(RNG.normal(size=(20, 1)), RNG.normal(size=(5, 1, 4))).sum(-2)
    second = signal.filter_bank(first, RNG.normal(size=(3, 4, 2)), method="fft")
    assert second.shape == (20 - 5 - 3 + 2, 4, 2)


def test_a_1x1_convolution_mixes_channels_only():
    x, kernel = RNG.normal(size=(1, 4, 4, 6)), RNG.normal(size=(1, 1, 6, 2))
    np.testing.assert_allclose(signal.conv2d(x, kernel), x @ kernel[0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: signal.conv2d(np.ones((1, 4, 4, 2)), np.ones((3, 3, 3, 1))), "expected images"),
        (lambda: signal.conv2d(np.ones((1, 2, 4, 1)), np.ones((3, 3, 1, 1))), "does not fit"),
        (lambda: signal.conv2d(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)), stride=0), "`stride`"),
        (
            lambda: signal.conv2d_backward(
                np.ones((1, 3, 3, 1)), np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1))
            ),
            r"shape of the output, \(1, 2, 2, 1\)",
        ),
        (lambda: signal.filter_bank(np.ones((4, 2)), np.ones((3, 3, 1))), "expected a signal"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
