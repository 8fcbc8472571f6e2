"""What the first training step would create, created before it: the step is then traced once.

On TensorFlow, Keras creates the variables of the optimiser and of the metrics in the first step.
`tf.function` traces a step that creates variables twice, which takes seconds for a deep network. On
the other backends Keras creates them before, as here.
"""

from typing import Any

import keras

from kerascnn.transfer.feeding.batches import RowBatches
from kerascnn.transfer.feeding.sources import Source


def create_state(model: keras.Model, data: Any) -> None:
    """Creates the variables of the optimiser and the metrics of a compiled model.

    Does nothing where Keras does it, and where the form of the labels is not known beforehand.

    Args:
        model: One output, built and compiled.
        data: What it will be fitted to; nothing of it is read.
    """
    if keras.backend.backend() != "tensorflow":
        return
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return
    if isinstance(data, RowBatches | Source):
        labels = data.labels if isinstance(data, RowBatches) else data.first[1]
        shape, dtype = labels.shape[1:], labels.dtype.name
    elif hasattr(data, "element_spec") and hasattr(data.element_spec[1], "shape"):
        labels = data.element_spec[1]
        shape, dtype = labels.shape[1:], labels.dtype.name
        if not shape.is_fully_defined():
            return
    else:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    (output,) = model.outputs  # a Sequential has no `output` before it is called
    outputs = keras.ops.zeros((1, *output.shape[1:]), output.dtype)
    model.compute_metrics(None, keras.ops.zeros((1, *shape), dtype), outputs)
    model.reset_metrics()
