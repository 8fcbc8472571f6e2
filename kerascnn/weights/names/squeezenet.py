"""SqueezeNet in keras-squeezenet and in torchvision."""

import functools
import re

BGR = "stem_conv"
# The classifier, whose shapes depend on the number of classes, in our names and in theirs.
OPTIONAL = ("head_conv", "conv10", "classifier.")

_FIRE = re.compile(r"fire(\d)_(squeeze|expand1|expand3)(?:_conv)?")
_PARTS = {"squeeze": "squeeze", "expand1": "expand1x1", "expand3": "expand3x3"}
# Place of each fire module in torchvision's row of layers; the rest are poolings.
_1_0 = {2: 3, 3: 4, 4: 5, 5: 7, 6: 8, 7: 9, 8: 10, 9: 12}
_1_1 = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}


def keras_name(layer: str) -> str:
    """`fire2_expand3` is `fire2/expand3x3` there."""
    found = _FIRE.fullmatch(layer)
    if found is None:
        return {"stem_conv": "conv1", "head_conv": "conv10"}.get(layer, layer)
    part = "squeeze1x1" if found[2] == "squeeze" else _PARTS[found[2]]
    return f"fire{found[1]}/{part}"


def _torchvision(layer: str, places: dict[int, int]) -> str:
    found = _FIRE.fullmatch(layer)
    if found is None:
        return {"stem_conv": "features.0", "head_conv": "classifier.1"}.get(layer, layer)
    return f"features.{places[int(found[1])]}.{_PARTS[found[2]]}"


torch_names = tuple(functools.partial(_torchvision, places=places) for places in (_1_0, _1_1))
