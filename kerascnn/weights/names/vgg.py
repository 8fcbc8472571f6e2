"""VGG in keras.applications, torchvision and timm."""

import functools
import re

BGR = "stage0_1_conv"
FLATTENED = {"fc1": (7, 7, 512)}

_CONV = re.compile(r"stage(\d)_(\d)_(conv|norm)")
_TORCHVISION = {"fc1": "classifier.0", "fc2": "classifier.3", "predictions": "classifier.6"}
_TIMM = {"fc1": "pre_logits.fc1", "fc2": "pre_logits.fc2", "predictions": "head.fc"}
# Convolutions per block; PyTorch numbers all layers of a network in one row.
_DEPTHS = ((1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4))


def keras_name(layer: str) -> str:
    """`stage0_1_conv` is `block1_conv1` there."""
    found = _CONV.fullmatch(layer)
    return f"block{int(found[1]) + 1}_conv{found[2]}" if found else layer


def _torch_name(
    layer: str, depths: tuple[int, ...], normalised: bool, dense: dict[str, str]
) -> str:
    found = _CONV.fullmatch(layer)
    if found is None:
        return dense.get(layer, layer)
    stage, place, kind = int(found[1]), int(found[2]), found[3]
    before = sum(depths[:stage]) + place - 1
    each = 3 if normalised else 2  # convolution, normalisation, ReLU; and a pooling per block
    return f"features.{each * before + stage + (kind == 'norm')}"


torch_names = tuple(
    functools.partial(_torch_name, depths=depths, normalised=normalised, dense=dense)
    for dense in (_TORCHVISION, _TIMM)
    for normalised in (False, True)
    for depths in _DEPTHS
)
