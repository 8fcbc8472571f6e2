"""SqueezeNet."""

from kerascnn.catalog.entry import variants

_PAPER = "Iandola et al., SqueezeNet, arXiv:1602.07360"

ENTRIES = variants(
    "squeezenet",
    _PAPER,
    2016,
    (
        ("SqueezeNet1_0", 1_248_424, 818_924_576, 224, 58.1),
        ("SqueezeNet1_1", 1_235_496, 349_151_936, 224, 58.2),
    ),
    stages=(1, 2, 3, 4),
)
