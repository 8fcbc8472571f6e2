"""ZFNet."""

from kerascnn.catalog.entry import Entry

_2013 = "Zeiler, Fergus, Visualizing and Understanding CNNs, ECCV, arXiv:1311.2901"

ENTRIES = (
    Entry(
        name="ZFNet",
        family="zfnet",
        params=62_357_608,
        macs=1_168_032_896,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_2013,
        year=2013,
        top1=61.6,
        stages=(1, 2, 3, 4, 5),
    ),
)
