"""ENet's encoder."""

from kerascnn.catalog.entry import Entry

_PAPER = "Paszke et al., ENet: Real-Time Semantic Segmentation, arXiv:1606.02147"

ENTRIES = (
    Entry(
        name="ENet",
        family="enet",
        params=466_519,
        macs=311_206_656,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        stages=(1, 2, 3),
    ),
)
