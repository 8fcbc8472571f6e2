"""From distances at the points of a feature map to boxes (Tian et al. 2019, arXiv:1904.01355)."""

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class PointBoxes(keras.layers.Layer):
    """Boxes from what a map says at each of its points, in shares of the picture.

    The input (batch, height, width, 4) holds, before a softplus that makes them positive, the
    distances from the middle of each cell to the top, left, bottom and right edge of the box, in
    cells. The output (batch, height * width, 4) holds those edges, 0..1 within the picture; a box
    may reach beyond. The size of the map must be known.
    """

    def build(self, input_shape):
        height, width, edges = input_shape[1:]
        if height is None or width is None or edges != 4:
            raise InputError(
                "`PointBoxes` takes maps (batch, height, width, 4) of known size. "
                f"Received: input_shape={tuple(input_shape)}."
            )
        down, across = np.mgrid[:height, :width].astype("float32")
        middles = [(down + 0.5) / height, (across + 0.5) / width]
        self._middles = np.stack(middles * 2, axis=-1)
        self._cells = np.array([-1 / height, -1 / width, 1 / height, 1 / width], "float32")

    def call(self, x):
        cells, middles = (ops.cast(part, x.dtype) for part in (self._cells, self._middles))
        return ops.reshape(ops.softplus(x) * cells + middles, self._flat(x.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._flat(input_shape)[1:])

    def _flat(self, shape):
        return (-1, shape[1] * shape[2], 4)
