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
        paper="Chollet, Xception: Depthwise Separable Convolutions, CVPR, arXiv:1610.02357",
        year=2016,
        top1=79.0,
        stages=(1, 2, 3, 4, 5),
    ),
)
