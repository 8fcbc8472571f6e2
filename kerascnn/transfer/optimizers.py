"""One learning rate per layer (ULMFiT: Howard & Ruder 2018, arXiv:1801.06146, section 3.2)."""

import collections
import math
import posixpath
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.transfer.parts import has_weights, split

Tensor = Any


@keras.saving.register_keras_serializable(package="kerascnn")
class LayerwiseLearningRate(keras.optimizers.Optimizer):
    """Runs an optimiser with the learning rate of each weight multiplied by a number of its own.

    Weight decay, which Keras's optimisers multiply by the learning rate, is multiplied alike.
    Clipping, accumulation of gradients and the moving average of weights work as the optimiser was
    told. The learning rate, which may be a schedule, is that of the multiplier 1.

    With mixed precision, `compile` puts its loss scaling around this optimiser.

    Args:
        optimizer: One of Keras's, that has not trained yet. It must change each weight by the
            learning rate in `update_step`; all do but Nadam, Muon and the wrappers of others.
        multipliers: Name of a layer, or path of a weight or of what contains it, to a factor of at
            least 0. "block1" stands for every weight with block1 as a whole part of its path, such
            as "block1/conv/kernel". Where several match, the longest decides; where none does,
            the factor is 1.
        name: Of the optimiser.

    Raises:
        InputError: An optimiser that cannot be run so, or a bad factor; when it is built, names
            of which not one matches a weight.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        multipliers: Mapping[str, float],
        name: str | None = None,
    ):
        _check_optimizer(optimizer)
        for key, factor in multipliers.items():
            if not 0 <= factor < math.inf:
                raise InputError(f"the multiplier of {key!r} must be at least 0, but is {factor}.")
        rate = optimizer._learning_rate
        super().__init__(
            rate if callable(rate) else float(rate.numpy()),
            clipnorm=optimizer.clipnorm,
            clipvalue=optimizer.clipvalue,
            global_clipnorm=optimizer.global_clipnorm,
            use_ema=optimizer.use_ema,
            ema_momentum=optimizer.ema_momentum,
            ema_overwrite_frequency=optimizer.ema_overwrite_frequency,
            loss_scale_factor=optimizer.loss_scale_factor,
            gradient_accumulation_steps=optimizer.gradient_accumulation_steps,
            name=name,
        )
        # What is done once for all weights is done here, and not again inside.
        optimizer.use_ema = False
        optimizer.gradient_accumulation_steps = None
        self.optimizer = optimizer
        self.multipliers = dict(multipliers)

    def build(self, variables: list[Any]) -> None:
        """Makes the state of all weights to train, and finds the factor of each."""
        if self.built:
            return
        factors = [_longest_match(variable.path, self.multipliers) for variable in variables]
        if self.multipliers and not any(factor is not None for factor in factors):
            raise InputError(
                f"none of the multipliers {list(self.multipliers)[:8]} names a weight that is "
                f"trained, such as {[variable.path for variable in variables][:8]}."
            )
        self._factors = [1.0 if factor is None else factor for factor in factors]
        self.optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """Its own state, then that of the optimiser inside."""
        return [*self._variables, *self.optimizer.variables]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """One step."""
        super().apply(grads, trainable_variables)
        self.optimizer.iterations.assign(self.iterations)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """One step of one weight."""
        factor = self._factors[self._get_variable_index(variable)]
        rate = ops.cast(learning_rate, variable.dtype) * factor
        decay = self.optimizer.weight_decay
        if decay is not None and self.optimizer._use_weight_decay(variable):
            self.assign_sub(variable, variable * decay * rate)
        self.optimizer.update_step(gradient, variable, rate)

    def get_config(self) -> dict[str, Any]:
        names = ("use_ema", "gradient_accumulation_steps", "learning_rate", "loss_scale_factor")
        own = super().get_config()
        inner = keras.optimizers.serialize(self.optimizer)
        inner["config"] |= {name: own[name] for name in names}
        return {"optimizer": inner, "multipliers": dict(self.multipliers), "name": self.name}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "LayerwiseLearningRate":
        inner = keras.optimizers.deserialize(config["optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer": inner})


def layerwise_multipliers(
    model: keras.Model,
    factor: float | tuple[float, float] = 0.5,
    groups: int = 3,
    head: str | None = None,
) -> dict[str, float]:
    """Multipliers that fall with the distance from the head, for `LayerwiseLearningRate`.

    The backbone's layers with weights are divided by depth into groups of equal size. The head
    has 1, the group before it `factor`, the one before that its square, and so on.

    Args:
        model: A classifier that `kerascnn.transfer.split` can take apart.
        factor: In (0, 1]. Or the multipliers of the first and the last group, with equal ratios
            between neighbours.
        groups: How many, at least 1.
        head: Name of the head's first layer, where `split` does not find it.

    Returns:
        One multiplier per layer of the backbone with weights, by its name, or by its path where
        the name would not do.

    Raises:
        InputError: A value that cannot be used.
    """
    parts = split(model, head)
    layers = [layer for layer in parts.backbone if has_weights(layer)]
    if not isinstance(groups, int) or not 1 <= groups <= len(layers):
        raise InputError(
            f"`groups` must be in 1..{len(layers)}, the backbone's layers with weights. "
            f"Received: {groups!r}."
        )
    if isinstance(factor, tuple):
        if len(factor) != 2 or not all(0 < value < math.inf for value in factor):
            raise InputError(f"`factor`: two numbers above 0 are needed. Received: {factor!r}.")
        values = np.geomspace(*factor, groups) if groups > 1 else np.array(factor[1:])
    else:
        if not 0 < factor <= 1:
            raise InputError(f"`factor` must be in (0, 1]. Received: {factor!r}.")
        values = factor ** np.arange(groups, 0, -1.0)
    members = np.array_split(np.arange(len(layers)), groups)
    keys = _keys([*parts.backbone, *parts.head])
    return {
        keys[id(layers[i])]: float(value)
        for value, indices in zip(values, members, strict=True)
        for i in indices
    }


def _keys(layers: list[keras.layers.Layer]) -> dict[int, str]:
    """What stands for the weights of a layer: its name, or where that is ambiguous, their path.

    A name is better: loading a saved model takes the names of nested models off the paths.
    """
    paths = {
        id(layer): [posixpath.dirname(weight.path) for weight in layer.weights]
        for layer in layers
        if layer.weights
    }
    parts = {
        key: {part for path in found for part in path.split("/")} for key, found in paths.items()
    }
    count = collections.Counter(part for found in parts.values() for part in found)
    names = {id(layer): layer.name for layer in layers}
    return {
        key: names[key]
        if names[key] in parts[key] and count[names[key]] == 1
        else posixpath.commonpath(found)
        for key, found in paths.items()
    }


def _longest_match(path: str, multipliers: Mapping[str, float]) -> float | None:
    matching = [key for key in multipliers if f"/{key}/" in f"/{path}/"]
    if not matching:
        return None
    return multipliers[max(matching, key=lambda key: (key.count("/"), len(key)))]


def _check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise InputError(
            f"`optimizer` must be a Keras optimiser, such as keras.optimizers.AdamW(1e-3). "
            f"Received: {optimizer!r}."
        )
    kind = type(optimizer)
    if kind.apply is not keras.optimizers.Optimizer.apply:
        raise InputError(
            f"{kind.__name__} applies other optimisers, and cannot be inside. Put it around: "
            f"{kind.__name__}(LayerwiseLearningRate(...))."
        )
    if {"Nadam", "Muon"} & {base.__name__ for base in kind.__mro__}:
        raise InputError(
            f"{kind.__name__} treats weights together, outside `update_step`. Use AdamW or SGD."
        )
    if optimizer.built:
        raise InputError("the optimiser has trained already. Pass a new one.")
