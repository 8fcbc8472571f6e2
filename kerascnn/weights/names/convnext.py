"""Names of ConvNeXt's layers in keras.applications, torchvision, timm and the authors' code."""

import re
from collections.abc import Callable

import numpy as np

from kerascnn.weights.readers import LayerArrays

_BLOCK = re.compile(r"stage(\d)_(\d+)_(dwconv|norm|expand|project|scale)")
_DOWN = re.compile(r"stage(\d)_down_(norm|conv)")

_KERAS = {
    "dwconv": "depthwise_conv",
    "norm": "layernorm",
    "expand": "pointwise_conv_1",
    "project": "pointwise_conv_2",
    "scale": "layer_scale",
    "stem_conv": "stem_conv",
    "stem_norm": "stem_layernorm",
    "head_norm": "head_layernorm",
    "predictions": "head_dense",
}


def prepare_keras(arrays: LayerArrays) -> LayerArrays:
    """Kernels of grouped convolutions as those of depthwise ones.

    Layers in sequences are there under their own names, and once more in the sequence.
    """

    def prepared(name: str, values: list[np.ndarray]) -> list[np.ndarray]:
        if not name.endswith("_depthwise_conv"):
            return values
        kernel, *rest = values
        return [kernel.transpose(0, 1, 3, 2), *rest]  # (7, 7, 1, channels) there

    sequence = re.compile(r".*_(stem|downsampling_block_\d)")
    return {
        name: prepared(name, values)
        for name, values in arrays.items()
        if not sequence.fullmatch(name)
    }


def keras_names(layers: list[str], sources: list[str]) -> dict[str, str]:
    """Layers of keras.applications for ours; there every name begins with that of the model."""
    stem = next((name for name in sources if name.endswith("_stem_conv")), "_stem_conv")
    prefix = stem.removesuffix("stem_conv")
    names = {layer: prefix + _keras_part(layer) for layer in layers}
    unnamed = [name for name in sources if re.fullmatch(r"layer_normalization(_\d+)?", name)]
    if "head_norm" in names and unnamed:  # of a model without its top
        names["head_norm"] = unnamed[0]
    return names


def _keras_part(layer: str) -> str:
    if match := _BLOCK.fullmatch(layer):
        return f"stage_{int(match[1]) - 2}_block_{match[2]}_{_KERAS[match[3]]}"
    if match := _DOWN.fullmatch(layer):
        kind = "layernorm" if match[2] == "norm" else "conv"
        return f"downsampling_{kind}_{int(match[1]) - 3}"
    return _KERAS.get(layer, layer)


def _rule(
    block: str, down: str, parts: dict[str, str], first: int, step: int
) -> Callable[[str], str]:
    """A naming of PyTorch's: patterns for blocks and steps down, and the names of the parts.

    Stages are counted from `first`, by `step`, for the stage at a quarter of the resolution.
    """

    def name(layer: str) -> str:
        if match := _BLOCK.fullmatch(layer):
            stage = first + step * (int(match[1]) - 2)
            return block.format(stage=stage, block=match[2], part=parts[match[3]])
        if match := _DOWN.fullmatch(layer):
            stage = first + step * (int(match[1]) - 2)
            return down.format(stage=stage, before=stage - 1, part=int(match[2] == "conv"))
        return parts.get(layer, layer)

    return name


_TORCHVISION = {
    "dwconv": "block.0",
    "norm": "block.2",
    "expand": "block.3",
    "project": "block.5",
    "scale": "layer_scale",
    "stem_conv": "features.0.0",
    "stem_norm": "features.0.1",
    "head_norm": "classifier.0",
    "predictions": "classifier.2",
}
_TIMM = {
    "dwconv": "conv_dw",
    "norm": "norm",
    "expand": "mlp.fc1",
    "project": "mlp.fc2",
    "scale": "gamma",
    "stem_conv": "stem.0",
    "stem_norm": "stem.1",
    "head_norm": "head.norm",
    "predictions": "head.fc",
}
_AUTHORS = {
    "dwconv": "dwconv",
    "norm": "norm",
    "expand": "pwconv1",
    "project": "pwconv2",
    "scale": "gamma",
    "stem_conv": "downsample_layers.0.0",
    "stem_norm": "downsample_layers.0.1",
    "head_norm": "norm",
    "predictions": "head",
}
torchvision = _rule(
    "features.{stage}.{block}.{part}", "features.{before}.{part}", _TORCHVISION, 1, 2
)
timm = _rule(
    "stages.{stage}.blocks.{block}.{part}", "stages.{stage}.downsample.{part}", _TIMM, 0, 1
)
authors = _rule("stages.{stage}.{block}.{part}", "downsample_layers.{stage}.{part}", _AUTHORS, 0, 1)

torch_names = (torchvision, timm, authors)
