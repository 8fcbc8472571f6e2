"""From what the cells of YOLO's grid say to boxes and scores (Redmon et al. 2016, section 2)."""

import keras
import numpy as np
from keras import ops

from kerascnn import arguments
from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class GridBoxes(keras.layers.Layer):
    """Boxes and scores from a grid of cells, each of which predicts some boxes and one class.

    The input (batch, rows, columns, 5 boxes + classes) holds of each cell the boxes, (x, y, √w, √h,
    confidence) each, then a score for each class. The middle (x, y) is in cells from the cell's
    left top corner, width and height are shares of the picture. The output (batch, rows * columns *
    boxes, 4 + classes) holds of each box its top, left, bottom and right edge in shares of the
    picture, then the confidence times the score of each class (equation 1), kept within 0..1.

    Args:
        boxes: Boxes of a cell.
    """

    def __init__(self, boxes: int = 2, **options):
        super().__init__(**options)
        self.boxes = arguments.whole("boxes", boxes)

    def build(self, input_shape):
        height, width, values = input_shape[1:]
        if height is None or width is None or values <= 5 * self.boxes:
            raise InputError(
                f"`GridBoxes` takes maps (batch, height, width, {5 * self.boxes} + classes) of "
                f"known size. Received: input_shape={tuple(input_shape)}."
            )
        corners = np.mgrid[:height, :width].astype("float32")
        self._corners = np.moveaxis(corners, 0, -1)[..., np.newaxis, :]

    def call(self, x):
        height, width = x.shape[1:3]
        parts = ops.reshape(x[..., : 5 * self.boxes], (-1, height, width, self.boxes, 5))
        place = ops.flip(parts[..., :2], axis=-1) + ops.cast(self._corners, x.dtype)
        middle = place / ops.cast(np.array([height, width]), x.dtype)
        half = ops.square(ops.flip(parts[..., 2:4], axis=-1)) / 2
        chances = ops.expand_dims(x[..., 5 * self.boxes :], -2)
        scores = ops.clip(parts[..., 4:] * chances, 0.0, 1.0)
        found = ops.concatenate([middle - half, middle + half, scores], axis=-1)
        return ops.reshape(found, (-1, *self.compute_output_shape(x.shape)[1:]))

    def compute_output_shape(self, input_shape):
        batch, height, width, values = input_shape
        return (batch, height * width * self.boxes, values - 5 * self.boxes + 4)

    def get_config(self):
        return {**super().get_config(), "boxes": self.boxes}
