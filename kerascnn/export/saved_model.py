"""Writing a Keras model as a SavedModel: inference only, float32, raw images in."""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
from kerascnn.files import PathLike, atomic_folder, refuse_existing

if TYPE_CHECKING:
    import keras

_BATCH = 32
_CLOSE = 1e-4  # of the output range; the same arithmetic in another order
_ANY_SIZE = 64  # stands in for a free height or width where some image is needed


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
    path = Path(path)
    shape = input_shape_of(model, input_shape, need_size=False)
    served = float32_model(model)
    with write_errors(path):
        refuse_existing(path, overwrite)
        with atomic_folder(path, overwrite=overwrite) as folder:
            write_saved_model(served, folder, (None, *shape))
            difference = _check(served, folder, shape) if verify else None
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return SavedModelResult(
        path=path,
        bytes=size,
        input_shape=(None, *shape),
        signature="serving_default",
        max_abs=difference,
        seconds=time.perf_counter() - start,
    )


def write_saved_model(model: "keras.Model", folder: Path, shape: tuple[int | None, ...]) -> None:
    """Writes `model` to `folder` with one signature: float32 `shape` in, `training=False`.

    Raises:
        ExportError: Keras or TensorFlow cannot trace or write the model.
    """
    require_tensorflow()
    import keras
    import tensorflow as tf

    spec = keras.InputSpec(shape=shape, dtype="float32", name="image")
    try:
        with quiet():
            if not model.built:  # a subclass of keras.Model makes its weights in its first call
                model(np.zeros((1, *(length or _ANY_SIZE for length in shape[1:])), np.float32))
            archive = keras.export.ExportArchive()
            archive.track(model)
            archive.add_endpoint(
                "serve", lambda image: model(image, training=False), input_signature=[spec]
            )
            archive.write_out(str(folder), verbose=False)
    except tf.errors.ResourceExhaustedError as error:
        raise ExportError(
            f"the SavedModel of {model.name!r} could not be written to {folder.parent}: no space "
            "left there. Nothing was left of it."
        ) from error
    except tf.errors.OpError as error:
        raise ExportError(
            f"the SavedModel of {model.name!r} could not be made: {first_line(error)}"
        ) from error
    except MODEL_ERRORS as error:
        raise ExportError(
            f"model {model.name!r} could not be traced for export: {first_line(error)}"
        ) from error


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
    import tensorflow as tf

    path = Path(path)
    if not (path / "saved_model.pb").is_file():
        raise InputError(f"{path} is no SavedModel: it has no saved_model.pb inside")
    try:
        loaded = tf.saved_model.load(str(path))
        serve = loaded.signatures["serving_default"]
    except (OSError, KeyError, *MODEL_ERRORS) as error:
        raise InputError(f"{path} cannot be opened as a SavedModel: {first_line(error)}") from error
    inputs = list(serve.structured_input_signature[1].values())
    if len(inputs) != 1 or len(serve.structured_outputs) != 1:
        raise InputError(
            f"{path} must have one input and one output, got {len(inputs)} and "
            f"{len(serve.structured_outputs)}"
        )
    (name, spec), *_ = serve.structured_input_signature[1].items()
    own = spec.shape.as_list()[1:] if spec.shape.rank == 4 else []
    sizes = [known or given for known, given in zip(own, input_shape or own, strict=True)]
    if not sizes or None in sizes:
        raise InputError(f"{path} must take images of a known size, but takes {spec.shape}")
    height, width, channels = sizes
    step = spec.shape[0] or _BATCH

    def outputs(images: np.ndarray) -> np.ndarray:
        # Through `loaded`: the signature alone would not keep its variables alive.
        run = loaded.signatures["serving_default"]
        parts = [
            next(iter(run(**{name: tf.cast(images[start : start + step], spec.dtype)}).values()))
            for start in range(0, len(images), step)
        ]
        return np.concatenate([np.asarray(part, np.float32) for part in parts])

    return outputs, (height, width, channels)


def _check(model: "keras.Model", folder: Path, shape: tuple[int | None, ...]) -> float:
    size = tuple(length or _ANY_SIZE for length in shape)
    images = np.random.default_rng(0).integers(0, 256, (2, *size)).astype(np.float32)
    expected = np.asarray(model(images, training=False))
    answer = open_saved_model(folder, size)[0](images)
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(answer - expected).max()) / scale
    if not difference <= _CLOSE:
        raise VerificationError(
            f"the SavedModel of {model.name!r} differs from the model by {difference:.3g} of the "
            "output range (at most {_CLOSE:g} expected); it was not kept"
        )
    return difference


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps TensorFlow's and absl's notes about assets off the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
