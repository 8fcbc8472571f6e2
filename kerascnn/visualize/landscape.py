"""The loss around the weights of a network, along random directions.

Li, Xu, Taylor, Studer, Goldstein, Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018,
arXiv:1712.09913, section 4: directions with the norms of the filters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.arrays import require
from kerascnn.inputs.images import slices
from kerascnn.inputs.model_inputs import checked_inputs
from kerascnn.inputs.targets import checked_targets
from kerascnn.visualize.pictures.tiles import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LossLandscape:
    """Losses on a line or a grid through the weights.

    Attributes:
        steps: float64 `[S]`: how far along a direction; 0 in the middle is the network as it is.
        losses: float64 `[S]`, or `[S, S]` with the first direction along the rows: means over all
            examples.
    """

    steps: np.ndarray
    losses: np.ndarray


def loss_landscape(
    model: keras.Model,
    loss: str | Callable[[Any, Any], Any],
    x: np.ndarray,
    y: np.ndarray,
    *,
    directions: int = 1,
    span: float = 1.0,
    points: int = 21,
    batch_size: int = 256,
    seed: int = 0,
) -> LossLandscape:
    """Measures the loss where weights are moved along one or two random directions.

    A direction is drawn from a normal distribution; the part of each filter (each unit of a dense
    layer) is scaled to the norm of that filter, since the scale of a filter before a ReLU
    means nothing. Biases and the weights of normalisations do not move, nor do moving averages. The
    model is in inference mode and left as it is.

    Args:
        model: Any model with trainable kernels.
        loss: Name of a loss of Keras, a `keras.losses.Loss`, or a function of targets and outputs.
        x: Inputs, as the model takes them. A few hundred give a smooth picture.
        y: Targets, as the loss takes them.
        directions: 1 or 2.
        span: The farthest step on each side; at 1 a direction is as long as the weights.
        points: Steps along each direction, odd so that the middle is one of them.
        batch_size: Examples at a time.
        seed: Of the directions.

    Raises:
        InputError: Nothing to move, inputs or targets that do not fit, or values out of range.
    """
    if directions not in (1, 2) or points < 3 or points % 2 == 0 or span <= 0:
        raise InputError(
            "expected directions of 1 or 2, an odd number of points from 3, and a span above 0. "
            f"Received: directions={directions}, points={points}, span={span}."
        )
    measure = _loss(loss)
    x = checked_inputs(model, x)
    y = checked_targets(model, loss, y, len(x))
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    axes = _filter_axes(model)
    if not kernels:
        raise InputError(f"the model {model.name!r} has no trainable kernels to move.")
    generator = np.random.default_rng(checked_seed(seed))
    start = [ops.convert_to_numpy(v.value).astype(np.float64) for v in kernels]
    ways = [
        [
            filter_normalized(weights, generator, axes.get(id(variable), (-1,)))
            for variable, weights in zip(kernels, start, strict=True)
        ]
        for _ in range(directions)
    ]
    steps = np.linspace(-span, span, points)
    losses = np.zeros((points,) * directions)
    for place in np.ndindex(losses.shape):
        moved = []
        for number, (variable, weights) in enumerate(zip(kernels, start, strict=True)):
            for axis, index in enumerate(place):
                weights = weights + steps[index] * ways[axis][number]
            moved.append((variable, ops.cast(weights, variable.dtype)))
        with keras.StatelessScope(state_mapping=moved):
            losses[place] = _mean_loss(model, measure, x, y, batch_size)
    return LossLandscape(steps, losses)


def filter_normalized(
    weights: np.ndarray, generator: np.random.Generator, filters: tuple[int, ...] = (-1,)
) -> np.ndarray:
    """A random direction whose part for each filter has that filter's norm.

    Args:
        weights: Of all filters, such as `[..., filters]`.
        generator: Of the direction.
        filters: Axes along which the filters lie.
    """
    direction = generator.normal(size=weights.shape)
    along = {axis % weights.ndim for axis in filters}
    axes = tuple(axis for axis in range(weights.ndim) if axis not in along)
    norms, own = (np.sqrt((array**2).sum(axes, keepdims=True)) for array in (weights, direction))
    return direction * norms / np.maximum(own, 1e-12)


def _filter_axes(model: keras.Model) -> dict[int, tuple[int, ...]]:
    """By the variable's id, the axes of its filters where those are not the last one."""
    found: dict[int, tuple[int, ...]] = {}
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.SeparableConv2D):
            found[id(layer.depthwise_kernel)] = (-2, -1)
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            found[id(layer.kernel)] = (-2, -1)
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            found[id(layer.kernel)] = (-2,)
    return found


def plot_loss_landscape(landscape: LossLandscape, title: str = "") -> "Figure":
    """Draws a curve, or contours of equal loss; a mark shows the network as it is.

    Args:
        landscape: Of `loss_landscape`.
        title: Above the picture.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Something that is no such result.
    """
    require(landscape, LossLandscape, "the result of loss_landscape")
    steps, losses = landscape.steps, landscape.losses
    figure = new_figure(5.2, 4.2)
    axes = figure.add_subplot(1, 1, 1)
    middle = len(steps) // 2
    if losses.ndim == 1:
        axes.plot(steps, losses, color="#2563eb", lw=1.8)
        axes.plot(0, losses[middle], "o", color="#d97706")
        axes.set_ylabel("loss")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    else:
        # Losses far out are many times those in the middle: levels that grow evenly in logarithm.
        lowest = max(losses.min(), losses.max() * 1e-4, 1e-12)
        levels = np.geomspace(lowest, max(losses.max(), lowest * 1.001), 16)
        shown = np.maximum(losses.T, lowest)
        filled = axes.contourf(steps, steps, shown, levels, cmap="viridis", norm="log")
        axes.contour(steps, steps, shown, levels, colors="white", linewidths=0.4)
        bar = figure.colorbar(filled, ax=axes, label="loss", format="%.3g")
        bar.ax.minorticks_off()
        axes.plot(0, 0, "o", color="#d97706", mec="white")
        axes.set_ylabel("second direction")
        axes.set_aspect("equal")
    axes.set_xlabel("along a random direction" if losses.ndim == 1 else "first direction")
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    return figure


def _loss(loss: Any) -> Any:
    try:
        found = keras.losses.get(loss)
    except ValueError:
        raise InputError(f"`loss` is no loss of Keras. Received: {loss!r}.") from None
    if getattr(found, "reduction", None) == "sum":
        raise InputError(
            "the loss has reduction='sum', and grows with the batch. Use 'sum_over_batch_size'."
        )
    return found


def _mean_loss(model: Any, measure: Any, x: Any, y: Any, batch_size: int) -> float:
    total = 0.0
    for part in slices(len(x), batch_size):
        outputs = model(x[part], training=False)
        targets = ops.convert_to_tensor(y[part])
        mean = ops.mean(ops.cast(measure(targets, outputs), "float32"))
        total += float(ops.convert_to_numpy(mean)) * len(x[part])
    return total / len(x)
