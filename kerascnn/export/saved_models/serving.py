"""A SavedModel for servers, with two signatures: raw pixels, and encoded image files."""

import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.contract.manifest import Resize
from kerascnn.export.contract.resize import STRETCH, check_resize
from kerascnn.export.conversion.any_model import (
    float32_model,
    input_shape_of,
    require_tensorflow,
    write_errors,
)
from kerascnn.export.samples import synthetic_images
from kerascnn.export.saved_models.encoded_images import decode
from kerascnn.export.saved_models.signatures import (
    SAVED_MODEL,
    SERVING,
    open_signatures,
    require_close,
    write_signatures,
)
from kerascnn.files import PathLike, atomic_folder, refuse_existing, user_path
from kerascnn.last_layers import output_kinds

if TYPE_CHECKING:
    import keras

PIXELS, ENCODED = SERVING, "encoded"


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
        class_names: One name per output of a classifier; two for one sigmoid, whose score is that
            of the second.
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
    path = user_path(path)
    with write_errors(path):
        refuse_existing(path, SAVED_MODEL, overwrite)
    shape = tuple(
        size for size in input_shape_of(model, input_shape, need_size=True) if size is not None
    )
    if shape[2] not in (1, 3):
        raise InputError(f"serving is for grey or RGB images, but the model takes {shape}")
    rule = check_resize(STRETCH if resize is None else resize)
    served = float32_model(model)
    outputs = served.output_shape[-1]
    binary = outputs == 1 and output_kinds(served)[0] == "independent"
    if class_names is not None and len(class_names) != (2 if binary else outputs):
        raise InputError(f"{len(class_names)} class names were given for {outputs} outputs")
    require_tensorflow()
    with write_errors(path), atomic_folder(path, SAVED_MODEL, overwrite=overwrite) as folder:
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


def _write(
    model: "keras.Model",
    folder: Path,
    shape: tuple[int, ...],
    rule: Resize,
    class_names: Sequence[str] | None,
) -> None:
    import tensorflow as tf

    names = None if class_names is None else list(class_names)

    def pixels(image: Any) -> dict[str, Any]:
        scores = model(image, training=False)
        if names is None:
            return {"scores": scores}
        single = scores.shape[-1] < len(names)  # one sigmoid, two classes
        best = tf.cast(scores[:, 0] > 0.5, tf.int64) if single else tf.argmax(scores, -1)
        return {"scores": scores, "label": tf.gather(tf.constant(names), best)}

    def encoded(image_bytes: Any) -> dict[str, Any]:
        images = tf.map_fn(
            lambda content: decode(content, shape, rule),
            image_bytes,
            fn_output_signature=tf.TensorSpec(shape, tf.float32),
        )
        return pixels(images)

    raw = tf.TensorSpec((None, *shape), tf.float32, name="image")
    files = tf.TensorSpec((None,), tf.string, name="image_bytes")
    write_signatures(model, folder, {PIXELS: (pixels, raw), ENCODED: (encoded, files)})


def _check(model: "keras.Model", folder: Path, shape: tuple[int, ...]) -> float:
    """Both signatures on images of the model's size, which nothing resizes."""
    from PIL import Image

    images = synthetic_images(shape)[:2].astype(np.uint8)
    expected = np.asarray(model(images.astype(np.float32), training=False))
    files = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image[:, :, 0] if shape[2] == 1 else image).save(stream, "PNG")
        files.append(stream.getvalue())
    signatures = open_signatures(folder)
    answers = {
        name: signatures[name](values)["scores"]
        for name, values in ((PIXELS, images), (ENCODED, files))
    }
    return require_close(model.name, expected, answers)
