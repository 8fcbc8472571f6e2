"""The weights of torchvision and timm.

Those in timm's repositories on the Hugging Face hub (timm 1.0.31, its pretrained configurations)
are taken from there, since they are read without PyTorch; the others from torchvision's own
addresses (torchvision 0.29, its `Weights` enumerations). Of timm's many weights only those are
listed that expect the pixels our networks give them.
"""

from typing import Any

from kerascnn.catalog.published.locations import HubRepository, Published, TorchFile


def _torch(name: str, tag: str = "torchvision", **requires: Any) -> Published:
    return Published(tag, "torch", lambda _: TorchFile(f"{name}.pth"), requires)


def _hub(name: str, tag: str | None = None, style: str = "torch", **requires: Any) -> Published:
    repository = f"timm/{name}"
    return Published(tag or repository, style, lambda _: HubRepository(repository), requires)


def _torchvision_on_hub(name: str, *more: str) -> tuple[Published, ...]:
    """torchvision's weights in timm's repositories, under both names, and timm's own."""
    found = [_hub(f"{name}.tv_in1k", "torchvision"), _hub(f"{name}.tv_in1k")]
    if "tv2_in1k" in more:
        found.append(_hub(f"{name}.tv2_in1k", "torchvision/v2"))
    return (*found, *(_hub(f"{name}.{tag}") for tag in more))


TABLE: dict[str, tuple[Published, ...]] = {
    "AlexNet": (_torch("alexnet-owt-7be5be79"),),
    "GoogLeNet": (_torch("googlenet-1378be20"),),
    "VGG11": _torchvision_on_hub("vgg11"),
    "VGG11BN": _torchvision_on_hub("vgg11_bn"),
    "VGG13": _torchvision_on_hub("vgg13"),
    "VGG13BN": _torchvision_on_hub("vgg13_bn"),
    "VGG16": _torchvision_on_hub("vgg16"),
    "VGG16BN": _torchvision_on_hub("vgg16_bn"),
    "VGG19": _torchvision_on_hub("vgg19"),
    "VGG19BN": _torchvision_on_hub("vgg19_bn"),
    "InceptionV3": _torchvision_on_hub("inception_v3"),
    "InceptionV4": (_hub("inception_v4.tf_in1k"),),
    "ResNet18": _torchvision_on_hub("resnet18", "a1_in1k"),
    "ResNet34": _torchvision_on_hub("resnet34", "a1_in1k"),
    "ResNet50": _torchvision_on_hub("resnet50", "tv2_in1k", "a1_in1k"),
    "ResNet101": _torchvision_on_hub("resnet101", "tv2_in1k", "a1_in1k"),
    "ResNet152": _torchvision_on_hub("resnet152", "tv2_in1k", "a1_in1k"),
    "ResNeXt50": _torchvision_on_hub("resnext50_32x4d", "tv2_in1k", "a1_in1k"),
    "ResNeXt101": _torchvision_on_hub("resnext101_32x8d", "tv2_in1k"),
    "ResNeXt101_64x4d": _torchvision_on_hub("resnext101_64x4d", "c1_in1k"),
    "WideResNet50_2": _torchvision_on_hub("wide_resnet50_2", "tv2_in1k", "racm_in1k"),
    "WideResNet101_2": _torchvision_on_hub("wide_resnet101_2", "tv2_in1k"),
    "DenseNet121": _torchvision_on_hub("densenet121"),
    "DenseNet161": _torchvision_on_hub("densenet161"),
    "DenseNet169": _torchvision_on_hub("densenet169"),
    "DenseNet201": _torchvision_on_hub("densenet201"),
    "SqueezeNet1_0": (_torch("squeezenet1_0-b66bff10"),),
    "SqueezeNet1_1": (_torch("squeezenet1_1-b8a52dc0"),),
    "MobileNetV2": (
        _torch("mobilenet_v2-b0353104", alpha=1.0),
        _torch("mobilenet_v2-7ebf99e0", "torchvision/v2", alpha=1.0),
        _hub("mobilenetv2_050.lamb_in1k", alpha=0.5),
        _hub("mobilenetv2_100.ra_in1k", alpha=1.0),
        _hub("mobilenetv2_140.ra_in1k", alpha=1.4),
    ),
    "MobileNetV3Small": (_torch("mobilenet_v3_small-047dcff4", alpha=1.0, minimalistic=False),),
    "MobileNetV3Large": (
        _torch("mobilenet_v3_large-8738ca79", alpha=1.0, minimalistic=False),
        _torch("mobilenet_v3_large-5c1a4163", "torchvision/v2", alpha=1.0, minimalistic=False),
    ),
    "EfficientNetB0": (
        _torch("efficientnet_b0_rwightman-7f5810bc"),
        _hub("efficientnet_b0.ra_in1k"),
        _hub("tf_efficientnet_b0.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB1": (
        _torch("efficientnet_b1_rwightman-bac287d4"),
        _torch("efficientnet_b1-c27df63c", "torchvision/v2"),
        _hub("efficientnet_b1.ft_in1k"),
        _hub("tf_efficientnet_b1.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB2": (
        _torch("efficientnet_b2_rwightman-c35c1473"),
        _hub("efficientnet_b2.ra_in1k"),
        _hub("tf_efficientnet_b2.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB3": (
        _torch("efficientnet_b3_rwightman-b3899882"),
        _hub("efficientnet_b3.ra2_in1k"),
        _hub("tf_efficientnet_b3.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB4": (
        _torch("efficientnet_b4_rwightman-23ab8bcd"),
        _hub("efficientnet_b4.ra2_in1k"),
        _hub("tf_efficientnet_b4.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB5": (
        _torch("efficientnet_b5_lukemelas-1a07897c"),
        _hub("tf_efficientnet_b5.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB6": (
        _torch("efficientnet_b6_lukemelas-24a108a5"),
        _hub("tf_efficientnet_b6.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetB7": (
        _torch("efficientnet_b7_lukemelas-c5b4e57e"),
        _hub("tf_efficientnet_b7.ns_jft_in1k", style="keras"),
    ),
    "EfficientNetLite0": (
        _hub("tf_efficientnet_lite0.in1k", style="keras"),
        _hub("efficientnet_lite0.ra_in1k"),
    ),
    "EfficientNetLite1": (_hub("tf_efficientnet_lite1.in1k", style="keras"),),
    "EfficientNetLite2": (_hub("tf_efficientnet_lite2.in1k", style="keras"),),
    "EfficientNetLite3": (_hub("tf_efficientnet_lite3.in1k", style="keras"),),
    "EfficientNetLite4": (_hub("tf_efficientnet_lite4.in1k", style="keras"),),
    "ConvNeXtTiny": (
        _torch("convnext_tiny-983f1562"),
        _hub("convnext_tiny.fb_in1k"),
        _hub("convnext_tiny.fb_in22k_ft_in1k"),
    ),
    "ConvNeXtSmall": (
        _torch("convnext_small-0c510722"),
        _hub("convnext_small.fb_in1k"),
        _hub("convnext_small.fb_in22k_ft_in1k"),
    ),
    "ConvNeXtBase": (
        _torch("convnext_base-6075fbad"),
        _hub("convnext_base.fb_in1k"),
        _hub("convnext_base.fb_in22k_ft_in1k"),
    ),
    "ConvNeXtLarge": (
        _torch("convnext_large-ea097f82"),
        _hub("convnext_large.fb_in1k"),
        _hub("convnext_large.fb_in22k_ft_in1k"),
    ),
    "ConvNeXtXLarge": (_hub("convnext_xlarge.fb_in22k_ft_in1k"),),
}
