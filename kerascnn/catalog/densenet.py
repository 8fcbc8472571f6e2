"""DenseNet."""

from kerascnn.catalog.entry import Entry

_PAPER = "Huang et al., Densely Connected Convolutional Networks, CVPR, arXiv:1608.06993"

ENTRIES = (
    Entry(
        name="DenseNet121",
        family="densenet",
        params=7_978_856,
        macs=2_834_161_664,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=75.0,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="DenseNet161",
        family="densenet",
        params=28_681_000,
        macs=7_727_907_072,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=77.138,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="DenseNet169",
        family="densenet",
        params=14_149_480,
        macs=3_359_843_328,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=76.2,
        stages=(1, 2, 3, 4, 5),
    ),
    Entry(
        name="DenseNet201",
        family="densenet",
        params=20_013_928,
        macs=4_291_365_888,
        input_shape=(224, 224, 3),
        classes=1000,
        paper=_PAPER,
        year=2016,
        top1=77.3,
        stages=(1, 2, 3, 4, 5),
    ),
)
