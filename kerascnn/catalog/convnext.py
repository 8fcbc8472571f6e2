"""ConvNeXt."""

from kerascnn.catalog.entry import variants

_PAPER = "Liu et al., A ConvNet for the 2020s, CVPR, arXiv:2201.03545"

ENTRIES = variants(
    "convnext",
    _PAPER,
    2022,
    (
        ("ConvNeXtTiny", 28_589_128, 4_455_531_264, 224, 82.1),
        ("ConvNeXtSmall", 50_223_688, 8_683_712_256, 224, 83.1),
        ("ConvNeXtBase", 88_591_464, 15_354_729_472, 224, 83.8),
        ("ConvNeXtLarge", 197_767_336, 34_361_433_600, 224, 84.3),
        # The paper gives 87.0 after training on ImageNet-22k: another kind of figure.
        ("ConvNeXtXLarge", 350_196_968, 60_921_030_656, 224, None),
    ),
    stages=(2, 3, 4, 5),
)
