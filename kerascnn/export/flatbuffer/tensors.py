"""Inputs and outputs of a `.tflite` model, and how real values become their integers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model.

    Attributes:
        name: Name in the file.
        shape: Dimensions with the batch; -1 where the file leaves one open.
        dtype: NumPy name of the element type, such as `"uint8"`.
        scale: Real value of one quantisation step; None for a tensor that is not quantised.
        zero_point: Integer that stands for the real value 0; None together with `scale`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Real `values` as this tensor stores them: rounded half away from zero, then clipped."""
        dtype = np.dtype(self.dtype)
        if self.scale is not None and self.zero_point is not None:
            real = np.asarray(values, np.float64) / self.scale
            steps = np.trunc(real + np.copysign(0.5, real)) + self.zero_point
        elif np.issubdtype(dtype, np.integer):
            steps = np.rint(np.asarray(values, np.float64))
        else:
            return np.asarray(values).astype(dtype)
        limits = np.iinfo(dtype)
        return np.clip(steps, limits.min, limits.max).astype(dtype)

    def dequantize(self, values: np.ndarray) -> np.ndarray:
        """The real values, float32, that integers of this tensor stand for."""
        if self.scale is None or self.zero_point is None:
            return np.asarray(values).astype(np.float32)
        steps = np.asarray(values).astype(np.float32) - np.float32(self.zero_point)
        return steps * np.float32(self.scale)
