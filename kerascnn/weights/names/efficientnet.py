"""Names of EfficientNet's layers in keras.applications, torchvision and timm."""

import re
from collections.abc import Sequence

import keras
import numpy as np

from kerascnn.weights.names.mobilenet_v2 import TIMM_ENDS, timm_part
from kerascnn.weights.readers import LayerArrays, SavedLayers

# The paper's stages, table 1, by the names of our layers.
_ROWS = ("1a", "2a", "3a", "4a", "4b", "5a", "5b")
_NORMALIZATION = re.compile(r"normalization(_\d+)?")
_RESCALING = re.compile(r"rescaling(_\d+)?")
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
    """Takes out the normalisation of pixels, which ours does without weights."""
    return {name: values for name, values in arrays.items() if not _NORMALIZATION.fullmatch(name)}


def keras_pixels(saved: SavedLayers) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Scale and offset of the pixels, three each; None where they are ImageNet's.

    keras.applications divides pixels by 255, normalises them by a mean and a variance that are
    weights (0 and 1 unless the network was given others), and, in a network built with
    `weights="imagenet"`, divides by the root of ImageNet's deviation: the published variance is the
    deviation. So is that of a file of weights alone in Keras 2's format, as published ones are.
    """
    found = [values for name, values in saved.items() if _NORMALIZATION.fullmatch(name)]
    if not found or np.size(found[0][0]) not in (1, 3):
        return None
    mean, variance = (np.ravel(value).astype(float) for value in found[0][:2])
    published = _close(mean, _MEAN) and _close(variance, _DEVIATION)
    scalings = [name for name in saved.layers if _RESCALING.fullmatch(name)]
    scale = 1 / (255 * np.maximum(np.sqrt(variance), keras.backend.epsilon()))
    offset = -mean / np.maximum(np.sqrt(variance), keras.backend.epsilon())
    listed = any(saved.layers.values()) or saved.config
    if len(scalings) > 1 or (published and not listed):
        scale, offset = scale / np.sqrt(_DEVIATION), offset / np.sqrt(_DEVIATION)
    usual = 1 / (255 * np.array(_DEVIATION)), -np.array(_MEAN) / _DEVIATION
    if _close(scale * 255, usual[0] * 255) and _close(offset, usual[1]):
        return None
    scale, offset = np.broadcast_to(scale, 3), np.broadcast_to(offset, 3)
    return tuple(map(float, scale)), tuple(map(float, offset))


def _close(found: np.ndarray, expected: Sequence[float] | np.ndarray) -> bool:
    return bool(np.allclose(found, expected, atol=1e-4))


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
