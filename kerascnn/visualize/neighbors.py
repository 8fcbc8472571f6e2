"""Images that lie close together for a network.

Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks,
NIPS 2012, figure 4: neighbours in the last hidden layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers, require
from kerascnn.inputs.images import as_images, slices
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.visualize.inside.taps import find_layer, layers_of, tapped
from kerascnn.visualize.pictures.tiles import new_figure, scaled_pixels, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Distances of so many queries at a time, so that memory stays small.
BLOCK = 256


@dataclass(frozen=True)
class Neighbors:
    """The nearest features of each query, the nearest first.

    Attributes:
        indices: `[Q, count]`: rows of the features.
        distances: float64 `[Q, count]`.
    """

    indices: np.ndarray
    distances: np.ndarray


@keras_words()
def hidden_features(
    model: keras.Model, images: np.ndarray, layer: str | None = None, batch_size: int = 32
) -> np.ndarray:
    """What a network makes of images before it decides.

    Args:
        model: Any model with one image input; nested ones are entered.
        images: `[B, H, W, C]`, as the model takes them.
        layer: Name of the layer whose input is taken; None is the last with weights, which gives
            the scores `[B, classes]`, or `[B, 1, 1, classes]` as a 1x1 convolution: its input is
            the last hidden layer.
        batch_size: Images at a time.

    Returns:
        float32 `[B, D]`; maps are flattened, row by row.

    Raises:
        InputError: No images, no such layer, or one that the model does not use.
    """
    images = checked_images(model, images)
    source = _last_dense(model) if layer is None else find_layer(model, layer)
    seen: list[Any] = []

    def look(inputs: Any) -> Any:
        seen[:] = [inputs]
        return inputs

    features = []
    with tapped(source, look, inputs=True):
        for rows in slices(len(images), batch_size):
            model(images[rows], training=False)
            if not seen:
                raise InputError(f"the layer {source.name!r} was not used by {model.name!r}.")
            batch = ops.convert_to_numpy(ops.cast(seen.pop(), "float32"))
            features.append(batch.reshape(len(batch), -1))
    return np.concatenate(features)


def nearest_neighbors(
    features: np.ndarray, queries: np.ndarray, count: int = 5, metric: str = "euclidean"
) -> Neighbors:
    """Finds the features that lie nearest to each query, by comparing all.

    Args:
        features: `[N, D]`.
        queries: `[Q, D]`. One that is among the features finds itself first.
        count: Neighbours of each.
        metric: "euclidean", or "cosine": one less the cosine of the angle.

    Raises:
        InputError: Arrays that do not fit together, fewer features than `count`, another metric, or
            a direction of length 0 with "cosine".
    """
    features, queries = (
        numbers(array, "the features", finite=False).astype(np.float64)
        for array in (features, queries)
    )
    if features.ndim != 2 or queries.ndim != 2 or features.shape[1] != queries.shape[1]:
        raise InputError(
            f"expected features [N, D] and queries [Q, D]. Received: {features.shape} and "
            f"{queries.shape}."
        )
    if not len(queries) or not (np.isfinite(features).all() and np.isfinite(queries).all()):
        raise InputError("expected one query at least, and features of finite numbers only.")
    if not 1 <= count <= len(features):
        raise InputError(f"`count` must be from 1 to {len(features)}. Received: {count}.")
    if metric not in ("euclidean", "cosine"):
        raise InputError(f'`metric` is "euclidean" or "cosine". Received: {metric!r}.')
    if metric == "cosine":
        features, queries = _directions(features), _directions(queries)
    indices, distances = [], []
    for start in range(0, len(queries), BLOCK):
        far = _distances(features, queries[start : start + BLOCK], metric)
        nearest = np.argsort(far, axis=1, kind="stable")[:, :count]
        indices.append(nearest)
        distances.append(np.take_along_axis(far, nearest, axis=1))
    return Neighbors(np.concatenate(indices), np.concatenate(distances))


def plot_neighbors(
    query_images: np.ndarray,
    images: np.ndarray,
    neighbors: Neighbors,
    names: Sequence[str] | None = None,
) -> "Figure":
    """Draws each query with its neighbours to the right of it.

    Args:
        query_images: `[Q, H, W, 1 or 3]`.
        images: `[N, H, W, 1 or 3]`: those the features were made of.
        neighbors: Of `nearest_neighbors`.
        names: Of the N images, drawn above the neighbours, such as their classes.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Fewer images, queries or names than the neighbours speak of.
    """
    require(neighbors, Neighbors, "the result of nearest_neighbors")
    query_images, images = as_images(query_images, "query images"), as_images(images)
    for pictures in (query_images, images):
        if pictures.shape[-1] not in (1, 3):
            raise InputError(f"expected images [N, H, W, 1 or 3]. Received: {pictures.shape}.")
    rows, count = neighbors.indices.shape
    known = len(images) if names is None else min(len(images), len(names))
    if len(query_images) != rows or neighbors.indices.max() >= known:
        raise InputError(
            f"expected {rows} query images, and at least {neighbors.indices.max() + 1} images and "
            f"names. Received: {len(query_images)} and {known}."
        )
    height, width = images.shape[1:3]
    side = 9 / (count + 1)
    tall = side * height / width + (0.25 if names is not None else 0.05)
    figure = new_figure(9, tall * rows)
    places = figure.add_gridspec(rows, count + 2, width_ratios=[1, 0.08, *[1] * count])
    for row in range(rows):
        show(figure.add_subplot(places[row, 0]), scaled_pixels(query_images[row]))
        for column, index in enumerate(neighbors.indices[row].tolist()):
            axes = figure.add_subplot(places[row, column + 2])
            title = names[index] if names is not None else ""
            show(axes, scaled_pixels(images[index]), title)
    return figure


def _last_dense(model: keras.Model) -> keras.layers.Layer:
    found = None
    for layer in layers_of(model):
        output = layer.output if layer._inbound_nodes else None
        if layer.weights and output is not None:
            shape = tuple(getattr(output, "shape", ()))
            found = layer if len(shape) == 2 or shape[1:3] == (1, 1) else None
    if found is None:
        raise InputError(
            f"{model.name!r} has no dense layer at its end. Name the layer whose input is meant: "
            "layer=NAME."
        )
    return found


def _directions(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise InputError("a feature of length 0 has no direction to compare by cosine.")
    return vectors / lengths


def _distances(features: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    products = queries @ features.T
    if metric == "cosine":
        return 1 - products
    squares = (queries**2).sum(1)[:, None] - 2 * products + (features**2).sum(1)
    return np.sqrt(np.maximum(squares, 0))
