"""Numbers of the lectures that no other test looks at, and the page that lists all of them."""

import math
import re

import keras
import numpy as np
import pytest
from keras import layers

import kerascnn
from kerascnn import arithmetic, signal
from kerascnn.arithmetic import Window
from kerascnn.models import LeNet5
from kerascnn.profile import profile


def test_a_region_as_a_tensor_with_the_channel_first_or_last():
    """Lecture 1: a region of 5x5 gray pixels is 1, 5, 5 or 5, 5, 1, and the values stay."""
    region = np.array(
        [
            [10, 12, 30, 35, 40],
            [10, 12, 17, 20, 42],
            [10, 12, 12, 21, 46],
            [10, 13, 25, 22, 36],
            [10, 13, 15, 20, 58],
        ]
    )
    last = region[..., None]
    first = np.moveaxis(last, -1, 0)
    assert (first.shape, last.shape) == ((1, 5, 5), (5, 5, 1))
    identity = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    assert np.array_equal(identity(last[None].astype("float32"))[0, ..., 0], region)


@pytest.mark.parametrize(
    ("layer", "inputs", "outputs"),
    [
        pytest.param(layers.Conv2D(1, 3), (5, 5, 1), (3, 3, 1), id="5x5 under 3x3"),
        pytest.param(
            layers.Conv2D(1, 3, 2, padding="same"), (5, 5, 1), (3, 3, 1), id="5x5, S=2, P=1"
        ),
        # The 7x7 of the figure is a 5x5 image with its padding of 1.
        pytest.param(layers.Conv2D(2, 3, 2), (7, 7, 3), (3, 3, 2), id="7x7x3 to 3x3x2"),
        pytest.param(
            layers.Conv2D(4, 3, padding="same"), (28, 28, 1), (28, 28, 4), id="exercise 1"
        ),
        pytest.param(layers.MaxPooling2D(3, 1), (5, 5, 1), (3, 3, 1), id="max pooling 5x5"),
        pytest.param(layers.MaxPooling2D(2, 2), (28, 28, 4), (14, 14, 4), id="exercise 2"),
        pytest.param(layers.Conv2D(8, 5), (28, 28, 1), (24, 24, 8), id="5x5 detectors on 28x28"),
        pytest.param(layers.GlobalAveragePooling2D(), (7, 7, 9), (9,), id="one mean per map"),
        pytest.param(layers.Conv2D(2, 1), (7, 7, 9), (7, 7, 2), id="1x1: fewer channels"),
    ],
)
def test_figures_and_exercises_with_real_layers(layer, inputs, outputs):
    assert layer(np.zeros((1, *inputs), "float32")).shape[1:] == outputs


def test_batch_normalisation_is_the_algorithm_of_the_slide():
    """Lecture 1: mean and variance of the batch, normalise, scale and shift."""
    x = np.random.default_rng(0).normal(3.0, 2.0, (8, 4, 4, 2)).astype("float32")
    layer = kerascnn.layers.BatchNormalization(epsilon=1e-3)
    layer.build(x.shape)
    gamma, beta = np.array([2.0, 0.5]), np.array([1.0, -1.0])
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    mean = x.mean((0, 1, 2))
    variance = ((x - mean) ** 2).mean((0, 1, 2))
    wanted = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(layer(x, training=True), wanted, atol=1e-4)


def test_group_normalisation_takes_the_moments_of_each_image_and_group():
    x = np.random.default_rng(0).normal(3.0, 2.0, (2, 4, 4, 6)).astype("float32")
    grouped = x.reshape(2, 4, 4, 2, 3)
    mean, variance = (f((1, 2, 4), keepdims=True) for f in (grouped.mean, grouped.var))
    wanted = ((grouped - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    np.testing.assert_allclose(layers.GroupNormalization(groups=2)(x), wanted, atol=1e-4)


def test_a_perceptron_with_ten_hidden_neurons():
    """Lecture 2 writes (32 x 32 x 10) + 1; each of the ten neurons has a bias of its own."""
    assert arithmetic.dense_parameters(32 * 32, 10, bias=False) == 32 * 32 * 10 == 10_240
    model = keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(10)])
    assert model.count_params() == arithmetic.dense_parameters(32 * 32, 10) == 10_250


def test_alexnets_neurons_are_those_of_the_paper_but_for_the_first_layer():
    """Lecture 3 quotes 150,528 - 253,440 - 186,624 - 64,896 - 64,896 - 43,264 - 4096 - 4096 - 1000.

    The second number fits no size of its layer: 55x55 positions of 96 filters are 290,400.
    """
    assert 224 * 224 * 3 == 150_528
    with keras.StatelessScope(initialize_variables=False):
        rows = {row.name: row.output_shape for row in profile(kerascnn.create_model("AlexNet"))}
    found = [math.prod(rows[f"conv{number}_conv"]) for number in range(1, 6)]
    assert found == [290_400, 186_624, 64_896, 64_896, 43_264]
    assert rows["predictions"] == (1000,)
    # 96 kernels of 11x11x3.
    assert arithmetic.conv_parameters((11, 11), 3, 96, bias=False) == 96 * 11 * 11 * 3


def test_weights_of_a_chain_do_not_depend_on_the_signal():
    """Lecture 4: the sum of K F F' weights, and outputs of N - sum of K + L."""
    taps, features = (7, 5, 3), (1, 4, 8, 2)
    for length in (100, 1000):
        parts = [
            layers.Conv1D(f, k, use_bias=False) for k, f in zip(taps, features[1:], strict=True)
        ]
        model = keras.Sequential([keras.Input((length, 1)), *parts])
        assert model.count_params() == 7 * 1 * 4 + 5 * 4 * 8 + 3 * 8 * 2
        assert model.output_shape == (None, length - sum(taps) + len(taps), 2)


def test_operations_grow_with_k_times_n_and_with_n_squared():
    """Lecture 4: O(KN) instead of O(N^2) operations, O(K) instead of O(N^2) weights."""
    for size in (64, 128):
        found = arithmetic.compare_with_dense((1, size, 1), 1, (1, 8), bias=False)
        outputs = size - 8 + 1
        assert (found.conv_macs, found.dense_macs) == (8 * outputs, size * outputs)
        matrix = signal.convolution_matrix(np.ones(8), size)
        assert (found.conv_parameters, found.dense_parameters) == (8, matrix.size)


def test_a_repeated_input_gives_a_repeated_output():
    """Lecture 4: what repeats in the data repeats in the output, wherever it is."""
    pattern, kernel = np.random.default_rng(0).normal(size=(2, 5))
    x = np.zeros(40)
    x[3:8] = x[21:26] = pattern
    y = signal.convolve(x, kernel, "full")
    np.testing.assert_allclose(y[3:12], y[21:30], atol=1e-12)


def test_space_is_traded_for_features():
    """Lecture 4: N_L F_L < N F_0. LeNet-5 goes from 32x32x1 to 5x5x16."""
    rows = {row.name: row for row in profile(LeNet5())}
    assert math.prod(rows["s4"].output_shape) == 400 < 32 * 32
    assert rows["s4"].output_shape[-1] == 16 > 1


def test_a_stride_keeps_every_s_th_position():
    """Lecture 4: the same sum, s positions further."""
    x, kernel = np.random.default_rng(0).normal(size=(1, 9, 9, 2)), np.ones((3, 3, 2, 1))
    every = signal.conv2d(x, kernel)
    np.testing.assert_allclose(signal.conv2d(x, kernel, stride=3), every[:, ::3, ::3])


def test_a_dilated_kernel_is_a_larger_one_without_every_second_row_and_column():
    """Lecture 5: 3x3 with rate 2 is 5x5 with 9 weights."""
    x, kernel = np.random.default_rng(0).normal(size=(1, 9, 9, 2)), np.ones((3, 3, 2, 1))
    wide = np.zeros((5, 5, 2, 1))
    wide[::2, ::2] = kernel
    np.testing.assert_allclose(signal.conv2d(x, kernel, dilation=2), signal.conv2d(x, wide))


@pytest.mark.parametrize(("name", "blocks"), [("ResNet50", 16), ("ResNet152", 50)])
def test_the_name_of_a_resnet_counts_its_layers(name, blocks):
    """Lectures 4 and 5: 152 layers: a first one, three per block, a last one."""
    with keras.StatelessScope(initialize_variables=False):
        model = kerascnn.create_model(name)
    counted = [x for x in model.layers if isinstance(x, layers.Conv2D | layers.Dense)]
    shortcuts = 4  # one where each stage begins; they are not counted
    assert len(counted) - shortcuts == int(name.removeprefix("ResNet")) == 3 * blocks + 2


def test_maps_of_a_resnet_have_the_sizes_of_the_table():
    """Lecture 5: 112, 56, 28, 14, 7, then 1x1."""
    rows = [Window(7, 2, 3), Window(3, 2, 1), *[Window(3, 2, 1)] * 3, Window(7)]
    assert arithmetic.chain_sizes(224, rows) == (112, 56, 28, 14, 7, 1)
    with keras.StatelessScope(initialize_variables=False):
        model = kerascnn.create_model("ResNet18")
    assert [model.get_layer(f"stage{s}").output.shape[1] for s in (2, 3, 4, 5)] == [56, 28, 14, 7]


def test_compound_scaling_about_doubles_the_cost_for_each_step():
    """Lecture 5: alpha beta^2 gamma^2 is about 2, and none is below 1."""
    from kerascnn.models.compound_scaling import compound_scaling

    one = compound_scaling(1)
    gamma = 1.15  # the resolution is rounded to whole pixels
    assert one.resolution == pytest.approx(224 * gamma, abs=1)
    assert one.depth * one.width**2 * gamma**2 == pytest.approx(2, rel=0.1)
    assert min(one.depth, one.width, gamma) >= 1


def test_vgg16_has_13_convolutions_and_3_dense_layers():
    with keras.StatelessScope(initialize_variables=False):
        model = kerascnn.create_model("VGG16")
    kinds = [type(layer) for layer in model.layers]
    assert (kinds.count(layers.Conv2D), kinds.count(layers.Dense)) == (13, 3)


def test_the_tests_that_the_coverage_page_names_exist(repository):
    page = (repository / "docs" / "course" / "coverage.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    assert len(named) > 50
    for file, name in named:
        text = (repository / file).read_text(encoding="utf-8")
        assert f"def {name}(" in text, f"docs/course/coverage.md names {file}::{name}"
