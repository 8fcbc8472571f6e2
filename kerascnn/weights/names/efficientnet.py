"""Names of EfficientNet's layers in keras.applications, torchvision and timm."""

import re

import numpy as np

from kerascnn.errors import InputError
from kerascnn.weights.names.mobilenet_v2 import TIMM_ENDS, timm_part
from kerascnn.weights.readers import LayerArrays

# The paper's stages, table 1, by the names of our layers.
_ROWS = ("1a", "2a", "3a", "4a", "4b", "5a", "5b")
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_KERAS = {
    "expand_conv": "expand_conv",
    "expand_norm": "expand_bn",
    "dw_dwconv": "dwconv",
    "dw_norm": "bn",
    "se_reduce": "se_reduce",
    "se_expand": "se_expand",
    "project_conv": "project_conv",
    "project_norm": "project_bn",
}


def keras_name(layer: str) -> str:
    """The layer of keras.applications that holds the weights of ours."""
    block = _block(layer)
    if block is None:
        return layer.replace("_norm", "_bn")
    row, step, part = block
    return f"block{row + 1}{chr(ord('a') + step)}_{_KERAS[part]}"


def prepare_keras(arrays: LayerArrays) -> LayerArrays:
    """Takes out the normalisation of pixels, which ours does without weights, and checks it.

    Published files hold the deviation in the place of the variance; a second layer without weights
    makes up for it. A model of keras.applications that was never given mean and variance was
    trained on other pixels than ours takes.
    """
    kept = {}
    for name, values in arrays.items():
        if not re.fullmatch(r"normalization(_\d+)?", name):
            kept[name] = values
            continue
        mean, variance = (np.ravel(value) for value in values[:2])
        if len(mean) == 3 and not (
            np.allclose(mean, _MEAN, atol=1e-4)
            and any(np.allclose(variance, np.power(_DEVIATION, p), atol=1e-4) for p in (1, 2))
        ):
            raise InputError(
                f"the weights are of a network whose pixels were normalised by mean "
                f"{mean.tolist()} and variance {variance.tolist()} (layer {name!r}), not by "
                "those of ImageNet. "
                "Leave that layer out, build the model with include_preprocessing=False and do "
                "the same before it."
            )
    return kept


def torchvision(layer: str) -> str:
    """Prefix of the layer's parameters in torchvision."""
    ends = {
        "stem_conv": "features.0.0",
        "stem_norm": "features.0.1",
        "top_conv": "features.8.0",
        "top_norm": "features.8.1",
        "predictions": "classifier.1",
    }
    block = _block(layer)
    if block is None:
        return ends.get(layer, layer)
    row, step, part = block
    place = ("expand", "dw", "se", "project").index(part.split("_")[0]) - (row == 0)
    inner = {"se_reduce": "fc1", "se_expand": "fc2"}.get(part, str(int(part.endswith("norm"))))
    return f"features.{row + 1}.{step}.block.{place}.{inner}"


def timm(layer: str) -> str:
    """Prefix of the layer's parameters in timm, for EfficientNet and EfficientNet-Lite."""
    block = _block(layer)
    if block is None:
        return TIMM_ENDS.get(layer, layer)
    row, step, part = block
    if part.startswith("se_"):
        inner = part.replace("se_", "se.conv_")
    else:
        inner = timm_part(part.split("_")[0], part.endswith("norm"), expanded=row > 0)
    return f"blocks.{row}.{step}.{inner}"


def _block(layer: str) -> tuple[int, int, str] | None:
    match = re.fullmatch(r"stage(\d[ab])_(\d+)_(\w+)", layer)
    return (_ROWS.index(match[1]), int(match[2]), match[3]) if match else None


torch_names = (torchvision, timm)
