"""A SavedModel for servers, with two signatures: raw pixels, and encoded image files."""

import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import ExportError, InputError, VerificationError
from kerascnn.export.any_model import (
    MODEL_ERRORS,
    first_line,
    float32_model,
    input_shape_of,
    require_tensorflow,
    write_errors,
)
from kerascnn.export.bundle_arguments import STRETCH, check_resize
from kerascnn.export.manifest import Resize
from kerascnn.export.samples import synthetic_images
from kerascnn.export.saved_model import quiet
from kerascnn.files import PathLike, atomic_folder, refuse_existing

if TYPE_CHECKING:
    import keras

PIXELS, ENCODED = "serving_default", "encoded"
_CLOSE = 1e-4  # of the output range
_GREY = (19595, 38470, 7471)  # ITU-R 601, in 65536ths


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServingResult:
    """A SavedModel that was written and read back.

    Attributes:
        path: The folder.
        bytes: Size of all its files.
        signatures: Their names: raw pixels, then encoded files.
        input_shape: `(None, height, width, channels)` of the raw pixels.
        max_abs: Largest difference of either signature's scores from the model's, as a share of
            the output range.
        seconds: Wall time of the export.
    """

    path: Path
    bytes: int
    signatures: tuple[str, str]
    input_shape: tuple[int | None, ...]
    max_abs: float
    seconds: float


def export_serving(
    model: "keras.Model",
    path: PathLike,
    *,
    resize: Mapping[str, Any] | None = None,
    class_names: Sequence[str] | None = None,
    input_shape: tuple[int, int, int] | None = None,
    overwrite: bool = False,
) -> ServingResult:
    """Writes `model` as a SavedModel that takes raw pixels or whole image files.

    `serving_default` takes `image`, float32 raw pixels 0..255 [n, height, width, channels].
    `encoded` takes `image_bytes`, strings [n]: each a JPEG, PNG, GIF (its first frame) or BMP file
    of any size, decoded and resized inside the graph. Both give `scores` [n, outputs] and, with
    class names, `label` [n], the best class.

    The graph computes what export/CONTRACT.md says under "Images", a grey level apart where it
    rounds otherwise than Pillow, with two exceptions: EXIF orientation is not applied, and 16-bit
    files count by their upper 8 bits.

    Args:
        model: Any Keras model with one image input and one output [n, outputs].
        path: The folder to create.
        resize: How images are brought to size, in the manifest's form; plain stretching by default.
        class_names: One name per output of a classifier.
        input_shape: `(height, width, channels)`, for a model that leaves its size free.
        overwrite: Whether an existing folder may be replaced.

    Raises:
        InputError: The model has several inputs or outputs or is not built, an unfit resize rule or
            number of class names.
        OutputExistsError: `path` exists and `overwrite` is false.
        ExportError: The model cannot be traced or the folder cannot be written.
        VerificationError: A signature answers differently from the model; nothing was kept.
    """
    start = time.perf_counter()
    path = Path(path)
    shape = tuple(
        size for size in input_shape_of(model, input_shape, need_size=True) if size is not None
    )
    if shape[2] not in (1, 3):
        raise InputError(f"serving is for grey or RGB images, but the model takes {shape}")
    rule = check_resize(STRETCH if resize is None else resize)
    served = float32_model(model)
    if class_names is not None and len(class_names) != served.output_shape[-1]:
        raise InputError(
            f"{len(class_names)} class names were given for {served.output_shape[-1]} outputs"
        )
    require_tensorflow()
    with write_errors(path):
        refuse_existing(path, overwrite)
        with atomic_folder(path, overwrite=overwrite) as folder:
            _write(served, folder, shape, rule, class_names)
            difference = _check(served, folder, shape)
    return ServingResult(
        path=path,
        bytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        signatures=(PIXELS, ENCODED),
        input_shape=(None, *shape),
        max_abs=difference,
        seconds=time.perf_counter() - start,
    )


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


def _write(
    model: "keras.Model",
    folder: Path,
    shape: tuple[int, ...],
    rule: Resize,
    class_names: Sequence[str] | None,
) -> None:
    import keras
    import tensorflow as tf

    names = None if class_names is None else list(class_names)

    def pixels(image: Any) -> dict[str, Any]:
        scores = model(image, training=False)
        if names is None:
            return {"scores": scores}
        return {"scores": scores, "label": tf.gather(tf.constant(names), tf.argmax(scores, -1))}

    def encoded(image_bytes: Any) -> dict[str, Any]:
        images = tf.map_fn(
            lambda content: decode(content, shape, rule),
            image_bytes,
            fn_output_signature=tf.TensorSpec(shape, tf.float32),
        )
        return pixels(images)

    raw = tf.TensorSpec((None, *shape), tf.float32, name="image")
    files = tf.TensorSpec((None,), tf.string, name="image_bytes")
    try:
        with quiet():
            archive = keras.export.ExportArchive()
            archive.track(model)
            archive.add_endpoint(PIXELS, pixels, input_signature=[raw])
            archive.add_endpoint(ENCODED, encoded, input_signature=[files])
            archive.write_out(str(folder), verbose=False)
    except tf.errors.OpError as error:
        raise ExportError(
            f"the SavedModel of {model.name!r} could not be made: {first_line(error)}"
        ) from error
    except MODEL_ERRORS as error:
        raise ExportError(
            f"model {model.name!r} could not be traced for export: {first_line(error)}"
        ) from error


def _check(model: "keras.Model", folder: Path, shape: tuple[int, ...]) -> float:
    """Both signatures on images of the model's size, which nothing resizes."""
    import tensorflow as tf
    from PIL import Image

    images = synthetic_images(shape)[:2].astype(np.uint8)
    expected = np.asarray(model(images.astype(np.float32), training=False))
    loaded = tf.saved_model.load(str(folder))
    files = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image[:, :, 0] if shape[2] == 1 else image).save(stream, "PNG")
        files.append(stream.getvalue())
    answers = {
        PIXELS: loaded.signatures[PIXELS](image=tf.constant(images, tf.float32)),
        ENCODED: loaded.signatures[ENCODED](image_bytes=tf.constant(files)),
    }
    scale = max(1.0, float(np.abs(expected).max()))
    worst = 0.0
    for name, answer in answers.items():
        difference = float(np.abs(answer["scores"].numpy() - expected).max()) / scale
        if not difference <= _CLOSE:
            raise VerificationError(
                f"signature {name} of {model.name!r} differs from the model by {difference:.3g} of "
                f"the output range (at most {_CLOSE:g} expected); nothing was kept"
            )
        worst = max(worst, difference)
    return worst
