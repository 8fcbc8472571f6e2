"""The formulas against the exercises of the course and the figures of Dumoulin and Visin."""

import keras
import pytest

from kerascnn import arithmetic
from kerascnn.arithmetic import ReceptiveField, Window
from kerascnn.errors import InputError

# Dumoulin and Visin, arXiv:1603.07285: input, window, stride, padding, output.
FIGURES = [
    pytest.param(4, 3, 1, 0, 2, id="2.1: no padding"),
    pytest.param(5, 4, 1, 2, 6, id="2.2: arbitrary padding"),
    pytest.param(5, 3, 1, 1, 5, id="2.3: half padding"),
    pytest.param(5, 3, 1, 2, 7, id="2.4: full padding"),
    pytest.param(5, 3, 2, 0, 2, id="2.5: strides"),
    pytest.param(5, 3, 2, 1, 3, id="2.6: padding and strides"),
    pytest.param(6, 3, 2, 1, 3, id="2.7: one row left over"),
]
# From the lecture notes: layer of the exercise or figure, and the size it asks for.
COURSE = [
    pytest.param(28, 3, 1, 1, 28, id="exercise: 28x28, F=3, S=1, P=1"),
    pytest.param(28, 2, 2, 0, 14, id="exercise: pooling 28x28, F=2, S=2"),
    pytest.param(28, 5, 1, 0, 24, id="exercise: a 5x5 detector on 28x28"),
    pytest.param(5, 3, 1, 0, 3, id="convolution 5x5 to 3x3"),
    pytest.param(5, 3, 2, 1, 3, id="5x5, step 2, padding 1"),
    pytest.param(7, 3, 2, 0, 3, id="7x7 with its padding, step 2"),
    pytest.param(5, 3, 1, 0, 3, id="max pooling 5x5 to 3x3"),
    pytest.param(227, 11, 4, 0, 55, id="first layer of AlexNet"),
    pytest.param(224, 7, 2, 3, 112, id="first layer of ResNet"),
    pytest.param(112, 3, 2, 1, 56, id="pooling of ResNet"),
]


@pytest.mark.parametrize(("size", "window", "stride", "padding", "output"), FIGURES + COURSE)
def test_output_size(size, window, stride, padding, output):
    assert arithmetic.output_size(size, window, stride, padding) == output


def test_a_dilated_window_covers_more_with_the_same_taps():
    # The notes: 3x3 with rate 2 sees what 5x5 sees, with 9 parameters.
    assert arithmetic.effective_size(3, 2) == 5
    assert arithmetic.conv_parameters((3, 3), 1, 1, bias=False) == 9
    # Figure 5.1: 7x7 input, 3x3 window, rate 2.
    assert arithmetic.output_size(7, 3, dilation=2) == arithmetic.output_size(7, 5) == 3


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "extra", "output"),
    [
        pytest.param(2, 3, 1, 0, 0, 4, id="4.1"),
        pytest.param(6, 4, 1, 2, 0, 5, id="4.2"),
        pytest.param(5, 3, 1, 1, 0, 5, id="4.3"),
        pytest.param(7, 3, 1, 2, 0, 5, id="4.4"),
        pytest.param(2, 3, 2, 0, 0, 5, id="4.5"),
        pytest.param(3, 3, 2, 1, 0, 5, id="4.6"),
        pytest.param(3, 3, 2, 1, 1, 6, id="4.7"),
    ],
)
def test_transposed_convolution_gives_back_the_size(size, window, stride, padding, extra, output):
    assert arithmetic.transposed_output_size(size, window, stride, padding, extra) == output
    assert arithmetic.output_size(output, window, stride, padding) == size


@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation"),
    [
        (28, 3, 1, 1),
        (28, 2, 1, 1),
        (7, 3, 2, 1),
        (8, 3, 2, 1),
        (9, 5, 3, 1),
        (9, 3, 1, 2),
        (8, 1, 2, 1),
    ],
)
def test_same_padding_is_that_of_keras(size, window, stride, dilation):
    """Where the layer with its padding and the one on a padded input agree, it is the same."""
    before, after = arithmetic.same_padding(size, window, stride, dilation)
    x = keras.random.normal((1, size, 1), seed=0)
    layer = keras.layers.Conv1D(1, window, stride, "same", dilation_rate=dilation)
    wanted = keras.ops.convert_to_numpy(layer(x))
    plain = keras.layers.Conv1D(1, window, stride, dilation_rate=dilation)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    found = keras.ops.convert_to_numpy(plain(keras.ops.pad(x, ((0, 0), (before, after), (0, 0)))))
    assert found.shape == wanted.shape
    assert abs(found - wanted).max() < 1e-5


def test_transposed_convolution_with_dilation_is_keras_s():
    layer = keras.layers.Conv2DTranspose(4, 3, 1, dilation_rate=2)
    with keras.StatelessScope(initialize_variables=False):
        _, *sides, _ = layer.compute_output_shape((1, 5, 6, 2))
    assert sides == [arithmetic.transposed_output_size(size, 3, dilation=2) for size in (5, 6)]
    back = arithmetic.transposed_output_size(5, 3, 2, 1, 1, dilation=2)
    assert arithmetic.output_size(back, 3, 2, 1, dilation=2) == 5
    # Each of 25 inputs meets 9 x 2 x 4 weights.
    assert arithmetic.transposed_conv_macs((3, 3), 2, 4, (5, 5)) == 1800


def test_memory_is_values_times_bits():
    assert arithmetic.memory_bytes((224, 224, 3), bits=8) == 150_528
    assert arithmetic.memory_bytes((112, 112, 64)) == 3_211_264
    assert arithmetic.memory_bytes((3, 3, 1), bits=4) == 5


def test_a_dense_layer_beside_a_convolution():
    """Lecture 1: 1000 units on 200x200x3 take 120 million weights."""
    found = arithmetic.compare_with_dense((200, 200, 3), 1000, (5, 5), units=1000, bias=False)
    assert found.dense_parameters == found.dense_macs == 120_000_000
    assert found.conv_parameters == 75_000
    assert found.parameter_ratio == 1600
    # As many outputs as inputs: 9 weights beside N squared (lecture 4).
    found = arithmetic.compare_with_dense((28, 28, 1), 1, padding=1, bias=False)
    assert (found.conv_parameters, found.dense_parameters) == (9, 784**2)
    assert (found.outputs, found.conv_macs) == ((28, 28, 1), 9 * 784)
    with_bias = arithmetic.compare_with_dense((28, 28, 1), 4, padding=1)
    assert (with_bias.conv_parameters, with_bias.outputs) == (40, (28, 28, 4))
    assert with_bias.dense_parameters == 784 * 3136 + 3136


def test_sizes_along_a_chain():
    # LeNet-5 on 32x32: C1, S2, C3, S4, C5.
    lenet = [Window(5), Window(2, 2), Window(5), Window(2, 2), Window(5)]
    assert arithmetic.chain_sizes(32, lenet) == (28, 14, 10, 5, 1)
    # ResNet on 224x224: conv1, the pooling, the first layers of conv3 to conv5 (lecture 5).
    resnet = [Window(7, 2, 3), Window(3, 2, 1), *[Window(3, 2, 1)] * 3]
    assert arithmetic.chain_sizes(224, resnet) == (112, 56, 28, 14, 7)
    # Lecture 4: N less the sum of K, plus the number of layers.
    assert arithmetic.chain_sizes(100, [Window(7), Window(5), Window(3)])[-1] == 100 - 15 + 3
    with pytest.raises(InputError, match="window of 5 does not fit into an input of 4"):
        arithmetic.chain_sizes(8, [Window(2, 2), Window(5)])


def test_parameters_of_the_course():
    assert arithmetic.dense_parameters(200 * 200 * 3, 1000, bias=False) == 120_000_000
    assert arithmetic.dense_parameters(32 * 32, 10, bias=False) == 10_240
    assert arithmetic.conv_parameters((5, 5), 1, 1) == 26
    assert arithmetic.conv_parameters((5, 5), 1, 8) == 8 * 1 * 5 * 5 + 8  # lecture 3: [8, 1, 5, 5]
    assert arithmetic.conv_parameters((3, 3), 1, 4) == 40
    # AlexNet's second layer: two groups hold half of the weights.
    whole = arithmetic.conv_parameters((5, 5), 96, 256, bias=False)
    assert whole == 614_400
    assert arithmetic.conv_parameters((5, 5), 96, 256, groups=2, bias=False) == whole // 2


def test_operations_are_weights_times_positions():
    assert arithmetic.conv_macs((3, 3), 1, 4, (28, 28)) == 36 * 784
    assert arithmetic.conv_macs((11, 11), 3, 96, (55, 55)) == 105_415_200
    assert arithmetic.conv_macs((5, 5), 96, 256, (27, 27), groups=2) == 223_948_800


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ([], ReceptiveField(1, 1, 0)),
        ([Window(3)], ReceptiveField(3, 1, 1)),
        ([Window(3, padding=1)], ReceptiveField(3, 1, 0)),
        # Two 3x3 see what one 5x5 sees, three what one 7x7 sees (VGG, section 2.3).
        ([Window(3)] * 2, ReceptiveField(5, 1, 2)),
        ([Window(3)] * 3, ReceptiveField(7, 1, 3)),
        ([Window(3, dilation=2)], ReceptiveField(5, 1, 2)),
        # Dilations 1, 2, 4: the field doubles with each layer (arXiv:1511.07122, figure 1).
        ([Window(3, dilation=rate) for rate in (1, 2, 4)], ReceptiveField(15, 1, 7)),
        ([Window(7, 2, 3), Window(3, 2, 1)], ReceptiveField(11, 4, 0)),
        # LeNet-5: C1, S2, C3, S4, C5.
        (
            [Window(5), Window(2, 2), Window(5), Window(2, 2), Window(5)],
            ReceptiveField(32, 4, 15.5),
        ),
    ],
)
def test_receptive_field_of_a_chain(chain, expected):
    assert arithmetic.receptive_field(chain) == expected


def test_vgg16_sees_212_pixels():
    chain = []
    for convolutions in (2, 2, 3, 3, 3):
        chain += [Window(3, padding=1)] * convolutions + [Window(2, 2)]
    assert arithmetic.receptive_field(chain[:-1]).size == 196
    assert arithmetic.receptive_field(chain) == ReceptiveField(212, 32, 15.5)


def resnet50(stride_on_the_first):
    """Windows of ResNet-50: 1x1, 3x3, 1x1 per block, the step on the first or the second."""
    chain = [Window(7, 2, 3), Window(3, 2, 1)]
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            step = 2 if stage and not block else 1
            first, second = (step, 1) if stride_on_the_first else (1, step)
            chain += [Window(1, first), Window(3, second, 1), Window(1)]
    return chain


def test_resnet50_sees_483_pixels_or_427_with_the_step_on_the_3x3():
    assert arithmetic.receptive_field(resnet50(stride_on_the_first=True)).size == 483
    assert arithmetic.receptive_field(resnet50(stride_on_the_first=False)).size == 427


def test_a_field_can_be_continued():
    first = arithmetic.receptive_field([Window(3, 2)])
    both = arithmetic.receptive_field([Window(3, 2), Window(3)])
    assert arithmetic.receptive_field([Window(3)], first) == both


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        # A window no larger than the step meets one input; 3 over a step of 2 meets two.
        (Window(2, 2), ReceptiveField(3, 1, 0.5)),
        (Window(3, 2), ReceptiveField(5, 1, 0)),
        (Window(4, 4), ReceptiveField(3, 0.5, 0.25)),
        (Window(3, 1), ReceptiveField(7, 2, -1)),
    ],
)
def test_transposed_receptive_field(window, expected):
    field = ReceptiveField(size=3, jump=2, start=1)
    assert arithmetic.transposed_receptive_field(field, window) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arithmetic.output_size(2, 3), "window of 3 does not fit into an input of 2"),
        (lambda: arithmetic.output_size(4, 3, dilation=2), "window of 5 does not fit"),
        (lambda: arithmetic.output_size(0, 3), "`size` must be at least 1"),
        (lambda: arithmetic.output_size(5, 3, 0), "`stride` must be at least 1"),
        (lambda: arithmetic.output_size(5, 3, padding=-1), "`padding` must be at least 0"),
        (lambda: arithmetic.effective_size(0), "`window` must be at least 1"),
        (lambda: arithmetic.transposed_output_size(3, 3, 2, output_padding=2), "`output_padding`"),
        (lambda: arithmetic.transposed_output_size(1, 3, padding=2), "takes off all 3 positions"),
        (lambda: arithmetic.transposed_output_size(3, 3, padding=-1), "`padding` must be at least"),
        (lambda: arithmetic.same_padding(0, 3), "`size` must be at least 1"),
        (lambda: arithmetic.memory_bytes((4, 0)), r"`shape\[1\]` must be at least 1"),
        (lambda: arithmetic.compare_with_dense((2, 9, 1), 4), "does not fit into an input of 2"),
        (lambda: arithmetic.conv_parameters((3, 3), 5, 4, groups=2), "`groups` must divide"),
        (lambda: arithmetic.dense_parameters(0, 4), "`inputs` must be at least 1"),
        (lambda: arithmetic.receptive_field([Window(0)]), "`window` must be at least 1"),
        (
            lambda: arithmetic.transposed_receptive_field(ReceptiveField(), Window(3, 0)),
            "`stride` must be at least 1",
        ),
    ],
)
def test_impossible_values_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
