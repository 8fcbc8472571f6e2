"""What the layers of a network give for an image."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers, received
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.taps import find_layer, layers_of, tapped
from kerascnn.visualize.pictures.tiles import from_lowest_to_highest, mosaic, new_figure, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@keras_words()
def feature_maps(
    model: keras.Model, images: np.ndarray, layers: str | Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Outputs of layers in inference mode, of one pass through the model.

    Args:
        model: Any model with one image input; nested ones are entered.
        images: `[B, H, W, C]`, as the model takes them.
        layers: Names of layers with any output, or one; None takes all that have weights and give
            maps.

    Returns:
        float32 `[B, ...]` for each layer, in the order of the names, else of computation. Of a
        layer that is called several times it is the last output.

    Raises:
        InputError: No such layer, one that the model does not use, or no maps at all.
    """
    images = checked_images(model, images)
    if layers is None:
        sources = [layer for layer in layers_of(model) if layer.weights]
    else:
        names = [layers] if isinstance(layers, str) else layers
        sources = [find_layer(model, name) for name in names]
    seen: dict[str, Any] = {}
    with contextlib.ExitStack() as taps:
        for source in {id(source): source for source in sources}.values():
            taps.enter_context(tapped(source, _keeper(seen, source.name)))
        model(images, training=False)
    if layers is None:
        sources = [s for s in sources if len(getattr(seen.get(s.name), "shape", ())) == 4]
        if not sources:
            raise InputError(f"no layer of {model.name!r} has weights and gives maps.")
    unused = [source.name for source in sources if source.name not in seen]
    if unused:
        raise InputError(f"the layer {unused[0]!r} was not used by the model {model.name!r}.")
    return {s.name: ops.convert_to_numpy(ops.cast(seen[s.name], "float32")) for s in sources}


def plot_feature_maps(
    maps: Mapping[str, np.ndarray], image: int = 0, most: int = 16, columns: int | None = None
) -> "Figure":
    """Draws a grid of maps for each layer: black is a map's lowest value, white its highest.

    Args:
        maps: `[B, height, width, channels]` for each layer, of `feature_maps`.
        image: Which of the B images.
        most: Maps of each layer; the first ones.
        columns: Maps in a row; None puts them in one or two.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: No layers, one that gives no maps, or no such image.
    """
    if not isinstance(maps, Mapping):
        raise InputError(
            f"expected maps by the names of layers, of feature_maps. Received: {received(maps)}."
        )
    if not maps:
        raise InputError("there are no maps to draw. Expected those of one layer at least.")
    grids: dict[str, np.ndarray] = {}
    for name, values in maps.items():
        values = numbers(values, f"the maps of {name!r}")
        if not values.size:
            raise InputError(f"the maps of {name!r} are empty: {values.shape}.")
        if values.ndim != 4:
            raise InputError(
                f"maps have the shape [B, height, width, channels]. Of {name!r}: {values.shape}."
            )
        if not 0 <= image < len(values):
            raise InputError(f"`image` must be from 0 to {len(values) - 1}. Received: {image}.")
        chosen = np.moveaxis(values[image], -1, 0)[:most, ..., None]
        across = columns or (len(chosen) if len(chosen) <= 8 else -(-len(chosen) // 2))
        gap = max(1, chosen.shape[1] // 24)
        grids[name] = mosaic(from_lowest_to_highest(chosen, (1, 2, 3)), across, gap)
    heights = [8 * grid.shape[0] / grid.shape[1] + 0.3 for grid in grids.values()]
    figure = new_figure(8, sum(heights))
    places = figure.add_gridspec(len(grids), 1, height_ratios=heights)
    for row, (name, grid) in enumerate(grids.items()):
        shape = "x".join(map(str, np.shape(maps[name])[1:]))
        show(figure.add_subplot(places[row]), grid, f"{name}, {shape}")
    return figure


def _keeper(seen: dict[str, Any], name: str) -> Callable[[Any], Any]:
    def keep(output: Any) -> Any:
        seen[name] = output
        return output

    return keep
