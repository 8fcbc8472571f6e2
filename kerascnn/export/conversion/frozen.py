"""A model as a SavedModel of one function: what the converter reads fastest.

Keras's own export traces a model several times, and the converter traces what it reads once more.
Here it is traced once. Small networks are frozen as well, their weights become constants of the
graph: a third of the time, with the same operators. Constants are copied again and again, though,
so larger networks keep their variables in the SavedModel's checkpoint: VGG16 takes a quarter of
the time.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.export.conversion.any_model import tensorflow_errors

if TYPE_CHECKING:
    import keras

_FULL = "could not be written: no space left in the temporary folder"
LARGEST_BYTES = 2**25  # of weights as constants; where both take the same time


def can_freeze(model: "keras.Model") -> bool:
    """Whether the model is small enough for its weights to be constants."""
    return sum(int(np.prod(weight.shape)) * 4 for weight in model.weights) < LARGEST_BYTES


def trace(model: "keras.Model", shape: tuple[int, ...]) -> Any:
    """The model as a TensorFlow `ConcreteFunction` of its variables.

    Args:
        model: Any Keras model with one image input and one output, its weights in float32.
        shape: `(batch, height, width, channels)` of the float32 input.

    Raises:
        ExportError: TensorFlow cannot trace the model.
    """
    import tensorflow as tf

    with tensorflow_errors(model.name, "graph", _FULL):
        if not model.built:  # a subclass of keras.Model makes its weights in its first call
            model(np.zeros(shape, np.float32))
        served = tf.function(lambda image: model(image, training=False), autograph=False)
        return served.get_concrete_function(tf.TensorSpec(shape, tf.float32, "image"))


def freeze(traced: Any, name: str) -> Any:
    """What `trace` made with its variables as constants.

    Args:
        traced: What `trace` returned.
        name: What to call the model in messages.

    Raises:
        ExportError: TensorFlow cannot freeze it.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    with tensorflow_errors(name, "graph", _FULL):
        # Loops stay whole: TFLite has operators for them, but none for their parts.
        return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def write_function(function: Any, folder: Path, name: str) -> None:
    """Writes a function as a SavedModel; for the converter only.

    Args:
        function: What `trace` or `freeze` returned.
        folder: The SavedModel to write.
        name: What to call the model in messages.

    Raises:
        ExportError: TensorFlow cannot write it.
    """
    import tensorflow as tf

    module = tf.Module()
    module.served = function
    module.read = list(function.variables)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with tensorflow_errors(name, "graph", _FULL):
        tf.saved_model.save(module, str(folder), signatures=function, options=options)
