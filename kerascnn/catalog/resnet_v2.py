"""ResNet V2."""

from kerascnn.catalog.entry import variants

_PAPER = "He et al., Identity Mappings in Deep Residual Networks, ECCV, arXiv:1603.05027"

ENTRIES = variants(
    "resnet_v2",
    _PAPER,
    2016,
    (
        ("ResNet50V2", 25_568_360, 3_482_255_360, 224, 76.0),
        ("ResNet101V2", 44_577_896, 7_194_476_544, 224, 77.2),
        ("ResNet152V2", 60_236_904, 10_906_697_728, 224, 78.0),
    ),
    stages=(2, 3, 4, 5),
)
