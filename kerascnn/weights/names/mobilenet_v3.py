"""Names of MobileNetV3's layers in keras.applications and torchvision."""

import re
from collections.abc import Callable

_KERAS = {
    "stem": "conv",
    "top": "conv_1",
    "head_dense": "conv_2",
    "predictions": "logits",
    "expand": "expand",
    "dw": "depthwise",
    "project": "project",
    "se_reduce": "squeeze_excite_conv",
    "se_expand": "squeeze_excite_conv_1",
}
_LAYER = re.compile(
    r"(?:stage\d_(\d+)_)?(stem|top|head_dense|predictions|expand|dw|project|se_reduce|se_expand)"
    r"(?:_(?:conv|dwconv|(norm)))?"
)


def keras_name(layer: str) -> str:
    """The layer of keras.applications that holds the weights of ours."""
    match = _LAYER.fullmatch(layer)
    if match is None:
        return layer
    number, part, norm = match.groups()
    prefix = {None: "", "0": "expanded_conv_"}.get(number, f"expanded_conv_{number}_")
    return prefix + _KERAS[part] + ("_bn" if norm else "")


def torchvision(attended: frozenset[int], last: int) -> Callable[[str], str]:
    """The naming of a variant: which blocks have attention, and the number of its last one."""

    def name(layer: str) -> str:
        match = _LAYER.fullmatch(layer)
        if match is None:
            return layer
        number, part, norm = match.groups()
        if part in ("head_dense", "predictions"):
            return f"classifier.{0 if part == 'head_dense' else 3}"
        if number is None:
            return f"features.{0 if part == 'stem' else last + 2}.{int(bool(norm))}"
        block = int(number)
        steps = ["expand"] * (block > 0) + ["dw"] + ["se"] * (block in attended) + ["project"]
        kind = part.split("_")[0]
        if kind not in steps:  # of the other variant
            return layer
        base = f"features.{block + 1}.block.{steps.index(kind)}"
        if part.startswith("se_"):
            return f"{base}.fc{1 if part == 'se_reduce' else 2}"
        return f"{base}.{int(bool(norm))}"

    return name


torch_names = (
    torchvision(frozenset({3, 4, 5, 10, 11, 12, 13, 14}), 14),
    torchvision(frozenset({0, *range(3, 11)}), 10),
)
