"""Heads that are one linear layer, brought to their optimum on cached features."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.inputs.targets import targets_of, weights_of_classes
from kerascnn.transfer import parts
from kerascnn.transfer.cache import FeatureCache
from kerascnn.transfer.objective import last_activation

if TYPE_CHECKING:
    from kerascnn.transfer.linear_fit import Kind

logger = logging.getLogger("kerascnn.transfer")

_LOSSES: dict[str, "Kind"] = {
    **dict.fromkeys(("categoricalcrossentropy", "sparsecategoricalcrossentropy"), "softmax"),
    "crossentropy": "softmax",  # of kerascnn.losses
    **dict.fromkeys(("binarycrossentropy", "bce"), "sigmoid"),
    # Huber's loss is the squared one but for outliers: the head begins at ridge regression.
    **dict.fromkeys(("meansquarederror", "mse", "scaledhuber"), "squared"),
}
# Numbers in features and views: more are left to gradients, which see a batch at a time.
_MOST = 2**27


@dataclass(frozen=True)
class LinearHead:
    """A head whose loss has one optimum.

    Attributes:
        layer: Its one layer with weights.
        kind: Of its loss.
        smoothing: Of its labels.
        scale, offset: Of a layer behind it that gives quantities in their own units.
    """

    layer: keras.layers.Dense
    kind: "Kind"
    smoothing: float
    scale: Any = 1.0
    offset: Any = 0.0


def linear_head(model: keras.Model, apart: parts.Parts, loss: Any) -> LinearHead | None:
    """The head of a model, where it is dropout and one dense layer under a loss that suits it.

    Args:
        model: With one input and one output.
        apart: The model taken apart.
        loss: What it is trained by, as `compile` takes it.
    """
    dense = [layer for layer in apart.head if parts.has_weights(layer)]
    if len(dense) != 1 or type(dense[0]) is not keras.layers.Dense:
        return None
    (layer,) = dense
    plain = (keras.layers.Dropout, keras.layers.Activation, keras.layers.Softmax)
    units = [each for each in apart.head if isinstance(each, keras.layers.Rescaling)]
    if any(each not in (layer, *units) and not isinstance(each, plain) for each in apart.head):
        return None
    constrained = layer.kernel_regularizer or layer.kernel_constraint or layer.bias_regularizer
    if constrained or not layer.use_bias or layer.kernel.shape[0] != apart.features.shape[-1]:
        return None
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    kind = _LOSSES.get(name.lower().replace("_", ""))
    if units:  # behind the layer, and nothing else
        if kind != "squared" or apart.head[-2:] != (layer, units[0]):
            return None
        activation = getattr(layer.activation, "__name__", None)
        scale, offset = np.asarray(units[0].scale), np.asarray(units[0].offset)
        return LinearHead(layer, kind, 0.0, scale, offset) if activation == "linear" else None
    activations = {"softmax": "softmax", "sigmoid": "sigmoid", "squared": "linear"}
    if kind is None or last_activation(model) not in (activations[kind], "linear"):
        return None
    if getattr(loss, "ignore_class", None) is not None or len(apart.features.shape) != 2:
        return None
    if kind == "softmax" and layer.units == 1:
        return None
    options = {**getattr(loss, "_fn_kwargs", {}), **vars(loss)} if not isinstance(loss, str) else {}
    return LinearHead(layer, kind, float(options.get("label_smoothing", 0.0)))


def solve_head(
    head: LinearHead, features: FeatureCache, class_weight: dict[int, float] | None, seed: int
) -> bool:
    """Gives the head the weights of its optimum on cached features; False where they are too many.

    Args:
        head: Of a model whose backbone gave the features.
        features: Of the training images.
        class_weight: Of each class in the loss.
        seed: Of the folds by which the penalty is chosen.
    """
    from kerascnn.transfer.linear_fit import fit_linear

    index = features.index
    if index.images * index.views * int(np.prod(index.features)) > _MOST:
        logger.info("the features are too many for one problem: the head is trained by batches")
        return False
    labels, weights = np.asarray(features.labels), features.weights
    if class_weight is not None:
        by_class = weights_of_classes(labels, class_weight)
        weights = by_class if weights is None else by_class * weights
    fit = fit_linear(features.features, _rows(head, labels), head.kind, weights=weights, seed=seed)
    head.layer.kernel.assign(fit.kernel.astype(np.float32))
    head.layer.bias.assign(fit.bias.astype(np.float32))
    judged = "" if fit.accuracy is None else f", {100 * fit.accuracy:.1f} % of them right"
    logger.info(
        "the head is at its optimum on the features of %d images, L2 penalty %.3g (cross-validated "
        "loss %.4f%s)",
        *(index.images, fit.strength, fit.losses.get(fit.strength, float("nan")), judged),
    )
    return True


def _rows(head: LinearHead, labels: np.ndarray) -> np.ndarray:
    """Targets as rows `[n, outputs]`, smoothed."""
    units = head.layer.units
    targets = targets_of("binary_crossentropy" if head.kind == "sigmoid" else "mse", (None, units))
    if head.kind == "softmax":
        indices = labels.reshape(len(labels)) if labels.size == len(labels) else None
        rows = labels if indices is None else np.eye(units)[indices.astype(int)]
        return rows * (1 - head.smoothing) + head.smoothing / units
    rows = np.asarray(targets.arranged(labels), np.float64)
    if head.kind == "sigmoid":
        return rows * (1 - head.smoothing) + head.smoothing / 2
    return (rows - head.offset) / head.scale
