"""GoogLeNet of torchvision."""

import re

# Auxiliary classifiers, in torchvision's files and in ours; torchvision's main one.
OPTIONAL = ("aux1.", "aux2.", "aux1_", "aux2_", "fc.")
FLATTENED = {"aux1_fc": (4, 4, 128), "aux2_fc": (4, 4, 128)}

_PARTS = {"conv": "conv", "norm": "bn"}
_WHOLE = {
    "predictions": "fc",
    "stem_1_conv": "conv1.conv",
    "stem_1_norm": "conv1.bn",
    "stage2_0_1_conv": "conv2.conv",
    "stage2_0_1_norm": "conv2.bn",
    "stage2_0_2_conv": "conv3.conv",
    "stage2_0_2_norm": "conv3.bn",
}


def torchvision(layer: str) -> str:
    """Our name in torchvision's."""
    if layer in _WHOLE:
        return _WHOLE[layer]
    if step := re.fullmatch(r"stage([345])_(\d)_b(\d)_(\d)_(conv|norm)", layer):
        stage, module, branch, count, part = step.groups()
        # A branch is one layer, two, or a pool and one.
        inner = {"0": "", "3": ".1"}.get(branch, f".{int(count) - 1}")
        letter = "abcde"[int(module) - 1]
        return f"inception{stage}{letter}.branch{int(branch) + 1}{inner}.{_PARTS[part]}"
    if aux := re.fullmatch(r"(aux[12])_(conv|norm|fc|predictions)", layer):
        parts = {"conv": "conv.conv", "norm": "conv.bn", "fc": "fc1", "predictions": "fc2"}
        return f"{aux[1]}.{parts[aux[2]]}"
    return layer


torch_names = (torchvision,)
