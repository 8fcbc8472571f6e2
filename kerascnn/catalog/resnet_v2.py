"""ResNet V2."""

from kerascnn.catalog.entry import Entry

_PAPER = "He et al., Identity Mappings in Deep Residual Networks, ECCV, arXiv:1603.05027"

ENTRIES = (
    Entry(
        name="ResNet50V2",
        family="resnet_v2",
        params=25_568_360,
        macs=3_482_255_360,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=76.0,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ResNet101V2",
        family="resnet_v2",
        params=44_577_896,
        macs=7_194_476_544,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=77.2,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ResNet152V2",
        family="resnet_v2",
        params=60_236_904,
        macs=10_906_697_728,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=78.0,
        stages=(2, 3, 4, 5),
    ),
)
