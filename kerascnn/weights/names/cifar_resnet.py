"""ResNets for CIFAR: names of the usual PyTorch implementations, which follow torchvision's.

Their shortcuts put half of the channels of zeros before the others, as ours do.
"""

import re

_BLOCK = re.compile(r"stage(?P<stage>\d)_(?P<block>\d+)_(?P<part>\d)_(?P<kind>conv|norm)")
_TORCH = {"stem_conv": "conv1", "stem_norm": "bn1", "predictions": "linear"}


def _torch_name(layer: str) -> str:
    """`stage0_0_1_conv` is `layer1.0.conv1` there."""
    found = _BLOCK.fullmatch(layer)
    if found is None:
        return _TORCH.get(layer, layer)
    kind = "bn" if found["kind"] == "norm" else "conv"
    return f"layer{int(found['stage']) + 1}.{found['block']}.{kind}{found['part']}"


torch_names = (_torch_name,)
