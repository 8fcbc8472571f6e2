"""MobileNetV2."""

from kerascnn.catalog.entry import Entry

ENTRIES = (
    Entry(
        name="MobileNetV2",
        family="mobilenet_v2",
        params=3_504_872,
        macs=300_774_272,
        input_shape=(224, 224, 3),
        classes=1000,
        paper="Sandler et al., MobileNetV2: Inverted Residuals, CVPR, arXiv:1801.04381",
        year=2018,
        top1=72.0,
        stages=(1, 2, 3, 4, 5),
    ),
)
