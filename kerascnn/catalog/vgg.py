"""VGG, with and without batch normalisation."""

from kerascnn.catalog.entry import variants

_PAPER = "Simonyan, Zisserman, Very Deep Convolutional Networks, ICLR, arXiv:1409.1556"
_NORMALISED = f"{_PAPER}; Ioffe, Szegedy, Batch Normalization, ICML, arXiv:1502.03167"

ENTRIES = variants(
    "vgg",
    _PAPER,
    2014,
    (
        ("VGG11", 132_863_336, 7_609_090_048, 224, 69.0),
        ("VGG13", 133_047_848, 11_308_466_176, 224, 69.9),
        ("VGG16", 138_357_544, 15_470_264_320, 224, 71.3),
        ("VGG19", 143_667_240, 19_632_062_464, 224, 71.3),
    ),
) + variants(
    "vgg",
    _NORMALISED,
    2015,
    (
        ("VGG11BN", 132_866_088, 7_609_090_048, 224, 70.4),
        ("VGG13BN", 133_050_792, 11_308_466_176, 224, 71.6),
        ("VGG16BN", 138_361_768, 15_470_264_320, 224, 73.4),
        ("VGG19BN", 143_672_744, 19_632_062_464, 224, 74.2),
    ),
)
