"""ConvNeXt."""

from kerascnn.catalog.entry import Entry

_PAPER = "Liu et al., A ConvNet for the 2020s, CVPR, arXiv:2201.03545"

ENTRIES = (
    Entry(
        name="ConvNeXtTiny",
        family="convnext",
        params=28_589_128,
        macs=4_455_531_264,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2022,
        top1=82.1,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ConvNeXtSmall",
        family="convnext",
        params=50_223_688,
        macs=8_683_712_256,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2022,
        top1=83.1,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ConvNeXtBase",
        family="convnext",
        params=88_591_464,
        macs=15_354_729_472,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2022,
        top1=83.8,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ConvNeXtLarge",
        family="convnext",
        params=197_767_336,
        macs=34_361_433_600,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2022,
        top1=84.3,
        stages=(2, 3, 4, 5),
    ),
    Entry(
        name="ConvNeXtXLarge",
        family="convnext",
        params=350_196_968,
        macs=60_921_030_656,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2022,
        # The paper gives 87.0 after training on ImageNet-22k: another kind of figure.
        stages=(2, 3, 4, 5),
    ),
)
