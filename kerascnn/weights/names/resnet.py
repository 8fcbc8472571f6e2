"""ResNet, ResNeXt: names in keras.applications, and in torchvision and timm alike."""

import re

BGR = "stem_conv"
_BLOCK = re.compile(r"stage(?P<stage>\d)_(?P<block>\d+)_(?P<part>\d|skip)_(?P<kind>conv|norm)")
_KERAS = {"stem_conv": "conv1_conv", "stem_norm": "conv1_bn"}
_TORCH = {"stem_conv": "conv1", "stem_norm": "bn1", "predictions": "fc"}


def keras_name(layer: str) -> str:
    """`stage2_0_1_conv` is `conv2_block1_1_conv` there."""
    found = _BLOCK.fullmatch(layer)
    if found is None:
        return _KERAS.get(layer, layer)
    part = "0" if found["part"] == "skip" else found["part"]
    kind = "bn" if found["kind"] == "norm" else "conv"
    return f"conv{found['stage']}_block{int(found['block']) + 1}_{part}_{kind}"


def _torch_name(layer: str) -> str:
    """`stage2_0_1_conv` is `layer1.0.conv1` there."""
    found = _BLOCK.fullmatch(layer)
    if found is None:
        return _TORCH.get(layer, layer)
    prefix = f"layer{int(found['stage']) - 1}.{found['block']}"
    if found["part"] == "skip":
        return f"{prefix}.downsample.{0 if found['kind'] == 'conv' else 1}"
    return f"{prefix}.{'bn' if found['kind'] == 'norm' else 'conv'}{found['part']}"


torch_names = (_torch_name,)
