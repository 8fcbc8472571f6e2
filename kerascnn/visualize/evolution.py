"""How filters, and what their units look for, change while a network trains.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901,
figure 4.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import require
from kerascnn.inputs.images import as_images
from kerascnn.visualize.learned_filters import filters
from kerascnn.visualize.patches import top_patches
from kerascnn.visualize.pictures.tiles import around_gray, mosaic, new_figure, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FilterEvolution(keras.callbacks.Callback):
    """Keeps pictures of a layer at chosen epochs: its filters, or what its units look for.

    With `images` it keeps for each unit the strongest activation in these images, projected back to
    the pixels by `deconvnet`, as the paper does; a sudden change is another image that became the
    strongest. Without, it keeps the kernels.

    Args:
        layer: Name of the layer; None takes the first convolution, for its kernels only.
        epochs: Numbers of epochs after which pictures are kept, from 1; 0 is before training. None
            keeps 0, 1, 2, 4, 8 and so on, and the last.
        images: `[N, H, W, C]`: project activations in these images; None keeps kernels.
        units: How many filters or units; the first ones. All if None.

    Attributes:
        epochs: Those that were kept, in their order.
        pictures: One float32 array `[units, height, width, C]` in 0..1 for each of them, 0 being
            0.5: kernels with one scale for all, or projections with a scale for each unit.
    """

    def __init__(
        self,
        layer: str | None = None,
        epochs: Sequence[int] | None = None,
        *,
        images: np.ndarray | None = None,
        units: int | None = None,
    ) -> None:
        super().__init__()
        if images is not None and layer is None:
            raise InputError("projections of activations need the name of a layer: layer=NAME.")
        self.layer, self.units = layer, units
        self.images = None if images is None else as_images(images)
        self._wanted = None if epochs is None else frozenset(epochs)
        self.epochs: list[int] = []
        self.pictures: list[np.ndarray] = []
        self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training, and looks at the start."""
        self.epochs, self.pictures, self._epoch = [], [], 0
        self._look()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks if it is time to."""
        self._epoch = epoch + 1
        self._look()

    def on_train_end(self, logs: Any = None) -> None:
        """Looks at the last epoch, where no list said otherwise."""
        if self._wanted is None and self._epoch not in self.epochs:
            self._keep()

    def _look(self) -> None:
        epoch = self._epoch
        power = epoch & (epoch - 1) == 0  # 0, 1, 2, 4, 8 ...
        if power if self._wanted is None else epoch in self._wanted:
            self._keep()

    def _keep(self) -> None:
        self.epochs.append(self._epoch)
        if self.images is None or self.layer is None:
            self.pictures.append(filters(self.model, self.layer, together=True)[: self.units])
            return
        units = None if self.units is None else list(range(self.units))
        top = top_patches(self.model, self.images, self.layer, 1, units=units, projections=True)
        if top.projections is not None:
            self.pictures.append(around_gray(top.projections[:, 0], (1, 2, 3)))


def plot_filter_evolution(evolution: FilterEvolution, most: int = 12) -> "Figure":
    """Draws a row for each unit and a column for each epoch that was kept.

    Args:
        evolution: After training.
        most: Units; the first ones.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Nothing was kept, or filters that are no pictures.
    """
    stack = _checked(evolution)[:, :most]  # [epochs, units, height, width, C]
    epochs = len(stack)
    gap = max(1, stack.shape[2] // 12)
    by_unit = np.swapaxes(stack, 0, 1).reshape(-1, *stack.shape[2:])
    picture = mosaic(by_unit, epochs, gap)
    width = min(9.0, 0.9 * epochs + 0.3)
    figure = new_figure(width, width * picture.shape[0] / picture.shape[1] + 0.35)
    axes = figure.add_subplot(1, 1, 1)
    show(axes, picture)
    step = stack.shape[3] + gap
    for column, epoch in enumerate(evolution.epochs):
        axes.text(
            column * step + stack.shape[3] / 2,
            -0.02 * picture.shape[0],
            f"epoch {epoch}" if column == 0 else str(epoch),
            ha="center",
            va="bottom",
            fontsize=8,
        )
    return figure


def evolution_frames(evolution: FilterEvolution, columns: int | None = None) -> np.ndarray:
    """One mosaic of all units for each epoch that was kept, for `save_animation`.

    Args:
        evolution: After training.
        columns: Units in a row.

    Returns:
        float32 `[epochs, H, W, 1 or 3]` in 0..1.

    Raises:
        InputError: Nothing was kept, or filters that are no pictures.
    """
    return np.stack([mosaic(pictures, columns) for pictures in _checked(evolution)])


def _checked(evolution: FilterEvolution) -> np.ndarray:
    require(evolution, FilterEvolution, "a FilterEvolution that was trained with")
    if not evolution.pictures:
        raise InputError(
            "nothing was kept: give the callback to model.fit(callbacks=[...]), with epochs that "
            "the training reaches."
        )
    stack = np.stack(evolution.pictures)
    if stack.shape[-1] not in (1, 3):
        raise InputError(
            f"filters of {stack.shape[-1]} inputs are no pictures. Give the callback images=..., "
            "to project what their units look for."
        )
    return stack
