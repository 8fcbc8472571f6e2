"""GoogLeNet."""

from kerascnn.catalog.entry import Entry

ENTRIES = (
    Entry(
        name="GoogLeNet",
        family="googlenet",
        params=6_998_552,
        macs=1_582_671_872,
        input_shape=(224, 224, 3),
        classes=1000,
        paper="Szegedy et al., Going Deeper with Convolutions, CVPR, arXiv:1409.4842",
        year=2014,
        stages=(1, 2, 3, 4, 5),
    ),
)
