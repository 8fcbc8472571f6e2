"""Names of MobileNetV2's layers in keras.applications, torchvision and timm."""

import re

_ENDS = {"stem": ("Conv1", "bn_Conv1"), "top": ("Conv_1", "Conv_1_bn")}
_KERAS = {"expand": "expand", "dw": "depthwise", "project": "project"}
# Blocks per row of the paper's table 2, which timm numbers by.
_REPEATS = (1, 2, 3, 4, 3, 3, 1)
_ROWS = [(row, step) for row, repeats in enumerate(_REPEATS) for step in range(repeats)]
# timm's names of what is not in a block, for the mobile families.
TIMM_ENDS = {
    "stem_conv": "conv_stem",
    "stem_norm": "bn1",
    "top_conv": "conv_head",
    "top_norm": "bn2",
    "predictions": "classifier",
}


def keras_name(layer: str) -> str:
    """The layer of keras.applications that holds the weights of ours."""
    end = re.fullmatch(r"(stem|top)_(conv|norm)", layer)
    if end:
        return _ENDS[end[1]][end[2] == "norm"]
    block = _block(layer)
    if block is None:
        return layer
    number, part, norm = block
    prefix = f"block_{number}" if number else "expanded_conv"
    return f"{prefix}_{_KERAS[part]}" + ("_BN" if norm else "")


def torchvision(layer: str) -> str:
    """Prefix of the layer's parameters in torchvision."""
    ends = {"stem_conv": "0.0", "stem_norm": "0.1", "top_conv": "18.0", "top_norm": "18.1"}
    if layer in ends:
        return f"features.{ends[layer]}"
    block = _block(layer)
    if block is None:
        return "classifier.1" if layer == "predictions" else layer
    number, part, norm = block
    place = ("expand", "dw", "project").index(part) - (number == 0)
    where = str(place + norm) if part == "project" else f"{place}.{int(norm)}"
    return f"features.{number + 1}.conv.{where}"


def timm(layer: str) -> str:
    """Prefix of the layer's parameters in timm."""
    block = _block(layer)
    if block is None:
        return TIMM_ENDS.get(layer, layer)
    number, part, norm = block
    row, step = _ROWS[number]
    return f"blocks.{row}.{step}.{timm_part(part, norm, expanded=number > 0)}"


def timm_part(part: str, norm: bool, *, expanded: bool) -> str:
    """timm's name of a part of an inverted residual; the first block has no expansion."""
    order = ("expand", "dw", "project") if expanded else ("dw", "project")
    if norm:
        return f"bn{order.index(part) + 1}"
    return {"expand": "conv_pw", "dw": "conv_dw", "project": "conv_pwl" if expanded else "conv_pw"}[
        part
    ]


def _block(layer: str) -> tuple[int, str, bool] | None:
    match = re.fullmatch(r"stage\d_(\d+)_(expand|dw|project)_(\w+)", layer)
    return (int(match[1]), match[2], match[3] == "norm") if match else None


torch_names = (torchvision, timm)
