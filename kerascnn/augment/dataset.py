"""Pipelines in `tf.data`: numbers the images, so that every draw is a function of that number."""

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError

if TYPE_CHECKING:
    from kerascnn.augment.compose import Compose

KEYS = ("images", "labels", "masks", "boxes")


def map_dataset(pipeline: "Compose", dataset: Any, seed: int, first_epoch: int) -> Any:
    """`Compose.map`: see there."""
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        raise InputError(f"`map` takes a tf.data.Dataset. Received: {type(dataset).__name__}")
    epochs = itertools.count(first_epoch)
    rank = _images_of(dataset.element_spec).shape.rank

    def next_epoch(_: Any) -> Any:
        epoch = tf.numpy_function(lambda: np.int32(next(epochs)), [], tf.int32, stateful=True)
        return tf.ensure_shape(epoch, [])

    def number(epoch: Any) -> Any:
        """Each element with its epoch, the number of its first image and the largest batch yet."""

        def step(state: Any, *element: Any) -> tuple[Any, Any]:
            position, largest = state
            element = element if len(element) > 1 else element[0]
            count = tf.shape(_images_of(element))[0] if rank == 4 else 1
            largest = tf.maximum(largest, count)
            return (position + count, largest), (epoch, position, largest, element)

        return dataset.scan((tf.constant(0), tf.constant(0)), step)

    @tf.autograph.experimental.do_not_convert  # it would wrap our errors in its own
    def augment(epoch: Any, position: Any, largest: Any, element: Any) -> Any:
        draws = {"seed": seed, "index": position, "epoch": epoch}
        if rank != 4 or pipeline.mixing:  # mixers look at the whole batch
            return _augment(pipeline, element, **draws)
        # The last batch is filled up: XLA would compile all passes anew for its size.
        count = tf.shape(_images_of(element))[0]
        filled = _with_images(element, lambda x: _fill(x, largest - count))
        return _with_images(_augment(pipeline, filled, **draws), lambda x: x[:count])

    numbered = tf.data.Dataset.range(1).map(next_epoch).flat_map(number)
    length = dataset.cardinality()
    if length != tf.data.UNKNOWN_CARDINALITY:  # `flat_map` has forgotten it
        numbered = numbered.apply(tf.data.experimental.assert_cardinality(length))
    return numbered.map(augment, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def next_number(count: Any) -> Any:
    """The number of the next image inside `Dataset.map`, of `count` that are taken; 0 elsewhere.

    The function that is mapped is traced once, so it is then that the count begins.
    """
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    while graph is not None and not str(getattr(graph, "name", "")).startswith("Dataset_"):
        graph = getattr(graph, "outer_graph", None)
    if graph is None or tf.executing_eagerly():
        return 0
    taken, lock = 0, threading.Lock()

    def take(count: Any) -> Any:
        nonlocal taken
        with lock:
            first, taken = taken, (taken + int(count)) % 2**31
        return np.int32(first)

    number = tf.numpy_function(take, [count], tf.int32, stateful=True)
    return tf.ensure_shape(number, [])


def _images_of(element: Any) -> Any:
    if isinstance(element, dict):
        if "images" not in element:
            raise InputError(f'a dict of images needs the key "images". Received: {list(element)}')
        return element["images"]
    return element[0] if isinstance(element, tuple) else element


def _with_images(element: Any, function: Callable[[Any], Any]) -> Any:
    """The element with `function` of its images, masks and boxes in their places."""
    if isinstance(element, dict):
        moved = ("images", "masks", "boxes")
        return {key: function(x) if key in moved else x for key, x in element.items()}
    if isinstance(element, tuple):
        return (function(element[0]), *element[1:])
    return function(element)


def _fill(x: Any, count: Any) -> Any:
    """`x` with `count` rows of zeros more."""
    import tensorflow as tf

    return tf.pad(x, [[0, count], *[[0, 0]] * (len(x.shape) - 1)])


def _augment(pipeline: "Compose", element: Any, **draws: Any) -> Any:
    if isinstance(element, dict):
        known = {key: element[key] for key in KEYS if key in element}
        images = known.pop("images")
        found = pipeline(images, known.pop("labels", None), **known, **draws)
        found = found if isinstance(found, tuple) else (found,)
        names = [key for key in KEYS if key in element]
        return {**element, **dict(zip(names, found, strict=True))}
    if isinstance(element, tuple):
        images, labels = pipeline(element[0], element[1], **draws)
        return (images, labels, *element[2:])
    return pipeline(element, **draws)
