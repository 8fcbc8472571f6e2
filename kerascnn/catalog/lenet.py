"""LeNet."""

from kerascnn.catalog.entry import Entry

_1998 = "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE"
_1989 = "LeCun et al., Backpropagation Applied to Handwritten Zip Code Recognition, Neural Comp."

ENTRIES = (
    Entry(
        name="LeNet1989",
        family="lenet",
        params=9_760,
        macs=63_660,
        input_shape=(16, 16, 1),
        classes=10,
        paper=_1989,
        year=1989,
    ),
    Entry(
        name="LeNet5",
        family="lenet",
        params=61_706,
        macs=416_520,
        input_shape=(32, 32, 1),
        classes=10,
        paper=_1998,
        year=1998,
    ),
    Entry(
        name="LeNet5Original",
        family="lenet",
        params=60_000,
        macs=328_096,
        input_shape=(32, 32, 1),
        classes=10,
        paper=_1998,
        year=1998,
    ),
)
