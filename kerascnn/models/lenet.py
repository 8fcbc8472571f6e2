"""LeNet: the zip-code network of 1989, LeNet-5 as published in 1998, and the form used today.

1989: LeCun et al., Backpropagation Applied to Handwritten Zip Code Recognition, Neural
Computation 1(4). 1998: LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document
Recognition, Proc. IEEE 86(11), section II. Layers carry the papers' names (C1, S2, C3 ...).
"""

from typing import Literal, Unpack

import keras
import numpy as np
from keras import layers

from kerascnn.layers import (
    ConstantPadding2D,
    PartialConv2D,
    RBFOutput,
    ScaledTanh,
    TrainableSubsampling2D,
    UntiedBias,
)
from kerascnn.models._common import (
    ModelOptions,
    Preprocessing,
    Tensor,
    Weights,
    build,
    choose,
    predictions,
    scores,
    variant,
)
from kerascnn.models.digit_codes import CODE_LENGTH, DIGIT_CODES

# 1998, section II.B: background -0.1 and ink 1.175, so that the mean is about 0, the variance 1.
SCALED_1998 = Preprocessing(1.275 / 255, -0.1)
# 1989, section 2: grey levels in -1..1, background -1.
SCALED_1989 = Preprocessing(2 / 255, -1.0)

# 1998, table I: for each of the 16 maps of C3, the maps of S2 that it sees.
C3_CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)
# 1989, section 3.2: each map of H2 sees 8 of the 12 maps of H1. The paper leaves the scheme open;
# here four maps see each of three blocks.
H2_CONNECTIONS = (
    *(tuple(range(0, 8)),) * 4,
    *(tuple(range(4, 12)),) * 4,
    *((*range(0, 4), *range(8, 12)),) * 4,
)


# The papers draw from +-2.4 / fan-in, for a second-order method of training. A unit variance, as in
# LeCun et al., Efficient BackProp, 1998, section 4.6, is what first-order optimisers need: after 12
# epochs of AdamW on MNIST the test error is 0.9 % instead of 2 %.
INITIALIZER = "lecun_normal"


class LeNet5Options(ModelOptions, total=False):
    """Adds the two choices in which today's LeNet-5 forms differ.

    Attributes:
        activation: What follows each layer with weights but the last: any Keras activation.
        pool: "average" or "max".
    """

    activation: str
    pool: Literal["average", "max"]


@variant(classes=10, activation="tanh", pool="average")
def LeNet5(
    include_top: bool = True, weights: Weights = None, **options: Unpack[LeNet5Options]
) -> keras.Model:
    """LeNet-5 in its common form: full connections, plain pooling, dense output. 61,706 parameters.

    Takes raw images (batch, 32, 32, 1), or any size from 32 and any number of channels. Without
    the top it gives the maps of S4 (batch, 5, 5, 16).

    Args:
        include_top: Build C5, F6 and the output.
        weights: None, or a weight file.
        **options: See `LeNet5Options`.
    """
    pools = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
    pooling = pools[choose("pool", options["pool"], tuple(pools))]
    activation = options["activation"]

    def backbone(x: Tensor) -> Tensor:
        x = layers.Conv2D(6, 5, activation=activation, name="c1")(x)
        x = pooling(2, name="s2")(x)
        x = layers.Conv2D(16, 5, activation=activation, name="c3")(x)
        return pooling(2, name="s4")(x)

    def head(x: Tensor) -> Tensor:
        x = layers.Conv2D(120, 5, activation=activation, name="c5")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(84, activation=activation, name="f6")(x)
        return predictions(x, options)

    return build(
        backbone,
        head,
        default_shape=(32, 32, 1),
        min_size=32,
        fixed_size=include_top,
        preprocessing=SCALED_1998,
        include_top=include_top,
        options=options,
    )


@variant(classes=10)
def LeNet5Original(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ModelOptions]
) -> keras.Model:
    """LeNet-5 as published in 1998: exactly 60,000 trainable parameters.

    C3 sees S2 through the paper's table I, S2 and S4 are trainable sub-sampling, units squash by
    1.7159 tanh(2x/3), and the output measures the distance of F6 to a fixed +-1 code per class,
    a 7x12 bitmap of the digit. The scores are the negated distances, so that `softmax` and
    cross-entropy give the paper's discriminative criterion (equation 9). With another number of
    classes than 10 the codes are seeded random ones.

    Takes raw images (batch, 32, 32, 1), or any size from 32 and any number of channels.

    Args:
        include_top: Build C5, F6 and the output.
        weights: None, or a weight file.
        **options: See `ModelOptions`.
    """

    def backbone(x: Tensor) -> Tensor:
        x = layers.Conv2D(6, 5, kernel_initializer=INITIALIZER, name="c1")(x)
        x = ScaledTanh(name="c1_squash")(x)
        x = TrainableSubsampling2D(2, name="s2")(x)
        x = ScaledTanh(name="s2_squash")(x)
        x = PartialConv2D(C3_CONNECTIONS, 5, name="c3")(x)
        x = ScaledTanh(name="c3_squash")(x)
        x = TrainableSubsampling2D(2, name="s4")(x)
        return ScaledTanh(name="s4_squash")(x)

    def head(x: Tensor) -> Tensor:
        x = layers.Conv2D(120, 5, kernel_initializer=INITIALIZER, name="c5")(x)
        x = ScaledTanh(name="c5_squash")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(CODE_LENGTH, kernel_initializer=INITIALIZER, name="f6")(x)
        x = ScaledTanh(name="f6_squash")(x)
        if options["dropout"] is not None:
            x = layers.Dropout(options["dropout"], name="dropout")(x)
        x = RBFOutput(class_codes(options["classes"]), name="rbf")(x)
        x = layers.Rescaling(-(CODE_LENGTH**-0.5), name="scores")(x)
        return scores(x, options)

    return build(
        backbone,
        head,
        default_shape=(32, 32, 1),
        min_size=32,
        fixed_size=include_top,
        preprocessing=SCALED_1998,
        include_top=include_top,
        options=options,
    )


@variant(classes=10)
def LeNet1989(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ModelOptions]
) -> keras.Model:
    """The zip-code network of 1989: 9,760 free parameters.

    Two layers of shared 5x5 kernels with step 2 whose biases are not shared, over a border that
    holds the background level -1; then 30 hidden and 10 output units. The paper's output units
    squash and are trained on +-1 targets; here they are class scores, softmax by default.

    Takes raw images (batch, 16, 16, 1), or any size from 16 and any number of channels.

    Args:
        include_top: Build H3 and the output.
        weights: None, or a weight file.
        **options: See `ModelOptions`.
    """

    def backbone(x: Tensor) -> Tensor:
        x = ConstantPadding2D(2, value=-1.0, name="h1_border")(x)
        x = layers.Conv2D(12, 5, 2, use_bias=False, kernel_initializer=INITIALIZER, name="h1")(x)
        x = UntiedBias(name="h1_bias")(x)
        x = ScaledTanh(name="h1_squash")(x)
        x = ConstantPadding2D(2, value=-1.0, name="h2_border")(x)
        x = PartialConv2D(H2_CONNECTIONS, 5, strides=2, use_bias=False, name="h2")(x)
        x = UntiedBias(name="h2_bias")(x)
        return ScaledTanh(name="h2_squash")(x)

    def head(x: Tensor) -> Tensor:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(30, kernel_initializer=INITIALIZER, name="h3")(x)
        x = ScaledTanh(name="h3_squash")(x)
        return predictions(x, options)

    return build(
        backbone,
        head,
        default_shape=(16, 16, 1),
        min_size=16,
        fixed_size=True,
        preprocessing=SCALED_1989,
        include_top=include_top,
        options=options,
    )


def class_codes(classes: int) -> list[list[float]]:
    """Codes (classes, 84) of +-1: digit bitmaps for 10 classes, else random ones with a fixed seed.

    Random codes of 84 bits differ in about 42 places, which the paper (section II.B) calls for
    when classes have no shape: a distributed code with large distances.
    """
    if classes == len(DIGIT_CODES):
        return [list(code) for code in DIGIT_CODES]
    return np.random.default_rng(1998).choice([-1.0, 1.0], size=(classes, CODE_LENGTH)).tolist()
