"""Network in Network, and with root modules."""

from kerascnn.catalog.entry import Entry

_2013 = "Lin, Chen, Yan, Network In Network, ICLR, arXiv:1312.4400"
_2016 = "Ioannou et al., Deep Roots, CVPR, arXiv:1605.06489"

ENTRIES = (
    Entry(
        name="NIN",
        family="nin",
        params=966_986,
        macs=222_486_528,
        input_shape=(32, 32, 3),
        classes=10,
        paper=_2013,
        year=2013,
        stages=(1, 2),
    ),
    Entry(
        name="NINImageNet",
        family="nin",
        params=7_595_176,
        macs=1_100_188_800,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_2013,
        year=2013,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="NINRoot",
        family="nin",
        params=455_498,
        macs=123_396_096,
        input_shape=(32, 32, 3),
        classes=10,
        paper=_2016,
        year=2016,
        stages=(1, 2),
    ),
)
