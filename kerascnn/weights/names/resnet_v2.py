"""ResNet V2: names in keras.applications."""

import re

_BLOCK = re.compile(r"stage(?P<stage>\d)_(?P<block>\d+)_(?P<part>\d|skip)_(?P<kind>conv|norm)")
_KERAS = {"stem_conv": "conv1_conv", "stage5_norm": "post_bn"}


def keras_name(layer: str) -> str:
    """`stage2_0_1_conv` is `conv2_block1_1_conv` there."""
    found = _BLOCK.fullmatch(layer)
    if found is None:
        return _KERAS.get(layer, layer)
    block = f"conv{found['stage']}_block{int(found['block']) + 1}"
    if found["part"] == "skip":
        return f"{block}_0_conv"
    if found["kind"] == "conv":
        return f"{block}_{found['part']}_conv"
    return f"{block}_{'preact' if found['part'] == '0' else found['part']}_bn"
