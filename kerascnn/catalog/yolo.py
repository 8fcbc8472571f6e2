"""The first YOLO, an object detector."""

from kerascnn.catalog.entry import Entry

_PAPER = (
    "Redmon, Divvala, Girshick, Farhadi, You Only Look Once: Unified, Real-Time Object Detection, "
    "CVPR 2016, arXiv:1506.02640"
)
_NUMBERS = (("YOLOv1", 271_703_550, 20_285_153_280), ("FastYOLO", 45_089_374, 2_418_728_960))

ENTRIES = tuple(
    Entry(
        name=name,
        family="yolo",
        params=params,
        macs=macs,
        input_shape=(448, 448, 3),
        classes=20,
        paper=_PAPER,
        year=2015,
        stages=(1, 2, 3, 4, 5, 6),
        task="detection",
    )
    for name, params, macs in _NUMBERS
)
