"""The weights of keras.applications, as its source (Keras 3.15) has addresses and hashes."""

from typing import Any

from kerascnn.catalog.published.locations import KerasFile, Published, Request
from kerascnn.errors import InputError

GOOGLE = "https://storage.googleapis.com/tensorflow/keras-applications/"
GOOGLE_EFFICIENTNET = "https://storage.googleapis.com/keras-applications/"
KERNELS = "_weights_tf_dim_ordering_tf_kernels"


def _file(path: str, top: str, no_top: str) -> tuple[Published]:
    def locate(request: Request) -> KerasFile:
        base = GOOGLE_EFFICIENTNET if path.startswith("efficientnet") else GOOGLE
        ending, hash_ = ("", top) if request.include_top else ("_notop", no_top)
        return KerasFile(f"{base}{path}{ending}.h5", hash_)

    return (Published("imagenet", "keras", locate),)


def _chosen(request: Request, option: str, choices: tuple[Any, ...]) -> Any:
    value = request.options.get(option, choices[0])
    if value not in choices:
        raise InputError(
            f"the weights 'imagenet' of {request.variant} exist for {option} in "
            f"{sorted(choices)}. Received: {option}={value!r}."
        )
    return value


def _trained_size(request: Request, sizes: tuple[int, ...]) -> int:
    """The size of images that the weights were trained with: the model's if it is one, else 224."""
    height, width = request.size
    return height if height is not None and height == width and height in sizes else 224


def _mobilenet(request: Request) -> KerasFile:
    alpha = _chosen(request, "alpha", (1.0, 0.75, 0.5, 0.25))
    _chosen(request, "depth_multiplier", (1,))
    text = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[alpha]
    size = _trained_size(request, (128, 160, 192, 224))
    ending = "" if request.include_top else "_no_top"
    return KerasFile(f"{GOOGLE}mobilenet/mobilenet_{text}_{size}_tf{ending}.h5")


def _mobilenet_v2(request: Request) -> KerasFile:
    alpha = float(_chosen(request, "alpha", (1.0, 0.35, 0.5, 0.75, 1.3, 1.4)))
    size = _trained_size(request, (96, 128, 160, 192, 224))
    ending = "" if request.include_top else "_no_top"
    return KerasFile(f"{GOOGLE}mobilenet_v2/mobilenet_v2{KERNELS}_{alpha}_{size}{ending}.h5")


_MOBILENET_V3 = {
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": (
        "675e7b876c45c57e9e63e6d90a36599c",
        "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": (
        "99cd97fb2fcdad2bf028eb838de69e37",
        "cde8136e733e811080d9fcd8a252f7e4",
    ),
}


def _mobilenet_v3(request: Request) -> KerasFile:
    plain = bool(request.options.get("minimalistic"))
    alpha = float(_chosen(request, "alpha", (1.0,) if plain else (1.0, 0.75)))
    size = request.variant.removeprefix("MobileNetV3").lower()
    name = f"{size}{'_minimalistic' if plain else ''}_224_{alpha}"
    top, no_top = _MOBILENET_V3[name]
    ending, hash_ = ("", top) if request.include_top else ("_no_top_v2", no_top)
    return KerasFile(f"{GOOGLE}mobilenet_v3/weights_mobilenet_v3_{name}_float{ending}.h5", hash_)


TABLE: dict[str, tuple[Published]] = {
    "VGG16": _file(
        f"vgg16/vgg16{KERNELS}",
        "64373286793e3c8b2b4e3219cbf3544b",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "VGG19": _file(
        f"vgg19/vgg19{KERNELS}",
        "cbe5617147190e668d6c5d5026f83318",
        "253f8cb515780f3b799900260a226db6",
    ),
    "InceptionV3": _file(
        f"inception_v3/inception_v3{KERNELS}",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    "InceptionResNetV2": _file(
        f"inception_resnet_v2/inception_resnet_v2{KERNELS}",
        "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
    "Xception": _file(
        f"xception/xception{KERNELS}",
        "0a58e3b7378bc2990ea3b43d5981f1f6",
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
    "ResNet50": _file(
        f"resnet/resnet50{KERNELS}",
        "2cb95161c43110f7111970584f804107",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "ResNet101": _file(
        f"resnet/resnet101{KERNELS}",
        "f1aeb4b969a6efcfb50fad2f0c20cfc5",
        "88cf7a10940856eca736dc7b7e228a21",
    ),
    "ResNet152": _file(
        f"resnet/resnet152{KERNELS}",
        "100835be76be38e30d865e96f2aaae62",
        "ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
    "ResNet50V2": _file(
        f"resnet/resnet50v2{KERNELS}",
        "3ef43a0b657b3be2300d5770ece849e0",
        "fac2f116257151a9d068a22e544a4917",
    ),
    "ResNet101V2": _file(
        f"resnet/resnet101v2{KERNELS}",
        "6343647c601c52e1368623803854d971",
        "c0ed64b8031c3730f411d2eb4eea35b5",
    ),
    "ResNet152V2": _file(
        f"resnet/resnet152v2{KERNELS}",
        "a49b44d1979771252814e80f8ec446f9",
        "ed17cf2e0169df9d443503ef94b23b33",
    ),
    "DenseNet121": _file(
        f"densenet/densenet121{KERNELS}",
        "9d60b8095a5708f2dcce2bca79d332c7",
        "30ee3e1110167f948a6b9946edeeb738",
    ),
    "DenseNet169": _file(
        f"densenet/densenet169{KERNELS}",
        "d699b8f76981ab1b30698df4c175e90b",
        "b8c4d4c20dd625c148057b9ff1c1176b",
    ),
    "DenseNet201": _file(
        f"densenet/densenet201{KERNELS}",
        "1ceb130c1ea1b78c3bf6114dbdfd8807",
        "c13680b51ded0fb44dff2d8f86ac8bb1",
    ),
    "MobileNet": (Published("imagenet", "keras", _mobilenet),),
    "MobileNetV2": (Published("imagenet", "keras", _mobilenet_v2),),
    "MobileNetV3Small": (Published("imagenet", "keras", _mobilenet_v3),),
    "MobileNetV3Large": (Published("imagenet", "keras", _mobilenet_v3),),
    "EfficientNetB0": _file(
        "efficientnetb0", "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"
    ),
    "EfficientNetB1": _file(
        "efficientnetb1", "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"
    ),
    "EfficientNetB2": _file(
        "efficientnetb2", "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"
    ),
    "EfficientNetB3": _file(
        "efficientnetb3", "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"
    ),
    "EfficientNetB4": _file(
        "efficientnetb4", "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"
    ),
    "EfficientNetB5": _file(
        "efficientnetb5", "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"
    ),
    "EfficientNetB6": _file(
        "efficientnetb6", "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"
    ),
    "EfficientNetB7": _file(
        "efficientnetb7", "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"
    ),
    "ConvNeXtTiny": _file(
        "convnext/convnext_tiny",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "ConvNeXtSmall": _file(
        "convnext/convnext_small",
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "ConvNeXtBase": _file(
        "convnext/convnext_base",
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "ConvNeXtLarge": _file(
        "convnext/convnext_large",
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "ConvNeXtXLarge": _file(
        "convnext/convnext_xlarge",
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}
