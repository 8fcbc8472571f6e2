"""InceptionV3 and Inception-ResNet-v2 of keras.applications; torchvision's V3, timm's V4."""

import re
from collections.abc import Sequence

from kerascnn.weights.names import numbered

# The classifiers of torchvision and timm, where the model has none, and an auxiliary one.
OPTIONAL = ("AuxLogits.", "fc.", "last_linear.")


def keras_names(layers: Sequence[str], sources: Sequence[str]) -> dict[str, str]:
    """Keras numbers these layers in the order of creation, but for the residual ones."""
    found = {"predictions": "predictions"}
    found |= {name: named for name in layers if (named := _named(name, sources)) is not None}
    ordered = sorted((name for name in layers if name not in found), key=_place)
    for ending, kind in (("_conv", "conv2d"), ("_norm", "batch_normalization")):
        ours = [name for name in ordered if name.endswith(ending)]
        found |= zip(ours, numbered(sources, kind), strict=False)
    return found


def _named(name: str, sources: Sequence[str]) -> str | None:
    """In Inception-ResNet-v2, the end of each residual branch and the last convolution."""
    if up := re.fullmatch(r"stage([345])_(\d+)_up_conv", name):
        stage, i = up.groups()
        block = {"3": "block35", "4": "block17", "5": "block8"}[stage]
        # In stage 3 two modules come before the residual ones, in the others one.
        return f"{block}_{int(i) - (stage == '3')}_conv"
    last = {"stage5_11_1_conv": "conv_7b", "stage5_11_1_norm": "conv_7b_bn"}
    return last.get(name)


def _place(name: str) -> list[str]:
    """The numbers in our name, then the letter within a fork; the stem comes before stage 2."""
    name = name.replace("stem_", "stage1_0_")
    return [number.zfill(2) + letter for number, letter in re.findall(r"(\d+)([ab]?)", name)]


_PARTS = {"conv": "conv", "norm": "bn"}
_STEM_V3 = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3")
_STEM_2_V3 = ("Conv2d_3b_1x1", "Conv2d_4a_3x3")
_DOUBLE = "branch3x3dbl_{}"
# The branches of each module, by the module's letter in torchvision's names.
_V3_A = ("branch1x1", "branch5x5_{}", _DOUBLE, "branch_pool")
_V3_B = ("branch1x1", "branch7x7_{}", "branch7x7dbl_{}", "branch_pool")
_V3_C = ("branch1x1", "branch3x3_{}", _DOUBLE, "branch_pool")
_V3 = {
    **dict.fromkeys(("5b", "5c", "5d"), _V3_A),
    "6a": ("branch3x3", _DOUBLE),
    **dict.fromkeys(("6b", "6c", "6d", "6e"), _V3_B),
    "7a": ("branch3x3_{}", "branch7x7x3_{}"),
    **dict.fromkeys(("7b", "7c"), _V3_C),
}


def torchvision_v3(layer: str) -> str:
    """Our name in torchvision's InceptionV3."""
    if layer == "predictions":
        return "fc"
    if stem := re.fullmatch(r"(stem|stage2_0)_(\d)_(conv|norm)", layer):
        names = _STEM_V3 if stem[1] == "stem" else _STEM_2_V3
        return f"{names[int(stem[2]) - 1]}.{_PARTS[stem[3]]}"
    if step := _STEP.fullmatch(layer):
        module = f"{int(step['stage']) + 2}{'abcdefgh'[int(step['module'])]}"
        branches = _V3.get(module, ())
        if int(step["branch"]) < len(branches):
            branch = branches[int(step["branch"])].format(step["count"] + step["fork"])
            return f"Mixed_{module}.{branch}.{_PARTS[step['part']]}"
    return layer


_STEP = re.compile(
    r"stage(?P<stage>[2345])_(?P<module>\d)_b(?P<branch>\d)"
    r"_(?P<count>\d)(?P<fork>[ab]?)_(?P<part>conv|norm)"
)
# timm's InceptionV4 is one list: our first module of each stage, and branches that are one layer.
_V4_FIRST = {2: 3, 3: 5, 4: 10, 5: 18}
_V4_ALONE = {3: {1: "conv"}, 5: {0: "conv"}, 10: {0: "branch0"}}
_V4_C = (19, 20, 21)


def timm_v4(layer: str) -> str:
    """Our name in timm's InceptionV4."""
    if layer == "predictions":
        return "last_linear"
    if stem := re.fullmatch(r"stem_(\d)_(conv|norm)", layer):
        return f"features.{int(stem[1]) - 1}.{_PARTS[stem[2]]}"
    if step := _STEP.fullmatch(layer):
        place = _V4_FIRST[int(step["stage"])] + int(step["module"])
        branch, index = int(step["branch"]), f"{int(step['count']) - 1}{step['fork']}"
        full = place not in (3, 4, 5, 10, 18)  # 1x1 in branch 0, a pool first in branch 3
        name = _V4_ALONE.get(place, {}).get(branch, f"branch{branch}.{index}")
        if full and branch == 0:
            name = "branch0"
        elif full and branch == 3:
            name = "branch3.1"
        elif place in _V4_C:
            name = f"branch{branch}_{index}"
        return f"features.{place}.{name}.{_PARTS[step['part']]}"
    return layer


torch_names = (torchvision_v3, timm_v4)
