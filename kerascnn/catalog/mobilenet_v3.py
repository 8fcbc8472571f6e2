"""MobileNetV3."""

from kerascnn.catalog.entry import variants

_PAPER = "Howard et al., Searching for MobileNetV3, ICCV, arXiv:1905.02244"

ENTRIES = variants(
    "mobilenet_v3",
    _PAPER,
    2019,
    (
        ("MobileNetV3Small", 2_542_856, 56_510_400, 224, 67.4),
        ("MobileNetV3Large", 5_483_032, 216_589_760, 224, 75.2),
    ),
)
