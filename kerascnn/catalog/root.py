"""ResNets with root modules."""

from kerascnn.catalog.entry import Entry

_PAPER = "Ioannou et al., Deep Roots, CVPR, arXiv:1605.06489"

ENTRIES = (
    Entry(
        name="ResNet50Root",
        family="root",
        params=15_365_864,
        macs=2_114_859_008,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        stages=(1, 2, 3, 4, 5),
    ),
)
