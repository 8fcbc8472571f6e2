"""LeNet against the papers' own numbers, and against plain numpy."""

import keras
import numpy as np
import pytest
from lifecycle import adam_losses
from parity import Comparison, difference, pixels

import kerascnn
from kerascnn.errors import InputError
from kerascnn.models import LeNet5, LeNet5Original, LeNet1989, lenet
from kerascnn.models.digit_codes import DIGIT_CODES
from kerascnn.profile import profile


def trainable(model):
    rows = ((row.name, row.trainable_params) for row in profile(model))
    return {name: params for name, params in rows if params}


def test_lenet5_original_has_the_papers_parameters_per_layer():
    expected = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert trainable(LeNet5Original()) == expected


def test_lenet5_common_form_has_61706_parameters():
    expected = {"c1": 156, "c3": 2416, "c5": 48_120, "f6": 10_164, "predictions": 850}
    assert trainable(LeNet5()) == expected


def test_lenet_1989_counts_units_connections_and_parameters_as_the_paper():
    rows = {row.name: row for row in profile(LeNet1989())}
    counts = trainable(LeNet1989())
    assert counts["h1"] + counts["h1_bias"] == 1068
    assert counts["h2"] + counts["h2_bias"] == 2592
    assert counts["h3"] == 5790
    assert counts["predictions"] == 310
    biases = 768 + 192 + 30 + 10
    assert sum(row.macs for row in rows.values()) + biases == 64_660


@pytest.mark.parametrize("build", [LeNet5, LeNet5Original])
def test_feature_maps_have_the_papers_sizes(build):
    shapes = {row.name: row.output_shape for row in profile(build())}
    expected = {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16)}
    assert {name: shapes[name] for name in expected} == expected
    assert shapes["c5"] == (1, 1, 120)


def test_c3_connections_are_table_1():
    columns = lenet.C3_CONNECTIONS
    assert [len(column) for column in columns] == [3] * 6 + [4] * 9 + [6]
    assert len(set(columns)) == 16
    # Each map of S2 is seen by ten maps of C3.
    assert [sum(source in column for column in columns) for source in range(6)] == [10] * 6


def test_digit_codes_are_ten_different_bitmaps_of_seven_by_twelve():
    codes = np.array(DIGIT_CODES)
    assert codes.shape == (10, 7 * 12)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    distances = ((codes[:, None] != codes[None]).sum(-1) + 84 * np.eye(10)).min()
    assert distances >= 10  # similar digits look alike, none nearly the same


def test_pixels_are_scaled_as_in_1998():
    layer = LeNet5Original().get_layer("preprocessing")
    y = np.asarray(layer(np.array([[[[0.0]], [[255.0]]]], "float32"))).ravel()
    np.testing.assert_allclose(y, [-0.1, 1.175], atol=1e-6)


def squash(x):
    return 1.7159 * np.tanh(2 / 3 * x)


def convolve(x, kernel, bias, step=1):
    side = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(0, 1))
    return np.einsum("rciuv,uvio->rco", windows[::step, ::step], kernel) + bias


def blocks(x):
    """Windows of 2x2 side by side: (rows, 2, columns, 2, maps)."""
    rows, columns, maps = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, maps)


def dense_kernel(kernels, connections, inputs):
    """The kernel of a full convolution, zero where there is no connection."""
    dense = np.zeros((5, 5, inputs, len(connections)))
    pairs = [(i, o) for o, row in enumerate(connections) for i in row]
    for kernel, (source, output) in zip(kernels, pairs, strict=True):
        dense[:, :, source, output] = kernel
    return dense


def lenet5_original(image, arrays):
    """Figure 2 of the paper, up to the distances of equation 7."""
    x = image * (1.275 / 255) - 0.1
    x = squash(convolve(x, *arrays["c1"]))
    coefficient, bias = arrays["s2"]
    x = squash(blocks(x).sum(axis=(1, 3)) * coefficient + bias)
    kernels, bias = arrays["c3"]
    x = squash(convolve(x, dense_kernel(kernels, lenet.C3_CONNECTIONS, 6), bias))
    coefficient, bias = arrays["s4"]
    x = squash(blocks(x).sum(axis=(1, 3)) * coefficient + bias)
    x = squash(convolve(x, *arrays["c5"])).ravel()
    x = squash(x @ arrays["f6"][0] + arrays["f6"][1])
    return ((x - np.array(DIGIT_CODES)) ** 2).sum(axis=1) * -(84**-0.5)


def lenet5(image, arrays):
    """The common form."""
    x = np.tanh(convolve(image * (1.275 / 255) - 0.1, *arrays["c1"]))
    x = np.tanh(convolve(blocks(x).mean(axis=(1, 3)), *arrays["c3"]))
    x = np.tanh(convolve(blocks(x).mean(axis=(1, 3)), *arrays["c5"])).ravel()
    x = np.tanh(x @ arrays["f6"][0] + arrays["f6"][1])
    return x @ arrays["predictions"][0] + arrays["predictions"][1]


def lenet1989(image, arrays):
    """The network of 1989: no shared biases, borders at the level of the background."""
    border = {"pad_width": ((2, 2), (2, 2), (0, 0)), "constant_values": -1}
    x = np.pad(image * (2 / 255) - 1, **border)
    x = squash(convolve(x, *arrays["h1"], *arrays["h1_bias"], step=2))
    kernel = dense_kernel(*arrays["h2"], lenet.H2_CONNECTIONS, 12)
    x = squash(convolve(np.pad(x, **border), kernel, *arrays["h2_bias"], step=2)).ravel()
    x = squash(x @ arrays["h3"][0] + arrays["h3"][1])
    return x @ arrays["predictions"][0] + arrays["predictions"][1]


@pytest.mark.parametrize(
    ("factory", "by_hand"),
    [(LeNet5, lenet5), (LeNet5Original, lenet5_original), (LeNet1989, lenet1989)],
)
def test_equals_plain_numpy(factory, by_hand, assert_equal):
    model = factory(classifier_activation=None)
    rng = np.random.default_rng(3)
    for layer in model.layers:
        layer.set_weights([rng.normal(scale=0.3, size=w.shape) for w in layer.get_weights()])
    arrays = {layer.name: layer.get_weights() for layer in model.layers}
    images = pixels(model.input_shape[1:])
    wanted = np.stack([by_hand(image, arrays) for image in images])
    found = difference(model.predict_on_batch(images), wanted)
    assert_equal(Comparison("numpy, from the paper", {"scores": found}), factory.__name__)


def test_uint8_and_float_pixels_give_the_same():
    model = LeNet5()
    images = pixels((32, 32, 1))
    np.testing.assert_array_equal(
        model.predict_on_batch(images.astype("uint8")), model.predict_on_batch(images)
    )


@pytest.mark.parametrize(
    ("pool", "kind"),
    [("average", keras.layers.AveragePooling2D), ("max", keras.layers.MaxPooling2D)],
)
def test_lenet5_pooling_and_activation_are_choices(pool, kind):
    model = LeNet5(pool=pool, activation="relu")
    assert isinstance(model.get_layer("s2"), kind)
    assert model.get_layer("c1").activation is keras.activations.relu


def test_lenet5_refuses_another_pooling():
    with pytest.raises(InputError, match="`pool` must be one of"):
        LeNet5(pool="sum")


def test_other_numbers_of_classes_get_distant_codes():
    codes = np.array(lenet.class_codes(26))
    assert codes.shape == (26, 84)
    distances = (codes[:, None] != codes[None]).sum(-1)[~np.eye(26, dtype=bool)]
    assert distances.min() >= 20
    assert lenet.class_codes(26) == lenet.class_codes(26)


@pytest.mark.parametrize("name", kerascnn.list_models("lenet*"))
def test_a_few_steps_learn_a_batch_by_heart(name):
    keras.utils.set_random_seed(0)
    model = kerascnn.create_model(name)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (32, *model.input_shape[1:])).astype("uint8")
    y = rng.integers(0, 10, 32)
    curve = adam_losses(model, x, y, steps=60, rate=5e-3)
    assert curve[-1] < 0.5 * curve[0]
    assert (np.argmax(model(x, training=False), axis=1) == y).mean() > 0.6
