"""Where activations are rounded, and which share a grid, so that a file can compute the same."""

from typing import Any

import keras

from kerascnn.quantization import kinds
from kerascnn.quantization.graph import Graph, Step
from kerascnn.quantization.layers import has_rounded_weights


class Placement:
    """The decisions for one model.

    Attributes:
        graph: The model, taken apart.
        grids: For each tensor that is on a grid, the tensor whose range the grid has: itself, that
            which it was pooled from, or that which it is joined into.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.grids: dict[int, int] = {}
        for step in graph.steps:
            self._add(step)

    def is_rounded(self, step: Step, value: int) -> bool:
        """Whether a tensor has to be rounded where it is made."""
        if value not in self.grids or kinds.keeps_grid(step.operation):
            return False
        return not (self.merges_into_next(step, value) or self._is_only_joined(value))

    def learns(self, step: Step, value: int) -> bool:
        """Whether the range of a tensor's grid is learned from this tensor."""
        if self.grids[value] == value:
            return True
        return kinds.shares_scale(step.operation) and not any(self._joined(value))

    def fixed_range(self, step: Step) -> tuple[float, float] | None:
        """The range of a step whose scale the runtime knows."""
        return kinds.fixed_range(step.operation) or kinds.fixed_range(activation_of(step.operation))

    def shares_grid(self, value: int, joined: int) -> bool:
        """Whether a tensor is joined into another without being rounded on its own."""
        return self.grids.get(value) == self.grids[joined]

    def merges_into_next(self, step: Step, value: int) -> bool:
        """Whether the file computes the next layer together with this one."""
        after = self._steps_after(value)
        if len(after) != 1 or after[0] is None:
            return False
        fusing = kinds.fuses_relu(step.operation)
        if has_weights_to_round(step.operation):
            fusing = activation_of(step.operation) is None
            if fusing and isinstance(after[0].operation, keras.layers.BatchNormalization):
                return True
        return fusing and kinds.is_relu(after[0].operation)

    def folds(self, step: Step) -> bool:
        """Whether a batch normalisation disappears in the weights before it."""
        before = self.producer(step.inputs[0])
        return (
            before is not None
            and has_weights_to_round(before.operation)
            and self.merges_into_next(before, step.inputs[0])
        )

    def producer(self, value: int) -> Step | None:
        """The step that makes a tensor; None for an input of the model."""
        number = self.graph.producers.get(value)
        return None if number is None else self.graph.steps[number]

    def _add(self, step: Step) -> None:
        operation, source = step.operation, step.inputs[0] if step.inputs else None
        for value in step.outputs:
            if source in self.grids and (kinds.keeps_grid(operation) or kinds.averages(operation)):
                self.grids[value] = self.grids[source]
            elif not (kinds.keeps_grid(operation) or self._prepares_pixels(step)):
                self.grids[value] = value
        if kinds.shares_scale(operation):
            for value in step.inputs:
                if self._is_joinable(value):
                    self._merge(self.grids[value], self.grids[step.outputs[0]])

    def _prepares_pixels(self, step: Step) -> bool:
        """Whether a step scales the model's input, moved about perhaps, which has no grid."""
        return kinds.prepares_pixels(step.operation) and step.inputs[0] not in self.grids

    def _is_joinable(self, value: int) -> bool:
        """Whether a tensor's grid is its own, and can become that of what it is joined into."""
        step = self.producer(value)
        if step is None or value not in self.grids:
            return False
        inherited = kinds.keeps_grid(step.operation) or kinds.averages(step.operation)
        return not inherited and self.fixed_range(step) is None

    def _merge(self, old: int, new: int) -> None:
        self.grids = {value: new if grid == old else grid for value, grid in self.grids.items()}

    def _joined(self, value: int) -> list[bool]:
        """For each place a tensor goes to: whether it is joined there, on the same grid."""
        return [
            after is not None
            and kinds.shares_scale(after.operation)
            and self.shares_grid(value, after.outputs[0])
            for after in self._steps_after(value)
        ]

    def _is_only_joined(self, value: int) -> bool:
        joined = self._joined(value)
        return bool(joined) and all(joined)

    def _steps_after(self, value: int) -> list[Step | None]:
        """Where a tensor goes; None stands for the end of the model."""
        steps = self.graph.steps
        numbers = self.graph.consumers.get(value, [])
        return [steps[number] if number < len(steps) else None for number in numbers]


def has_weights_to_round(operation: Any) -> bool:
    """Whether the weights of a layer are rounded; a separable convolution becomes two layers."""
    return has_rounded_weights(operation) or kinds.kind(operation) == "SeparableConv2D"


def activation_of(operation: Any) -> keras.layers.Layer | None:
    """The activation inside a layer with weights, as a layer; None if there is none."""
    activation = getattr(operation, "activation", None)
    if not has_weights_to_round(operation) or activation in (None, keras.activations.linear):
        return None
    return keras.layers.Activation(activation)
