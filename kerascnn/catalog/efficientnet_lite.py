"""EfficientNet-Lite.

The authors' table counts the multiplications of batch normalisation too, which is why it says
0.41 G for Lite0. Accuracies are those of their repository.
"""

from kerascnn.catalog.entry import variants

_PAPER = "Liu, Tan et al., EfficientNet-Lite, github.com/tensorflow/tpu"

ENTRIES = variants(
    "efficientnet_lite",
    _PAPER,
    2020,
    (
        ("EfficientNetLite0", 4_652_008, 385_187_552, 224, 75.1),
        ("EfficientNetLite1", 5_416_680, 600_185_232, 240, 76.7),
        ("EfficientNetLite2", 6_092_072, 859_736_272, 260, 77.6),
        ("EfficientNetLite3", 8_197_096, 1_383_321_872, 280, 79.8),
        ("EfficientNetLite4", 13_006_568, 2_553_034_336, 300, 81.5),
    ),
)
