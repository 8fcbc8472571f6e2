"""Signatures of a SavedModel: written from functions of a model, opened, and compared with it."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError, VerificationError
from kerascnn.export.conversion.any_model import MODEL_ERRORS, first_line, tensorflow_errors
from kerascnn.files import FolderKind

if TYPE_CHECKING:
    import keras

SERVING = "serving_default"  # what servers call unless told otherwise
ANY_SIZE = 64  # stands in for a free height or width where some image is needed
_MESSAGE = b"\x08\x01\x12"  # how one begins: its schema version, 1, and then its first graph
_PARTS = ("fingerprint.pb", "keras_metadata.pb", "variables/variables.*", "assets*/*")
_EMPTY = ("assets", "assets.extra", "variables")
_CLOSE = 1e-4  # of the output range; the same arithmetic in another order


def _contents(mark: Path) -> tuple[str, ...] | None:
    with mark.open("rb") as file:
        return (*_PARTS, *_EMPTY) if file.read(len(_MESSAGE)) == _MESSAGE else None


SAVED_MODEL = FolderKind("a SavedModel", "saved_model.pb", _contents)


@dataclass(frozen=True)
class Signature:
    """A function that was read from a SavedModel.

    Attributes:
        name: Its name there.
        inputs: `tf.TensorSpec` of each input, by name.
        outputs: Names of the outputs.
    """

    name: str
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    _loaded: Any  # the function alone would not keep its variables alive

    def __call__(self, *values: Any) -> dict[str, np.ndarray]:
        """The outputs for one value of each input, brought to its type."""
        import tensorflow as tf

        given = {
            name: tf.cast(value, spec.dtype)
            for (name, spec), value in zip(self.inputs.items(), values, strict=True)
        }
        answers = self._loaded.signatures[self.name](**given)
        return {name: answer.numpy() for name, answer in answers.items()}


def write_signatures(
    model: "keras.Model",
    folder: Path,
    signatures: Mapping[str, tuple[Callable[[Any], Any], Any]],
) -> None:
    """Writes a SavedModel of functions that share the weights of a model.

    Args:
        model: It is built on zeros of the first signature's shape where it is not yet.
        folder: Where to write.
        signatures: By name, a function of one tensor and the `tf.TensorSpec` of that tensor.

    Raises:
        ExportError: Keras or TensorFlow cannot trace or write the model.
    """
    import keras

    (_, first), *_ = signatures.values()
    full = f"could not be written to {folder.parent}: no space left there"
    with tensorflow_errors(model.name, "SavedModel", full), quiet():
        if not model.built:  # a subclass of keras.Model makes its weights in its first call
            model(np.zeros((1, *(size or ANY_SIZE for size in first.shape[1:])), np.float32))
        archive = keras.export.ExportArchive()
        archive.track(model)
        for name, (function, spec) in signatures.items():
            archive.add_endpoint(name, function, input_signature=[spec])
        archive.write_out(str(folder), verbose=False)


def open_signatures(path: Path) -> dict[str, Signature]:
    """The signatures of any SavedModel, by name.

    Raises:
        InputError: Not a SavedModel, or a damaged one.
    """
    import tensorflow as tf

    if not (path / "saved_model.pb").is_file():
        raise InputError(f"{path} is no SavedModel: it has no saved_model.pb inside")
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, KeyError, *MODEL_ERRORS) as error:
        raise InputError(f"{path} cannot be opened as a SavedModel: {first_line(error)}") from error
    return {
        name: Signature(
            name=name,
            inputs=function.structured_input_signature[1],
            outputs=tuple(function.structured_outputs),
            _loaded=loaded,
        )
        for name, function in loaded.signatures.items()
    }


def require_close(
    model_name: str, expected: np.ndarray, answers: Mapping[str, np.ndarray]
) -> float:
    """The largest difference of signatures' answers from a model's, as a share of its range.

    Args:
        model_name: For the message.
        expected: Outputs of the model.
        answers: Those of each signature, by its name.

    Raises:
        VerificationError: A difference is larger than other orders of the same sums explain.
    """
    scale = max(1.0, float(np.abs(expected).max()))
    worst = 0.0
    for name, answer in answers.items():
        difference = float(np.abs(answer - expected).max()) / scale
        if not difference <= _CLOSE:
            raise VerificationError(
                f"signature {name} of the SavedModel of {model_name!r} differs from the model by "
                f"{difference:.3g} of the output range (at most {_CLOSE:g} expected); nothing was "
                "kept"
            )
        worst = max(worst, difference)
    return worst


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
