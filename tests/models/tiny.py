"""The smallest useful network of every family, for tests that cannot afford a real one."""

from dataclasses import dataclass, field, replace
from typing import Any

import keras
import pytest

import kerascnn
from kerascnn import catalog
from kerascnn.models import (
    _residual,
    cifar_resnet,
    convnext,
    densenet,
    efficientnet,
    enet,
    googlenet,
    inception,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    resnet,
    resnet_v2,
    xception,
)

CLASSES = 10


@dataclass(frozen=True)
class Tiny:
    """A variant, the side of its images, and options that make it narrow."""

    name: str
    size: int = 32
    options: dict[str, Any] = field(default_factory=dict)


NARROW_HEAD = {"hidden": (32, 32)}
TINY = {
    "mlp": Tiny("MLP", 28),
    "lenet": Tiny("LeNet5Original"),
    "alexnet": Tiny("AlexNet", 67, NARROW_HEAD),
    "zfnet": Tiny("ZFNet", 53, NARROW_HEAD),
    "vgg": Tiny("VGG11", 32, NARROW_HEAD),
    "inception": Tiny("InceptionV3", 75),
    "resnet": Tiny("ResNet18"),
    "cifar_resnet": Tiny("ResNet20"),
    "squeezenet": Tiny("SqueezeNet1_1", 35),
    "xception": Tiny("Xception", 71),
    "mobilenet": Tiny("MobileNet", 32, {"alpha": 0.25}),
    "mobilenet_v2": Tiny("MobileNetV2", 32, {"alpha": 0.35}),
    "mobilenet_v3": Tiny("MobileNetV3Small", 32, {"alpha": 0.25}),
    "efficientnet": Tiny("EfficientNetB0"),
    "convnext": Tiny("ConvNeXtTiny", 32, {"drop_path_rate": 0.1}),
}
# Families with wiring of their own; the layers of all are tried one by one.
FAMILIES = ("cifar_resnet", "convnext", "efficientnet", "enet", "googlenet", "lenet")
FAMILIES += ("mobilenet_v3", "root", "squeezenet")


def create(family: str) -> keras.Model:
    """Builds the tiny network of a family, for raw images, with logits as outputs.

    A family without a row in TINY gives its variant with the fewest parameters. Changes the tables
    of this process, which must build nothing else.
    """
    make_shallow(pytest.MonkeyPatch())
    variants = [entry for entry in catalog.entries() if entry.family == family]
    smallest = min(variants, key=lambda entry: entry.params)
    tiny = TINY.get(family, Tiny(smallest.name))
    channels = catalog.find(tiny.name).input_shape[2]
    return kerascnn.create_model(
        tiny.name,
        input_shape=(tiny.size, tiny.size, channels),
        classes=CLASSES,
        classifier_activation=None,
        **tiny.options,
    )


def make_shallow(patch: pytest.MonkeyPatch) -> None:
    """Leaves one or two blocks of each kind in the deep networks: building them takes longest."""
    # A block without and a block with a projection, and the step to the next stage.
    two = {field: getattr(resnet.SPECS["ResNet18"], field)[:2] for field in ("widths", "filters")}
    basic = resnet.Spec(_residual.basic, (2, 1), groups=(1, 1), **two)
    patch.setitem(resnet.SPECS, "ResNet18", basic)
    # Of this one the root network is made, whose groups get fewer with every stage.
    bottleneck = replace(resnet.SPECS["ResNet50"], depths=(1, 1, 1, 1))
    patch.setitem(resnet.SPECS, "ResNet50", bottleneck)
    patch.setitem(resnet_v2.DEPTHS, "ResNet50V2", (3, 1))
    patch.setattr(resnet_v2, "WIDTHS", resnet_v2.WIDTHS[:2])
    patch.setitem(cifar_resnet.DEPTHS, 20, 1)
    dense = replace(densenet.SPECS["DenseNet121"], depths=(2, 1))
    patch.setitem(densenet.SPECS, "DenseNet121", dense)
    patch.setattr(convnext, "TINY", convnext.Spec((2, 1), (16, 32)))
    # The middle flow repeats one block.
    patch.setattr(xception, "BLOCKS", tuple(dict.fromkeys(xception.BLOCKS)))
    patch.setattr(inception, "V3", tuple(steps[:2] for steps in inception.V3))
    for modules in ("STAGE3", "STAGE4", "STAGE5"):
        patch.setattr(googlenet, modules, getattr(googlenet, modules)[:1])
    stages = {
        level: replace(stage, rows=tuple(dict.fromkeys(stage.rows)))
        for level, stage in enet.STAGES.items()
    }
    patch.setattr(enet, "STAGES", stages)
    patch.setattr(mobilenet, "BLOCKS", mobilenet.BLOCKS[:3])
    rows = tuple(
        replace(row, repeats=min(row.repeats, 1 + (row.filters == 24))) for row in mobilenet_v2.ROWS
    )
    patch.setattr(mobilenet_v2, "ROWS", rows)
    small = replace(mobilenet_v3.SMALL, blocks=mobilenet_v3.SMALL.blocks[:5])
    patch.setattr(mobilenet_v3, "SMALL", small)
    for name in ("EfficientNetB0", "EfficientNetLite0"):
        scaling = replace(efficientnet.SCALINGS[name], width=0.25, depth=0.3)
        patch.setitem(efficientnet.SCALINGS, name, scaling)
