"""EfficientNet-Lite.

The authors' table counts the multiplications of batch normalisation too, which is why it says
0.41 G for Lite0. Accuracies are those of their repository.
"""

from kerascnn.catalog.entry import Entry

_PAPER = "Liu, Tan et al., EfficientNet-Lite, github.com/tensorflow/tpu"


def _entry(name: str, params: int, macs: int, size: int, top1: float) -> Entry:
    return Entry(
        name=name,
        family="efficientnet_lite",
        params=params,
        macs=macs,
        input_shape=(size, size, 3),
        classes=1000,
        paper=_PAPER,
        year=2020,
        top1=top1,
        stages=(1, 2, 3, 4, 5),
    )


ENTRIES = (
    _entry("EfficientNetLite0", 4_652_008, 385_187_552, 224, 75.1),
    _entry("EfficientNetLite1", 5_416_680, 600_185_232, 240, 76.7),
    _entry("EfficientNetLite2", 6_092_072, 859_736_272, 260, 77.6),
    _entry("EfficientNetLite3", 8_197_096, 1_383_321_872, 280, 79.8),
    _entry("EfficientNetLite4", 13_006_568, 2_553_034_336, 300, 81.5),
)
