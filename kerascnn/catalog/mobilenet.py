"""MobileNet."""

from kerascnn.catalog.entry import Entry

ENTRIES = (
    Entry(
        name="MobileNet",
        family="mobilenet",
        params=4_231_976,
        macs=568_740_352,
        input_shape=(224, 224, 3),
        classes=1000,
        paper="Howard et al., MobileNets: Efficient CNNs for Mobile Vision, arXiv:1704.04861",
        year=2017,
        top1=70.6,
        stages=(1, 2, 3, 4, 5),
    ),
)
