"""InceptionV3, InceptionV4, Inception-ResNet-v2."""

from kerascnn.catalog.entry import Entry

_2015 = "Szegedy et al., Rethinking the Inception Architecture, CVPR, arXiv:1512.00567"
_2016 = "Szegedy et al., Inception-v4, Inception-ResNet, AAAI, arXiv:1602.07261"

ENTRIES = (
    Entry(
        name="InceptionV3",
        family="inception",
        params=23_817_352,
        macs=5_713_216_096,
        input_shape=(299, 299, 3),
        classes=1000,
        paper=_2015,
        year=2015,
        top1=77.9,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="InceptionV4",
        family="inception",
        params=42_679_816,
        macs=12_253_974_624,
        input_shape=(299, 299, 3),
        classes=1000,
        paper=_2016,
        year=2016,
        top1=80.0,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="InceptionResNetV2",
        family="inception",
        params=55_813_192,
        macs=13_155_794_016,
        input_shape=(299, 299, 3),
        classes=1000,
        paper=_2016,
        year=2016,
        top1=80.3,
        stages=(1, 2, 3, 4, 5),
    ),
)
