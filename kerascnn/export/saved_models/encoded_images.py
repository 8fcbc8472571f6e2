"""Encoded image files to pixels inside a TensorFlow graph, as export/CONTRACT.md asks."""

from typing import Any

from kerascnn.export.contract.manifest import Resize

_GREY = (19595, 38470, 7471)  # ITU-R 601, in 65536ths


def decode(content: Any, shape: tuple[int, ...], rule: Resize) -> Any:
    """One encoded image (a scalar string tensor) as float32 pixels [height, width, channels]."""
    import tensorflow as tf

    height, width, channels = shape
    # Pillow decodes JPEG with the accurate transform; decode_image would take the fast one.
    image = tf.cond(
        tf.io.is_jpeg(content),
        lambda: tf.io.decode_jpeg(content, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(content, channels=0, expand_animations=False),
    )
    pixels = _channels(tf.cast(tf.reshape(image, tf.shape(image)), tf.float32), channels)
    return _fit(pixels, height, width, rule)


def _channels(image: Any, channels: int) -> Any:
    """Grey, RGB, and both with transparency, to grey or RGB; transparency lies over white."""
    import tensorflow as tf

    count = tf.shape(image)[2]
    has_alpha = tf.logical_or(tf.equal(count, 2), tf.equal(count, 4))
    colours = tf.where(has_alpha, count - 1, count)
    alpha = tf.where(has_alpha, image[:, :, -1:], 255.0) / 255.0
    flat = image[:, :, :colours]
    flat = tf.where(has_alpha, tf.floor(flat * alpha + 255.0 * (1.0 - alpha) + 0.5), flat)
    rgb = tf.cond(tf.equal(colours, 1), lambda: tf.repeat(flat, 3, axis=2), lambda: flat)
    rgb = tf.ensure_shape(rgb, (None, None, 3))
    if channels == 3:
        return rgb
    whole = tf.reduce_sum(tf.cast(rgb, tf.int32) * tf.constant(_GREY), axis=2, keepdims=True)
    return tf.cast((whole + 32768) // 65536, tf.float32)


def _fit(image: Any, height: int, width: int, rule: Resize) -> Any:
    """Brings an image of any size to the model's by its resize rule."""
    import tensorflow as tf

    size = tf.cast(tf.shape(image)[:2], tf.float64)
    wanted = tf.constant([height, width], tf.float64)
    target = tf.constant([height, width], tf.int32)
    if rule.fit == "crop":
        scale = tf.reduce_max(wanted / size)
        target = tf.maximum(target, tf.cast(tf.floor(size * scale + 0.5), tf.int32))
    elif rule.fit == "pad":
        scale = tf.minimum(tf.reduce_min(wanted / size), 1.0)
        target = tf.maximum(1, tf.cast(tf.floor(size * scale + 0.5), tf.int32))
    resized = tf.image.resize(image, target, method="bilinear", antialias=True)
    resized = tf.floor(resized + 0.5)
    if rule.fit == "crop":
        top, left = tf.unstack((target - [height, width]) // 2)
        resized = resized[top : top + height, left : left + width]
    elif rule.fit == "pad":
        before = ([height, width] - target) // 2
        after = [height, width] - target - before
        resized = tf.pad(
            resized,
            [[before[0], after[0]], [before[1], after[1]], [0, 0]],
            constant_values=float(rule.pad_value),
        )
    return tf.ensure_shape(resized, (height, width, image.shape[2]))
