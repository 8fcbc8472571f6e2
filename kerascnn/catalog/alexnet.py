"""AlexNet."""

from kerascnn.catalog.entry import Entry

_2012 = "Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep CNNs, NIPS"

ENTRIES = (
    Entry(
        name="AlexNet",
        family="alexnet",
        params=60_965_224,
        macs=724_406_816,
        input_shape=(227, 227, 3),
        classes=1000,
        paper=_2012,
        year=2012,
        top1=59.3,
        stages=(2, 3, 4, 5),
    ),
)
