"""From raw pixels to what a network was designed for."""

from dataclasses import dataclass
from typing import Any

from keras import layers

Tensor = Any


@dataclass(frozen=True)
class Preprocessing:
    """From raw pixels p in 0..255 to what the network was designed for: p * scale + offset.

    Scale and offset are one number, or one per channel of RGB; images of another number of
    channels get the mean of the three.
    """

    scale: float | tuple[float, float, float]
    offset: float | tuple[float, float, float]

    def __call__(self, x: Tensor) -> Tensor:
        scale, offset = (self._fit(value, x.shape[-1]) for value in (self.scale, self.offset))
        return layers.Rescaling(scale, offset, name="preprocessing")(x)

    @staticmethod
    def _fit(value: float | tuple[float, ...], channels: int) -> float | list[float]:
        if not isinstance(value, tuple):
            return value
        return list(value) if channels == len(value) else sum(value) / len(value)

    @classmethod
    def standardize(cls, mean: tuple[float, ...], std: tuple[float, ...]) -> "Preprocessing":
        """(p / 255 - mean) / std, with mean and std of RGB in 0..1."""
        pairs = list(zip(mean, std, strict=True))
        scale = tuple(1 / (255 * s) for _, s in pairs)
        return cls(scale, tuple(-m / s for m, s in pairs))  # type: ignore[arg-type]


UNIT = Preprocessing(1 / 255, 0.0)
# In keras.applications: "tf", "torch" and "caffe". The last expects BGR there; our importer turns
# the first convolution around instead, so that every model of ours takes RGB.
SIGNED = Preprocessing(1 / 127.5, -1.0)
IMAGENET = Preprocessing.standardize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CAFFE = Preprocessing(1.0, (-123.68, -116.779, -103.939))
