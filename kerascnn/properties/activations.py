"""What the layers of a network give: how large, how often zero, and which filters never speak."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.taps import layers_of, tapped


@dataclass(frozen=True)
class LayerActivations:
    """Outputs of one layer over all images and positions.

    Attributes:
        name: The layer's name.
        kind: Its class name.
        shape: Of one image's output.
        mean: Over all values.
        std: Over all values.
        minimum: Smallest value.
        maximum: Largest value.
        zeros: Share of values that are exactly 0, 0..1.
        dead: Channels that are 0 at every position of every image.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    std: float
    minimum: float
    maximum: float
    zeros: float
    dead: tuple[int, ...]


def activation_statistics(
    model: keras.Model, images: np.ndarray, batch_size: int = 32
) -> tuple[LayerActivations, ...]:
    """Measures the outputs of every layer, in inference mode; nested models are entered.

    Layers that give several tensors or whole numbers are left out. A layer that is called several
    times has one row, of all its calls together.

    Args:
        model: Any model with one image input.
        images: `[B, H, W, C]`, as the model takes them.
        batch_size: Images at a time.

    Raises:
        InputError: No images, or a layer that gives outputs of another number of channels at each
            call.
    """
    images = checked_images(model, images)
    seen: dict[int, _Sums] = {}
    with contextlib.ExitStack() as taps:
        for layer in layers_of(model):
            if not isinstance(layer, keras.layers.InputLayer) and id(layer) not in seen:
                seen[id(layer)] = _Sums(layer)
                taps.enter_context(tapped(layer, _watcher(seen[id(layer)])))
        for rows in slices(len(images), batch_size):
            model(images[rows], training=False)
    return tuple(sums.result() for sums in seen.values() if sums.count)


def dead_filters(
    model: keras.Model, images: np.ndarray, batch_size: int = 32
) -> tuple[LayerActivations, ...]:
    """The layers with filters that give 0 everywhere, in every one of these images.

    A filter behind a ReLU that never opens gets no gradient: it does not learn, and can be
    taken out. Only layers with weights or an activation of their own are looked at, not those that
    hand on what they get. Few images show too many: what is silent here may answer to others.

    Arguments and errors are those of `activation_statistics`.
    """
    own = {layer.name for layer in layers_of(model) if _decides(layer)}
    rows = activation_statistics(model, images, batch_size)
    return tuple(row for row in rows if row.dead and row.name in own)


def _decides(layer: Any) -> bool:
    activation = getattr(layer, "activation", None)
    return bool(layer.weights) or activation is not None or type(layer).__name__.endswith("ReLU")


def _watcher(sums: "_Sums") -> Callable[[Any], Any]:
    def look(output: Any) -> Any:
        if hasattr(output, "dtype") and "float" in keras.backend.standardize_dtype(output.dtype):
            sums.add(ops.convert_to_numpy(ops.cast(output, "float32")))
        return output

    return look


class _Sums:
    """Running sums over the outputs of one layer."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.count, self.zeros = layer, 0, 0
        self.total = self.squares = 0.0
        self.minimum, self.maximum = np.inf, -np.inf
        self.shape: tuple[int, ...] = ()
        self.alive: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        if values.ndim < 2 or not values.size:
            return
        self.shape = values.shape[1:]
        self.count += values.size
        self.zeros += values.size - int(np.count_nonzero(values))
        self.total += float(values.sum(dtype=np.float64))
        self.squares += float(np.square(values, dtype=np.float64).sum())
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        alive: np.ndarray = np.any(values != 0, axis=tuple(range(values.ndim - 1)))
        if self.alive is not None and self.alive.shape != alive.shape:
            raise InputError(
                f"the layer {self.layer.name!r} gives {len(self.alive)} channels at one call and "
                f"{len(alive)} at another: its outputs cannot be taken together."
            )
        self.alive = alive if self.alive is None else self.alive | alive

    def result(self) -> LayerActivations:
        mean = self.total / self.count
        alive = np.ones(0, bool) if self.alive is None else self.alive
        return LayerActivations(
            name=self.layer.name,
            kind=type(self.layer).__name__,
            shape=self.shape,
            mean=mean,
            std=float(np.sqrt(max(self.squares / self.count - mean**2, 0.0))),
            minimum=self.minimum,
            maximum=self.maximum,
            zeros=self.zeros / self.count,
            dead=tuple(int(channel) for channel in np.flatnonzero(~alive)),
        )
