"""EfficientNet."""

from kerascnn.catalog.entry import Entry

_PAPER = "Tan, Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML, arXiv:1905.11946"


def _entry(name: str, params: int, macs: int, size: int, top1: float) -> Entry:
    return Entry(
        name=name,
        family="efficientnet",
        params=params,
        macs=macs,
        input_shape=(size, size, 3),
        classes=1000,
        paper=_PAPER,
        year=2019,
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
)
