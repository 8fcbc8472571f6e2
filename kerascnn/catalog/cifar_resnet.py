"""Residual networks for CIFAR-10 and their plain twins."""

from kerascnn.catalog.entry import variants

_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR, arXiv:1512.03385"

ENTRIES = variants(
    "cifar_resnet",
    _RESNET,
    2015,
    (
        ("ResNet20", 269_722, 40_551_040, 32, None),
        ("ResNet32", 464_154, 68_862_592, 32, None),
        ("ResNet44", 658_586, 97_174_144, 32, None),
        ("ResNet56", 853_018, 125_485_696, 32, None),
        ("ResNet110", 1_727_962, 252_887_680, 32, None),
        ("PlainNet20", 269_722, 40_551_040, 32, None),
        ("PlainNet32", 464_154, 68_862_592, 32, None),
        ("PlainNet44", 658_586, 97_174_144, 32, None),
        ("PlainNet56", 853_018, 125_485_696, 32, None),
    ),
    stages=(0, 1, 2),
    classes=10,
)
