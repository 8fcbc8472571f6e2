"""Xception."""

from kerascnn.catalog.entry import Entry

ENTRIES = (
    Entry(
        name="Xception",
        family="xception",
        params=22_855_952,
        macs=8_357_403_496,
        input_shape=(299, 299, 3),
        classes=1000,
        paper="Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR",
        year=2017,
        top1=79.0,
        stages=(1, 2, 3, 4, 5),
    ),
)
