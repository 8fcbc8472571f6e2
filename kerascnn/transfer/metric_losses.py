"""Losses that arrange embeddings: near within a class, far between classes."""

import math
from typing import Any

import keras
from keras import ops

from kerascnn.errors import InputError
from kerascnn.losses import class_rows

Tensor = Any

MINING = ("hard", "semi-hard")
_TINY, _FAR = 1e-12, 1e9


@keras.saving.register_keras_serializable(package="kerascnn")
class ArcFaceLoss(keras.losses.Loss):
    """Additive angular margin (ArcFace: Deng et al. 2019, arXiv:1801.07698, equation 3).

    Cross-entropy over scaled cosines, after the angle to the true class has been made larger by
    the margin: an image must be nearer to its class than to others by that much. The predictions
    are cosines, as `arcface_classifier` gives them; the targets are class indices or one-hot rows.
    A target that is no class makes the loss NaN, as with `kerascnn.losses.Crossentropy`.

    Where angle and margin would pass a half turn, the cosine is lowered by margin * sin(margin)
    instead, so that it goes on falling, as in the authors' code.

    Args:
        margin: Radians, in [0, pi / 2).
        scale: Factor of the cosines: 64 in the paper, for 85,742 classes; 30 suits fewer.
    """

    def __init__(
        self,
        margin: float = 0.5,
        scale: float = 30.0,
        name: str = "arcface",
        reduction: str = "sum_over_batch_size",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        if not 0 <= margin < math.pi / 2 or not scale > 0:
            raise InputError(
                "`margin` must be in [0, pi / 2) and `scale` above 0. "
                f"Received: margin={margin!r}, scale={scale!r}."
            )
        self.margin, self.scale = margin, scale

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each image, (batch,)."""
        cosine = ops.clip(y_pred, -1.0, 1.0)
        sine = ops.sqrt(ops.maximum(1 - ops.square(cosine), _TINY))
        turned = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine - self.margin * math.sin(self.margin)
        turned = ops.where(cosine > -math.cos(self.margin), turned, beyond)
        truth, known = class_rows(y_true, y_pred)
        logits = self.scale * (truth * turned + (1 - truth) * cosine)
        return ops.categorical_crossentropy(truth, logits, from_logits=True) * known

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "scale": self.scale}


@keras.saving.register_keras_serializable(package="kerascnn")
class TripletLoss(keras.losses.Loss):
    """Each image nearer to one of its class than to one of another, by a margin.

    The triplets are chosen within the batch, which must hold several images of several classes.
    Targets are class indices (batch,), predictions are embeddings (batch, dimensions).

    - "hard" (batch hard: Hermans et al. 2017, arXiv:1703.07737): per image, the farthest of its
      class and the nearest of another, by Euclidean distance.
    - "semi-hard" (FaceNet: Schroff et al. 2015, arXiv:1503.03832): per pair of a class, the nearest
      of another class that is farther than the pair is wide; where there is none, the farthest of
      another class. By squared distance.

    Images without a partner or without an opponent in the batch count neither in the sum nor in
    the mean.

    Args:
        margin: In units of the distance; None takes softplus in place of the hinge, the "soft
            margin" of Hermans et al.
        mining: "hard" or "semi-hard".
    """

    def __init__(
        self,
        margin: float | None = 0.2,
        mining: str = "semi-hard",
        name: str = "triplet",
        reduction: str = "sum_over_batch_size",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        if margin is not None and not margin > 0:
            raise InputError(f"`margin` must be above 0, or None. Received: {margin!r}.")
        if mining not in MINING:
            raise InputError(f"`mining` must be one of {MINING}. Received: {mining!r}.")
        self.margin, self.mining = margin, mining

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Mean over the batch's triplets, a scalar."""
        labels = ops.reshape(y_true, (-1,))
        # NaN is unlike all labels, itself included, and would count nowhere.
        known = ops.where(ops.any(ops.isnan(labels)), math.nan, 1.0)
        same = ops.expand_dims(labels, 0) == ops.expand_dims(labels, 1)
        itself = ops.cast(ops.eye(ops.shape(labels)[0]), "bool")
        partners = ops.logical_and(same, ops.logical_not(itself))
        opponents = ops.logical_not(same)
        squared = _squared_distances(y_pred)
        if self.mining == "hard":
            distances = ops.sqrt(ops.maximum(squared, _TINY))
            return self._hard(distances, partners, opponents) * known
        return self._semi_hard(squared, partners, opponents) * known

    def _hard(self, distances: Tensor, partners: Tensor, opponents: Tensor) -> Tensor:
        farthest = ops.max(ops.where(partners, distances, 0.0), axis=1)
        nearest = ops.min(ops.where(opponents, distances, _FAR), axis=1)
        counted = ops.logical_and(ops.any(partners, axis=1), ops.any(opponents, axis=1))
        return _mean(self._penalty(farthest - nearest), counted)

    def _semi_hard(self, distances: Tensor, partners: Tensor, opponents: Tensor) -> Tensor:
        others = ops.expand_dims(opponents, 1)  # [image, partner, opponent]
        to_others = ops.expand_dims(distances, 1)
        farther = ops.logical_and(others, to_others > ops.expand_dims(distances, 2))
        nearest = ops.min(ops.where(farther, to_others, _FAR), axis=2)
        last = ops.max(ops.where(opponents, distances, 0.0), axis=1, keepdims=True)
        chosen = ops.where(ops.any(farther, axis=2), nearest, last)
        counted = ops.logical_and(partners, ops.any(opponents, axis=1, keepdims=True))
        return _mean(self._penalty(distances - chosen), counted)

    def _penalty(self, difference: Tensor) -> Tensor:
        if self.margin is None:
            return ops.softplus(difference)
        return ops.relu(difference + self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "mining": self.mining}


def _squared_distances(x: Tensor) -> Tensor:
    lengths = ops.sum(ops.square(x), axis=1)
    products = ops.matmul(x, ops.transpose(x))
    squared = ops.expand_dims(lengths, 0) + ops.expand_dims(lengths, 1) - 2 * products
    return ops.maximum(squared, 0.0)


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    weights = ops.cast(counted, values.dtype)
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)
