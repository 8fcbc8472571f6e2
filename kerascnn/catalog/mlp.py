"""The multi-layer perceptron."""

from kerascnn.catalog.entry import Entry

_1998 = "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE"

ENTRIES = (
    Entry(
        name="MLP",
        family="mlp",
        params=266_610,
        macs=266_200,
        input_shape=(28, 28, 1),
        classes=10,
        paper=_1998,
        year=1998,
    ),
)
