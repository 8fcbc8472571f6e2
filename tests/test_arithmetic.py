"""The formulas against the exercises of the course and the figures of Dumoulin and Visin."""

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


def test_parameters_of_the_course():
    assert arithmetic.dense_parameters(200 * 200 * 3, 1000, bias=False) == 120_000_000
    assert arithmetic.dense_parameters(32 * 32, 10, bias=False) == 10_240
    assert arithmetic.conv_parameters((5, 5), 1, 1) == 26
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
