"""The smallest useful network of every family, for tests that cannot afford a real one."""

from dataclasses import dataclass, field, replace
from typing import Any

import keras

import kerascnn
from kerascnn import catalog
from kerascnn.models import (
    convnext,
    densenet,
    efficientnet,
    googlenet,
    inception,
    mobilenet_v2,
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
FAMILIES = tuple(dict.fromkeys(entry.family for entry in catalog.entries()))


def create(family: str) -> keras.Model:
    """Builds the tiny network of a family, for raw images, with logits as outputs.

    A family without a row in TINY gives its variant with the fewest parameters.
    """
    _make_shallow()
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


def _make_shallow() -> None:
    """Leaves a block or two of each kind in the deepest networks: compiling them takes longest.

    Changes the tables of this process, which must build nothing else.
    """
    for specs, name, depths in (
        (densenet.SPECS, "DenseNet121", (2, 2, 1, 1)),
        (resnet.SPECS, "ResNet18", (2, 1, 1, 1)),
        (resnet.SPECS, "ResNet50", (2, 1, 1, 1)),  # of which the root network is made
    ):
        specs[name] = replace(specs[name], depths=depths)
    resnet_v2.DEPTHS["ResNet50V2"] = (2, 1, 1, 1)
    convnext.TINY = convnext.Spec((2, 1, 1, 1), (16, 32, 48, 64))
    xception.BLOCKS = tuple(dict.fromkeys(xception.BLOCKS))  # the middle flow repeats one block
    inception.V3 = tuple(steps[:2] for steps in inception.V3)
    googlenet.STAGE4 = googlenet.STAGE4[:1]
    mobilenet_v2.ROWS = tuple(
        replace(row, repeats=min(row.repeats, 1 + (row.filters == 24))) for row in mobilenet_v2.ROWS
    )
    scaling = efficientnet.SCALINGS["EfficientNetB0"]
    efficientnet.SCALINGS["EfficientNetB0"] = replace(scaling, width=0.25, depth=0.3)
