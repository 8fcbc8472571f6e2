"""The softmax, the sigmoid, and the rule by which values are taken for probabilities."""

from typing import Literal

import numpy as np

Kind = Literal["probabilities", "logits", "independent", "quantities"]
"""What the values of an output are."""

# Rows of quantised probabilities sum to 1 only roughly: each is off by half a step at most.
SUM_TOLERANCE = 0.1
_ROUNDING = 1e-3  # how far probabilities of 16 bits may be outside 0..1


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities of logits, over the last axis; all 0 where every logit is minus infinity."""
    highest = values.max(axis=-1, keepdims=True)
    powers = np.exp(values - np.where(np.isfinite(highest), highest, 0))
    total = powers.sum(axis=-1, keepdims=True)
    shares: np.ndarray = powers / np.where(total > 0, total, 1)
    return shares


def sigmoid(values: np.ndarray) -> np.ndarray:
    """The probability of each logit by itself."""
    shares: np.ndarray = np.exp(-np.logaddexp(0, -values))
    return shares


def kind_of(values: np.ndarray) -> Kind:
    """What outputs look like, for models whose last layer does not say it.

    Values that leave 0..1 are logits. Values in it are probabilities where each row (the last axis)
    sums to 1 within 0.1, else independent ones, as is a single number.

    Args:
        values: The outputs for all images there are, never for some of them: one row that is unsure
            must not change what the others mean.
    """
    if not values.size or values.min() < -_ROUNDING or values.max() > 1 + _ROUNDING:
        return "logits"
    sums = values.sum(axis=-1)
    alone = values.shape[-1] == 1
    return "independent" if alone or np.abs(sums - 1).max() > SUM_TOLERANCE else "probabilities"
