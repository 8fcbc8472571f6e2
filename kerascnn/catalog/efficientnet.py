"""EfficientNet."""

from kerascnn.catalog.entry import variants

_PAPER = "Tan, Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML, arXiv:1905.11946"

ENTRIES = variants(
    "efficientnet",
    _PAPER,
    2019,
    (
        ("EfficientNetB0", 5_288_548, 385_814_752, 224, 77.1),
        ("EfficientNetB1", 7_794_184, 686_802_832, 240, 79.1),
        ("EfficientNetB2", 9_109_994, 993_561_872, 260, 80.1),
        ("EfficientNetB3", 12_233_232, 1_827_141_392, 300, 81.6),
        ("EfficientNetB4", 19_341_616, 4_393_771_024, 380, 82.9),
        ("EfficientNetB5", 30_389_784, 10_266_384_752, 456, 83.6),
        ("EfficientNetB6", 43_040_704, 19_067_593_536, 528, 84.0),
        ("EfficientNetB7", 66_347_960, 37_745_884_192, 600, 84.3),
    ),
)
