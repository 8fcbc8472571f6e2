"""Residual networks for CIFAR-10 and their plain twins."""

from kerascnn.catalog.entry import Entry

_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR, arXiv:1512.03385"


def _entry(name: str, params: int, macs: int) -> Entry:
    return Entry(
        name=name,
        family="cifar_resnet",
        params=params,
        macs=macs,
        input_shape=(32, 32, 3),
        classes=10,
        paper=_RESNET,
        year=2015,
        stages=(0, 1, 2),
    )


ENTRIES = (
    _entry("ResNet20", 269_722, 40_551_040),
    _entry("ResNet32", 464_154, 68_862_592),
    _entry("ResNet44", 658_586, 97_174_144),
    _entry("ResNet56", 853_018, 125_485_696),
    _entry("ResNet110", 1_727_962, 252_887_680),
    _entry("PlainNet20", 269_722, 40_551_040),
    _entry("PlainNet32", 464_154, 68_862_592),
    _entry("PlainNet44", 658_586, 97_174_144),
    _entry("PlainNet56", 853_018, 125_485_696),
)
