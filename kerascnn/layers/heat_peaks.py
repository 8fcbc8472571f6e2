"""The peaks of heat maps (Zhou et al. 2019, arXiv:1904.07850, section 4.1)."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class HeatPeaks(keras.layers.Layer):
    """Keeps the scores of cells that no neighbour surpasses, and makes the others 0.

    It stands for non-maximum suppression in detectors that find middles. The input and output are
    (batch, rows * columns, classes); each class has a map of its own, neighbours are the eight
    around.

    Args:
        rows: Of the map.
        columns: Of the map.
    """

    def __init__(self, rows: int, columns: int, **options):
        super().__init__(**options)
        self.rows = arguments.whole("rows", rows)
        self.columns = arguments.whole("columns", columns)

    def call(self, x):
        maps = ops.reshape(x, (-1, self.rows, self.columns, x.shape[-1]))
        highest = ops.max_pool(maps, 3, strides=1, padding="same")
        is_peak = ops.cast(ops.greater_equal(maps, highest), x.dtype)
        return ops.reshape(maps * is_peak, (-1, self.rows * self.columns, x.shape[-1]))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}
