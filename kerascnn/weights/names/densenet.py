"""DenseNet: names in keras.applications, and in torchvision and timm alike."""

import re

_DENSE = re.compile(r"stage(?P<stage>\d)_(?P<layer>\d+)_(?P<part>\d)_(?P<kind>conv|norm)")
_TRANSITION = re.compile(r"stage(?P<stage>[2-4])_(?:transition_)?(?P<kind>conv|norm)")
_KERAS = {"stem_conv": "conv1_conv", "stem_norm": "conv1_bn", "stage5_norm": "bn"}
_TORCH = {
    "stem_conv": "features.conv0",
    "stem_norm": "features.norm0",
    "stage5_norm": "features.norm5",
    "predictions": "classifier",
}


def keras_name(layer: str) -> str:
    """`stage2_0_1_conv` is `conv2_block1_1_conv` there, `stage2_norm` is `pool2_bn`."""
    if found := _DENSE.fullmatch(layer):
        kind = "bn" if found["kind"] == "norm" else "conv"
        return f"conv{found['stage']}_block{int(found['layer']) + 1}_{found['part']}_{kind}"
    if found := _TRANSITION.fullmatch(layer):
        return f"pool{found['stage']}_{'bn' if found['kind'] == 'norm' else 'conv'}"
    return _KERAS.get(layer, layer)


def _torch_name(layer: str) -> str:
    """Blocks and layers count from 1 there, and a normalisation has its convolution's number."""
    if found := _DENSE.fullmatch(layer):
        number = int(found["part"]) + (found["kind"] == "norm")
        place = f"denseblock{int(found['stage']) - 1}.denselayer{int(found['layer']) + 1}"
        return f"features.{place}.{found['kind']}{number}"
    if found := _TRANSITION.fullmatch(layer):
        return f"features.transition{int(found['stage']) - 1}.{found['kind']}"
    return _TORCH.get(layer, layer)


torch_names = (_torch_name,)
