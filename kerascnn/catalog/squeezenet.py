"""SqueezeNet."""

from kerascnn.catalog.entry import Entry

_PAPER = "Iandola et al., SqueezeNet, arXiv:1602.07360"

ENTRIES = (
    Entry(
        name="SqueezeNet1_0",
        family="squeezenet",
        params=1_248_424,
        macs=818_924_576,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=58.1,
        stages=(1, 2, 3, 4),
    ),
    Entry(
        name="SqueezeNet1_1",
        family="squeezenet",
        params=1_235_496,
        macs=349_151_936,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=58.2,
        stages=(1, 2, 3, 4),
    ),
)
