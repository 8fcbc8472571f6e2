"""Writing a Keras model as a SavedModel: inference only, float32, raw images in."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.conversion.any_model import (
    float32_model,
    input_shape_of,
    require_tensorflow,
    write_errors,
)
from kerascnn.export.saved_models.signatures import (
    ANY_SIZE,
    SAVED_MODEL,
    SERVING,
    open_signatures,
    require_close,
    write_signatures,
)
from kerascnn.files import PathLike, atomic_folder, refuse_existing, user_path

if TYPE_CHECKING:
    import keras

_BATCH = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class SavedModelResult:
    """A SavedModel that was written and read back.

    Attributes:
        path: The folder.
        bytes: Size of all its files.
        input_shape: `(None, height, width, channels)`; None is a free size.
        signature: Name of the serving signature, `serving_default`.
        max_abs: Largest difference between its outputs and the model's, as a share of the output
            range; None when it was not verified.
        seconds: Wall time of the export.
    """

    path: Path
    bytes: int
    input_shape: tuple[int | None, ...]
    signature: str
    max_abs: float | None
    seconds: float


def export_saved_model(
    model: "keras.Model",
    path: PathLike,
    overwrite: bool = False,
    *,
    verify: bool = True,
    input_shape: tuple[int, ...] | None = None,
) -> SavedModelResult:
    """Writes `model` as a SavedModel for servers and other converters.

    The serving signature takes float32 raw pixels 0..255 of any batch size and always runs the
    model with `training=False`. A mixed-precision model is written in float32.

    Args:
        model: Any Keras model with one image input and one output.
        path: The folder to create.
        overwrite: Whether an existing folder may be replaced.
        verify: Whether to load the result and compare it with the model on two random images.
        input_shape: `(height, width, channels)`, for a model that does not say it itself.

    Raises:
        InputError: The model has several inputs or outputs, or is not built.
        OutputExistsError: `path` exists and `overwrite` is false.
        ExportError: The model cannot be traced or the folder cannot be written.
        VerificationError: The SavedModel answers differently from the model.
    """
    start = time.perf_counter()
    path = user_path(path)
    with write_errors(path):
        refuse_existing(path, SAVED_MODEL, overwrite)
    shape = input_shape_of(model, input_shape, need_size=False)
    served = float32_model(model)
    with write_errors(path), atomic_folder(path, SAVED_MODEL, overwrite=overwrite) as folder:
        write_saved_model(served, folder, (None, *shape))
        difference = _check(served, folder, shape) if verify else None
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return SavedModelResult(
        path=path,
        bytes=size,
        input_shape=(None, *shape),
        signature=SERVING,
        max_abs=difference,
        seconds=time.perf_counter() - start,
    )


def write_saved_model(model: "keras.Model", folder: Path, shape: tuple[int | None, ...]) -> None:
    """Writes `model` to `folder` with one signature: float32 `shape` in, `training=False`.

    Raises:
        ExportError: Keras or TensorFlow cannot trace or write the model.
    """
    require_tensorflow()
    import tensorflow as tf

    spec = tf.TensorSpec(shape, tf.float32, name="image")
    serve = {"serve": (lambda image: model(image, training=False), spec)}
    write_signatures(model, folder, serve)  # Keras calls the first one "serving_default" as well


def open_saved_model(
    path: PathLike, input_shape: tuple[int, ...] | None = None
) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[int, int, int]]:
    """Opens a SavedModel of an image model, made here or elsewhere.

    Args:
        path: The folder.
        input_shape: `(height, width, channels)` to use where the model leaves sizes free.

    Returns:
        A function from raw images [n, height, width, channels] to float32 outputs [n, ...], and
        the (height, width, channels) it takes.

    Raises:
        InputError: Not a SavedModel with one image input of known size and one output.
    """
    path = user_path(path)
    signature = open_signatures(path).get(SERVING)
    if signature is None:
        raise InputError(f"{path} has no signature {SERVING}, by which models are served")
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        raise InputError(
            f"{path} must have one input and one output. Received: {len(signature.inputs)} and "
            f"{len(signature.outputs)}."
        )
    (spec,) = signature.inputs.values()
    own = spec.shape.as_list()[1:] if spec.shape.rank == 4 else []
    sizes = [known or given for known, given in zip(own, input_shape or own, strict=True)]
    if not sizes or None in sizes:
        raise InputError(f"{path} must take images of a known size, but takes {spec.shape}")
    height, width, channels = sizes
    step = spec.shape[0] or _BATCH

    def outputs(images: np.ndarray) -> np.ndarray:
        parts = [
            next(iter(signature(images[start : start + step]).values()))
            for start in range(0, len(images), step)
        ]
        return np.concatenate([np.asarray(part, np.float32) for part in parts])

    return outputs, (height, width, channels)


def _check(model: "keras.Model", folder: Path, shape: tuple[int | None, ...]) -> float:
    size = tuple(length or ANY_SIZE for length in shape)
    images = np.random.default_rng(0).integers(0, 256, (2, *size)).astype(np.float32)
    expected = np.asarray(model(images, training=False))
    answer = open_saved_model(folder, size)[0](images)
    return require_close(model.name, expected, {SERVING: answer})
