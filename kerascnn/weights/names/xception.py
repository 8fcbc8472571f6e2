"""Xception of keras.applications: separable convolutions are one layer there, two here."""

import re
from collections.abc import Sequence

from kerascnn.weights.names import numbered

DEPTHWISE, POINTWISE = slice(0, 1), slice(1, None)


def keras_names(
    layers: Sequence[str], sources: Sequence[str]
) -> dict[str, str | tuple[str, slice]]:
    """Blocks are counted from the first on; the layers of shortcuts Keras numbers."""
    found = {name: _source(name) for name in layers if "_skip_" not in name}
    for ending, kind in (("_skip_conv", "conv2d"), ("_skip_norm", "batch_normalization")):
        ours = sorted(name for name in layers if name.endswith(ending))
        found |= zip(ours, numbered(sources, kind), strict=False)
    return found


def _source(name: str) -> str | tuple[str, slice]:
    if stem := re.fullmatch(r"stem_(\d)_(conv|norm)", name):
        return f"block1_conv{stem[1]}" + ("_bn" if stem[2] == "norm" else "")
    if step := re.fullmatch(r"stage(\d)_(\d)_(\d)_(dwconv|conv|norm)", name):
        stage, block, count, part = step.groups()
        # Stage 4 has nine blocks, the others one; stage 5 has a second.
        number = int(stage) + int(block) + (8 if stage == "5" else 0)
        source = f"block{number}_sepconv{count}"
        if part == "norm":
            return f"{source}_bn"
        return source, DEPTHWISE if part == "dwconv" else POINTWISE
    return name
