"""Writes the golden files of torchvision's and timm's networks: `python make_libraries.py`.

Needs the environment that torch_oracle.py describes.
"""

import functools
from collections.abc import Iterable

from torch_oracle import (
    TIMM,
    TORCHVISION,
    standardised,
    timm,
    torch,
    torchvision,
    write_golden,
)

CLASSES = 10
# Signed pixels, as Google's networks take them.
SIGNED = functools.partial(standardised, mean=(0.5,) * 3, std=(0.5,) * 3)
LITE = functools.partial(standardised, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


def stages(modules: Iterable[str], first: int = 1) -> dict[str, str]:
    """Our layers `stage{first}` ... and the modules whose outputs are theirs."""
    return {f"stage{level}": module for level, module in enumerate(modules, start=first)}


def features(*places: int, first: int = 1) -> dict[str, str]:
    """Stages that are parts of `features`."""
    return stages((f"features.{place}" for place in places), first)


def narrow(model: torch.nn.Module, inputs: int) -> torch.nn.Module:
    """Replaces the dense layers by narrow ones: 64 and 48 units."""
    widths = ((inputs, 64), (64, 48), (48, CLASSES))
    places = [i for i, part in enumerate(model.classifier) if isinstance(part, torch.nn.Linear)]
    for place, (before, after) in zip(places, widths, strict=True):
        model.classifier[place] = torch.nn.Linear(before, after)
    return model


RESNET = stages(("relu", "layer1", "layer2", "layer3", "layer4"))
DENSENET = stages(("features.relu0", *(f"features.transition{n}.relu" for n in (1, 2, 3))))
MOBILE = stages(("blocks.0", "blocks.1", "blocks.2", "blocks.4", "bn2"))


def of_torchvision() -> None:
    """Writes the files of torchvision."""
    models = torchvision.models
    small = {"num_classes": CLASSES}

    def write(name: str, model: torch.nn.Module, taps: dict[str, str], size: int = 64) -> None:
        write_golden(name, TORCHVISION, model, taps, size)

    # 112 pixels make maps of 2x2, which adaptive pooling widens to 6x6.
    taps = features(1, 4, 11, 12, first=2)
    write("alexnet_torchvision", narrow(models.alexnet(), 256 * 36), taps, 112)
    write("vgg11_bn", narrow(models.vgg11_bn(), 512 * 49), features(6, 13, 20, 27, 28))
    write("squeezenet1_0", models.squeezenet1_0(**small), features(1, 5, 10, 12))
    write("squeezenet1_1", models.squeezenet1_1(**small), features(1, 4, 7, 12), 71)
    write("resnet18", models.resnet18(**small), RESNET)
    write("resnet50", models.resnet50(**small), RESNET)
    dilated = {"replace_stride_with_dilation": [False, True, True]}
    write("resnet50_stride8", models.resnet50(**small, **dilated), RESNET)
    write("resnext50", models.resnext50_32x4d(**small), RESNET)
    write("densenet121", models.densenet121(**small), DENSENET)
    write("mobilenet_v2", models.mobilenet_v2(**small), features(1, 3, 6, 13, 18))
    write("mobilenet_v3_large", models.mobilenet_v3_large(**small), features(1, 3, 6, 12, 16))
    write("mobilenet_v3_small", models.mobilenet_v3_small(**small), features(0, 1, 3, 8, 12))
    write("efficientnet_b0", models.efficientnet_b0(**small), features(1, 2, 3, 5, 8))
    taps = {"stem_norm": "features.0", **features(1, 3, 5, 7, first=2)}
    write("convnext_tiny", models.convnext_tiny(**small), taps)
    # With its published weights torchvision takes ImageNet's mean and deviation and undoes them.
    options = {"aux_logits": False, "init_weights": False, "transform_input": True}
    v3 = models.inception_v3(**small, **options)
    modules = ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")
    write("inception_v3", v3, stages(modules), 107)


def of_timm() -> None:
    """Writes the files of timm."""

    def write(name, taps, size=64, prepare=standardised) -> None:
        model = timm.create_model(name, num_classes=CLASSES)
        write_golden(f"{name}_timm", TIMM, model, taps, size, prepare)

    write("mobilenetv2_050", MOBILE)
    write("efficientnet_b0", MOBILE)
    write("efficientnet_lite0", MOBILE)
    write("tf_efficientnet_lite0", MOBILE, prepare=LITE)
    taps = stages((f"stages.{n}" for n in range(4)), first=2)
    write("convnext_tiny", {"stem_norm": "stem", **taps})
    write("inception_v4", features(2, 4, 9, 17, 21), 107, SIGNED)


if __name__ == "__main__":
    of_torchvision()
    of_timm()
