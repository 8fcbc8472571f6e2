"""A model as a SavedModel of one function with constants: what the converter reads fastest.

Keras's own export traces a model several times and writes its variables to a checkpoint, which the
converter then reads back only to turn them into constants. Tracing once and freezing at once takes
a third of the time, and gives the same operators.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export.any_model import MODEL_ERRORS, first_line

if TYPE_CHECKING:
    import keras

# The graph is stored in one protocol buffer, which holds 2 GiB at most.
LARGEST_BYTES = 1_800_000_000


def weight_bytes(model: "keras.Model") -> int:
    """What the model's weights take in float32."""
    return sum(int(np.prod(weight.shape)) * 4 for weight in model.weights)


def can_freeze(model: "keras.Model") -> bool:
    """Whether the model's weights fit into one graph; larger ones need a checkpoint."""
    return weight_bytes(model) < LARGEST_BYTES


def freeze(model: "keras.Model", shape: tuple[int, ...]) -> Any:
    """The model as a TensorFlow `ConcreteFunction` with its weights as constants.

    Args:
        model: Any Keras model with one image input and one output, its weights in float32.
        shape: `(batch, height, width, channels)` of the float32 input.

    Raises:
        ExportError: TensorFlow cannot trace or freeze the model.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    with _errors(model.name):
        if not model.built:  # a subclass of keras.Model makes its weights in its first call
            model(np.zeros(shape, np.float32))
        served = tf.function(lambda image: model(image, training=False), autograph=False)
        traced = served.get_concrete_function(tf.TensorSpec(shape, tf.float32, "image"))
        # Loops stay whole: TFLite has operators for them, but none for their parts.
        return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def write_frozen(frozen: Any, folder: Path, name: str) -> None:
    """Writes what `freeze` made as a SavedModel; for the converter only.

    Args:
        frozen: What `freeze` returned.
        folder: The SavedModel to write.
        name: What to call the model in messages.

    Raises:
        ExportError: TensorFlow cannot write it.
    """
    import tensorflow as tf

    module = tf.Module()
    module.served = frozen
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with _errors(name):
        tf.saved_model.save(module, str(folder), signatures=frozen, options=options)


@contextlib.contextmanager
def _errors(name: str) -> Iterator[None]:
    """Turns what TensorFlow raises into an ExportError that says what could not be done."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise ExportError(
            f"the graph of {name!r} could not be written: no space left in the temporary folder. "
            "Nothing was left of it."
        ) from error
    except tf.errors.OpError as error:
        raise ExportError(
            f"the graph of {name!r} could not be made: {first_line(error)}"
        ) from error
    except MODEL_ERRORS as error:
        raise ExportError(
            f"model {name!r} could not be traced for export: {first_line(error)}"
        ) from error
