"""EfficientNet and EfficientNet-Lite.

The tables of the papers count the multiplications of batch normalisation too, which is why they
say 0.41 G for Lite0. Accuracies of Lite are those of the authors' repository.
"""

from kerascnn.catalog.entry import Entry

_PAPER = "Tan, Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML"
_LITE = "Liu, Tan et al., EfficientNet-Lite, github.com/tensorflow/tpu"


def _entry(name: str, params: int, macs: int, size: int, top1: float, *weights: str) -> Entry:
    lite = "Lite" in name
    return Entry(
        name=name,
        family="efficientnet",
        params=params,
        macs=macs,
        input_shape=(size, size, 3),
        classes=1000,
        paper=_LITE if lite else _PAPER,
        year=2020 if lite else 2019,
        top1=top1,
        weights=weights,
        stages=(1, 2, 3, 4, 5),
    )


_TAGS = ("imagenet", "torchvision")
ENTRIES = (
    _entry(
        "EfficientNetB0",
        5_288_548,
        385_814_752,
        224,
        77.1,
        *_TAGS,
        "timm/efficientnet_b0.ra_in1k",
        "timm/tf_efficientnet_b0.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB1",
        7_794_184,
        686_802_832,
        240,
        79.1,
        *_TAGS,
        "torchvision/v2",
        "timm/efficientnet_b1.ft_in1k",
        "timm/tf_efficientnet_b1.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB2",
        9_109_994,
        993_561_872,
        260,
        80.1,
        *_TAGS,
        "timm/efficientnet_b2.ra_in1k",
        "timm/tf_efficientnet_b2.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB3",
        12_233_232,
        1_827_141_392,
        300,
        81.6,
        *_TAGS,
        "timm/efficientnet_b3.ra2_in1k",
        "timm/tf_efficientnet_b3.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB4",
        19_341_616,
        4_393_771_024,
        380,
        82.9,
        *_TAGS,
        "timm/efficientnet_b4.ra2_in1k",
        "timm/tf_efficientnet_b4.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB5",
        30_389_784,
        10_266_384_752,
        456,
        83.6,
        *_TAGS,
        "timm/tf_efficientnet_b5.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB6",
        43_040_704,
        19_067_593_536,
        528,
        84.0,
        *_TAGS,
        "timm/tf_efficientnet_b6.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetB7",
        66_347_960,
        37_745_884_192,
        600,
        84.3,
        *_TAGS,
        "timm/tf_efficientnet_b7.ns_jft_in1k",
    ),
    _entry(
        "EfficientNetLite0",
        4_652_008,
        385_187_552,
        224,
        75.1,
        "timm/tf_efficientnet_lite0.in1k",
        "timm/efficientnet_lite0.ra_in1k",
    ),
    _entry(
        "EfficientNetLite1", 5_416_680, 600_185_232, 240, 76.7, "timm/tf_efficientnet_lite1.in1k"
    ),
    _entry(
        "EfficientNetLite2", 6_092_072, 859_736_272, 260, 77.6, "timm/tf_efficientnet_lite2.in1k"
    ),
    _entry(
        "EfficientNetLite3", 8_197_096, 1_383_321_872, 280, 79.8, "timm/tf_efficientnet_lite3.in1k"
    ),
    _entry(
        "EfficientNetLite4", 13_006_568, 2_553_034_336, 300, 81.5, "timm/tf_efficientnet_lite4.in1k"
    ),
)
