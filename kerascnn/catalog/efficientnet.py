"""EfficientNet and EfficientNet-Lite.

The tables of the papers count the multiplications of batch normalisation too, which is why they
say 0.41 G for Lite0. Accuracies of Lite are those of the authors' repository.
"""

from kerascnn.catalog.entry import Entry

_PAPER = "Tan, Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML"
_LITE = "Liu, Tan et al., EfficientNet-Lite, github.com/tensorflow/tpu"


def _entry(name: str, params: int, macs: int, size: int, top1: float) -> Entry:
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
        stages=(1, 2, 3, 4, 5),
    )


ENTRIES = (
    _entry("EfficientNetB0", 5_288_548, 385_814_752, 224, 77.1),
    _entry("EfficientNetB1", 7_794_184, 686_802_832, 240, 79.1),
    _entry("EfficientNetB2", 9_109_994, 993_561_872, 260, 80.1),
    _entry("EfficientNetB3", 12_233_232, 1_827_141_392, 300, 81.6),
    _entry("EfficientNetB4", 19_341_616, 4_393_771_024, 380, 82.9),
    _entry("EfficientNetB5", 30_389_784, 10_266_384_752, 456, 83.6),
    _entry("EfficientNetB6", 43_040_704, 19_067_593_536, 528, 84.0),
    _entry("EfficientNetB7", 66_347_960, 37_745_884_192, 600, 84.3),
    _entry("EfficientNetLite0", 4_652_008, 385_187_552, 224, 75.1),
    _entry("EfficientNetLite1", 5_416_680, 600_185_232, 240, 76.7),
    _entry("EfficientNetLite2", 6_092_072, 859_736_272, 260, 77.6),
    _entry("EfficientNetLite3", 8_197_096, 1_383_321_872, 280, 79.8),
    _entry("EfficientNetLite4", 13_006_568, 2_553_034_336, 300, 81.5),
)
