"""Multi-layer perceptron: the network without convolutions that the others are compared with.

LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document Recognition, Proc. IEEE
86(11), 1998, section III.C: 784-300-100-10 on MNIST, 3.05 % test error, 2.5 % with distorted
training images (LeNet-5: 0.95 % and 0.8 %). The units there squash; here they are ReLUs.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import layers

from kerascnn.models._common import (
    UNIT,
    ModelOptions,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
)
from kerascnn.models._options import check_widths


class MLPOptions(ModelOptions, total=False):
    """Adds the shape of the network.

    Attributes:
        hidden: Widths of the hidden layers, at least one.
        activation: What follows each of them: any Keras activation.
    """

    hidden: Sequence[int]
    activation: str


@variant(classes=10, hidden=(300, 100), activation="relu")
def MLP(
    include_top: bool = True, weights: Weights = None, **options: Unpack[MLPOptions]
) -> keras.Model:
    """Perceptron with two hidden layers, 300 and 100 units. 266,610 parameters.

    Takes raw images (batch, 28, 28, 1), or any other size. Without the top it gives the last
    hidden layer as maps of one position (batch, 1, 1, 100).

    Args:
        include_top: Build the output layer.
        weights: None, or a weight file.
        **options: See `MLPOptions`.
    """
    hidden = check_widths(options["hidden"])

    def backbone(x: Tensor) -> Tensor:
        x = layers.Flatten(name="flatten")(x)
        for place, width in enumerate(hidden, start=1):
            x = layers.Dense(width, activation=options["activation"], name=f"hidden{place}")(x)
        return x if include_top else layers.Reshape((1, 1, hidden[-1]), name="maps")(x)

    return build(
        backbone,
        lambda x: predictions(x, options),
        default_shape=(28, 28, 1),
        min_size=8,
        fixed_size=True,
        preprocessing=UNIT,
        include_top=include_top,
        options=options,
    )
