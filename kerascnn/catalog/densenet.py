"""DenseNet."""

from kerascnn.catalog.entry import variants

_PAPER = "Huang et al., Densely Connected Convolutional Networks, CVPR, arXiv:1608.06993"

ENTRIES = variants(
    "densenet",
    _PAPER,
    2016,
    (
        ("DenseNet121", 7_978_856, 2_834_161_664, 224, 75.0),
        ("DenseNet161", 28_681_000, 7_727_907_072, 224, 77.138),
        ("DenseNet169", 14_149_480, 3_359_843_328, 224, 76.2),
        ("DenseNet201", 20_013_928, 4_291_365_888, 224, 77.3),
    ),
)
