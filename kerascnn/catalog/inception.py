"""InceptionV3, InceptionV4, Inception-ResNet-v2."""

from kerascnn.catalog.entry import variants

_2015 = "Szegedy et al., Rethinking the Inception Architecture, CVPR, arXiv:1512.00567"
_2016 = "Szegedy et al., Inception-v4, Inception-ResNet, AAAI, arXiv:1602.07261"

ENTRIES = variants(
    "inception",
    _2015,
    2015,
    (("InceptionV3", 23_817_352, 5_713_216_096, 299, 77.9),),
) + variants(
    "inception",
    _2016,
    2016,
    (
        ("InceptionV4", 42_679_816, 12_253_974_624, 299, 80.0),
        ("InceptionResNetV2", 55_813_192, 13_155_794_016, 299, 80.3),
    ),
)
