"""AlexNet."""

from kerascnn.catalog.entry import Entry

_PAPER = "Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, NIPS"

ENTRIES = (
    Entry(
        name="AlexNet",
        family="alexnet",
        params=60_965_224,
        macs=724_406_816,
        input_shape=(227, 227, 3),
        classes=1000,
        paper=_PAPER,
        year=2012,
        top1=59.3,
        stages=(2, 3, 4, 5),
    ),
)
