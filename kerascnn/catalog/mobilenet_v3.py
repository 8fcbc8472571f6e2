"""MobileNetV3."""

from kerascnn.catalog.entry import Entry

_PAPER = "Howard et al., Searching for MobileNetV3, ICCV, arXiv:1905.02244"

ENTRIES = (
    Entry(
        name="MobileNetV3Small",
        family="mobilenet_v3",
        params=2_542_856,
        macs=56_510_400,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2019,
        top1=67.4,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="MobileNetV3Large",
        family="mobilenet_v3",
        params=5_483_032,
        macs=216_589_760,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2019,
        top1=75.2,
        stages=(1, 2, 3, 4, 5),
    ),
)
