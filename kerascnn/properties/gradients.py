"""How much of the gradient reaches each layer: what shortcuts are for.

Without shortcuts each layer multiplies the gradient on its way back, and it vanishes or explodes;
with them, part of it passes unchanged. He, Zhang, Ren, Sun, Identity Mappings in Deep Residual
Networks, ECCV 2016, arXiv:1603.05027, equation 5.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import received
from kerascnn.inputs.model_inputs import checked_inputs
from kerascnn.inputs.targets import checked_targets
from kerascnn.visualize.inside.gradient import gradient
from kerascnn.visualize.inside.taps import layers_of


@dataclass(frozen=True)
class GradientNorm:
    """The gradient of one layer's weights.

    Attributes:
        layer: The layer's name.
        kind: Its class name.
        norm: Euclidean norm of the derivative of the loss with respect to its trainable weights.
        weight_norm: Euclidean norm of these weights.
    """

    layer: str
    kind: str
    norm: float
    weight_norm: float

    @property
    def relative(self) -> float:
        """`norm` for weights of norm 1; NaN where the weights are 0."""
        return self.norm / self.weight_norm if self.weight_norm else math.nan


def gradient_norms(
    model: keras.Model,
    images: np.ndarray,
    targets: np.ndarray,
    loss: str | Callable[[Any, Any], Any],
    training: bool = True,
) -> tuple[GradientNorm, ...]:
    """Gradient of every layer that has trainable weights, from the input to the output.

    The model is left as it is: moving averages are not moved, nothing is learned.

    Args:
        model: Any model; nested ones are entered.
        images: One batch, as the model takes it.
        targets: As the loss takes them.
        loss: Name of a loss of Keras, a `keras.losses.Loss`, or a function of targets and outputs.
        training: Whether layers such as batch normalisation and dropout work as in training.

    Raises:
        InputError: A model without trainable weights, or images or targets that do not fit.
    """
    images = checked_inputs(model, images)
    targets = checked_targets(model, loss, targets, len(images))
    owners = _owners(model)
    variables = [variable for layer in owners for variable in layer.trainable_variables]
    if not variables:
        raise InputError(f"the model {model.name!r} has no trainable weights.")
    ends = np.cumsum([math.prod(variable.shape) for variable in variables]).tolist()
    starts = [0, *ends[:-1]]
    try:
        measure = keras.losses.get(loss)
    except ValueError:
        raise InputError(f"`loss` is no loss of Keras. Received: {received(loss)}.") from None
    expected = ops.convert_to_tensor(targets)

    def of_change(change: Any) -> Any:
        # All weights moved by a part of one long vector: one derivative gives the gradients of all.
        parts = []
        for variable, start, end in zip(variables, starts, ends, strict=True):
            part = ops.reshape(change[start:end], variable.shape)
            parts.append((variable, variable.value + ops.cast(part, variable.dtype)))
        with keras.StatelessScope(state_mapping=parts):
            outputs = model(images, training=training)
            return ops.mean(ops.cast(measure(expected, outputs), "float32"))

    slopes = ops.convert_to_numpy(gradient(of_change, ops.zeros(ends[-1])))
    pieces = dict(zip((id(v) for v in variables), np.split(slopes, starts[1:]), strict=True))
    return tuple(_row(layer, pieces) for layer in owners)


def _owners(model: keras.Model) -> list[Any]:
    """Layers with trainable weights that no layer before them has counted, each once."""
    owners: list[Any] = []
    counted: set[int] = set()
    for layer in layers_of(model):
        own = {id(variable) for variable in layer.trainable_variables}
        if own - counted:
            owners.append(layer)
            counted |= own
    return owners


def _row(layer: Any, pieces: dict[int, np.ndarray]) -> GradientNorm:
    variables = layer.trainable_variables
    weights = [ops.convert_to_numpy(variable).astype(np.float64) for variable in variables]
    return GradientNorm(
        layer=layer.name,
        kind=type(layer).__name__,
        norm=math.sqrt(sum(float(np.square(pieces[id(v)]).sum()) for v in variables)),
        weight_norm=math.sqrt(sum(float(np.square(values).sum()) for values in weights)),
    )
