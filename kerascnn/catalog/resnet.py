"""ResNet, its plain twins, ResNeXt, and wide ResNets."""

from kerascnn.catalog.entry import variants

_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR, arXiv:1512.03385"
_RESNEXT = "Xie et al., Aggregated Residual Transformations, CVPR, arXiv:1611.05431"
_WIDE = "Zagoruyko, Komodakis, Wide Residual Networks, BMVC, arXiv:1605.07146"

ENTRIES = (
    variants(
        "resnet",
        _RESNET,
        2015,
        (
            ("ResNet18", 11_689_512, 1_814_073_344, 224, 69.758),
            ("ResNet34", 21_797_672, 3_663_761_408, 224, 73.314),
            ("ResNet50", 25_557_032, 3_857_973_248, 224, 74.9),
            ("ResNet101", 44_549_160, 7_570_194_432, 224, 76.4),
            ("ResNet152", 60_192_808, 11_282_415_616, 224, 76.6),
            ("PlainNet18", 11_515_688, 1_794_805_760, 224, None),
            ("PlainNet34", 21_623_848, 3_644_493_824, 224, None),
        ),
    )
    + variants(
        "resnet",
        _RESNEXT,
        2016,
        (
            ("ResNeXt50", 25_028_904, 4_230_479_872, 224, 77.8),
            ("ResNeXt101", 88_791_336, 16_414_015_488, 224, 79.312),
            ("ResNeXt101_64x4d", 83_455_272, 15_460_270_080, 224, 79.6),
        ),
    )
    + variants(
        "resnet",
        _WIDE,
        2016,
        (
            ("WideResNet50_2", 68_883_240, 11_398_021_120, 224, 78.468),
            ("WideResNet101_2", 126_886_696, 22_753_050_624, 224, 78.848),
        ),
    )
)
