"""Pictures that a unit answers to most, found by climbing its derivative.

Erhan, Bengio, Courville, Vincent, Visualizing Higher-Layer Features of a Deep Network, 2009;
Yosinski et al., Understanding Neural Networks Through Deep Visualization, 2015, arXiv:1506.06579
(regularisers); Olah, Mordvintsev, Schubert, Feature Visualization, Distill 2017 (frequencies,
jitter).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.arrays import require
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.scores import two_sided
from kerascnn.visualize.inside.gradient import gradient
from kerascnn.visualize.inside.taps import find_layer, giving_logits, tapped
from kerascnn.visualize.picture_parameters import PictureParameters


@dataclass(frozen=True)
class MaximizedActivation:
    """Pictures found by `maximize_activation`.

    Attributes:
        pictures: float32 `[U, H, W, C]` in the range of the model's input, one for each unit.
        activations: float32 `[steps + 1, U]`: what each unit gave for its picture before every
            step, jittered as it was, and at the end, unjittered.
        frames: float32 `[F, U, H, W, C]`: the pictures on the way, the last one included; None
            unless asked for.
    """

    pictures: np.ndarray
    activations: np.ndarray
    frames: np.ndarray | None


@keras_words()
def maximize_activation(
    model: keras.Model,
    units: int | Sequence[int],
    layer: str | None = None,
    *,
    steps: int = 256,
    learning_rate: float = 0.05,
    size: tuple[int, int] | None = None,
    value_range: tuple[float, float] = (0.0, 255.0),
    parametrization: str = "frequency",
    jitter: int = 8,
    total_variation: float = 0.0,
    l2: float = 0.0,
    keep_every: int | None = None,
    seed: int = 0,
) -> MaximizedActivation:
    """Makes a picture for each unit that it answers to as much as it can.

    Climbed is the unit's activation less `total_variation` times the sum of absolute differences of
    neighbouring pixels, less `l2` times the sum of squares of the picture, both of pixels scaled
    to -1..1. Several units are climbed at once, each with a picture of its own.

    Args:
        model: Any model with one image input; nested ones are entered.
        units: Class, or channel of the layer; one or several.
        layer: Name of a layer; of its maps the mean over all positions is climbed. None takes the
            model's output, before a softmax or sigmoid: `units` are classes, two of one sigmoid.
        steps: Steps of Adam.
        learning_rate: Of Adam.
        size: Height and width of the pictures; None takes the model's.
        value_range: Lowest and highest pixel the model takes: (-1, 1) for a network without
            preprocessing of its own that expects that.
        parametrization: "frequency" climbs cosine waves, each scaled by its wavelength, and
            decorrelated colours, which gives smooth pictures; "pixels" climbs the pixels.
        jitter: At every step the picture is shifted by up to so many pixels along each axis, round
            its border, so that it cannot live on single pixels.
        total_variation: Weight of the differences.
        l2: Weight of the squares.
        keep_every: Also return the picture at the start and after every so many steps.
        seed: Of the first picture and of the jitter.

    Raises:
        InputError: No such layer or unit, a model of images of any size without `size`, or values
            out of range.
    """
    kept = 1 if keep_every is None else keep_every
    if steps < 1 or kept < 1 or jitter < 0 or value_range[0] >= value_range[1]:
        raise InputError(
            "expected steps and keep_every of at least 1, jitter of at least 0 and a rising "
            f"value_range. Received: steps={steps}, keep_every={keep_every}, jitter={jitter}, "
            f"value_range={value_range}."
        )
    chosen = _checked_units(units)
    shape = (len(chosen), *_image_shape(model, size))
    generator = np.random.default_rng(checked_seed(seed))
    parameters = PictureParameters(shape, parametrization, value_range, generator)
    climb = _Climb(model, chosen, layer, value_range, total_variation, l2)
    adam = _Adam(learning_rate)
    activations, frames = [], []
    for step in range(steps):
        if keep_every is not None and step % keep_every == 0:
            frames.append(parameters.pictures())
        shift = generator.integers(-jitter, jitter + 1, 2).tolist()
        shifted = np.roll(parameters.pictures(), shift, (1, 2))
        slopes, reached = climb(shifted)
        activations.append(reached)
        slopes = np.roll(slopes, [-s for s in shift], (1, 2))
        parameters.values += adam.step(parameters.gradient(slopes))
    pictures = parameters.pictures()
    activations.append(climb.activations(pictures))
    if keep_every is not None:
        frames.append(pictures)
    return MaximizedActivation(
        pictures, np.stack(activations), np.stack(frames) if frames else None
    )


class _Climb:
    """What is climbed, and its derivative with respect to the pixels."""

    def __init__(
        self,
        model: keras.Model,
        units: list[int],
        layer: str | None,
        value_range: tuple[float, float],
        total_variation: float,
        l2: float,
    ) -> None:
        self.model, self.units = model, units
        self.source: Any = None if layer is None else find_layer(model, layer)
        self.middle = (value_range[0] + value_range[1]) / 2
        self.half = (value_range[1] - value_range[0]) / 2
        self.total_variation, self.l2 = total_variation, l2

    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        reached: list[Any] = []

        def height(pixels: Any) -> Any:
            activations = self._of(pixels)
            reached[:] = [activations]
            return ops.sum(activations) - self._penalty(pixels)

        slopes = gradient(height, ops.convert_to_tensor(pictures))
        if slopes is None:
            raise InputError(f"the units of {self.model.name!r} do not depend on the picture.")
        return ops.convert_to_numpy(slopes), self.activations(pictures, reached[0])

    def activations(self, pictures: np.ndarray, known: Any = None) -> np.ndarray:
        """float32 `[U]`. JAX has no values for what was computed within a derivative."""
        if known is None or keras.backend.backend() == "jax":
            known = self._of(ops.convert_to_tensor(pictures))
        return ops.convert_to_numpy(known).astype(np.float32)

    def _of(self, pixels: Any) -> Any:
        """Activation of each unit for its own picture."""
        seen: list[Any] = []

        def look(output: Any) -> Any:
            seen[:] = [output]
            return output

        with giving_logits(self.model):
            if self.source is None:
                look(self.model(pixels, training=False))
            else:
                with tapped(self.source, look):
                    self.model(pixels, training=False)
        if not seen:
            raise InputError(f"the layer {self.source.name!r} is not used by {self.model.name!r}.")
        if not hasattr(seen[0], "shape"):
            raise InputError(f"expected one output of {self.model.name!r}, or layer=NAME.")
        outputs = ops.cast(seen[0], "float32")
        if self.source is None:
            outputs = two_sided(self.model, outputs)
        channels = outputs.shape[-1]
        fits = len(outputs.shape) in (2, 4)
        if not fits or not all(0 <= unit < channels for unit in self.units):
            raise InputError(
                f"expected units from 0 to {channels - 1} of an output [B, units] or maps "
                f"[B, h, w, units]. Received: {self.units} of the shape {tuple(outputs.shape)}."
            )
        if len(outputs.shape) == 4:
            outputs = ops.mean(outputs, axis=(1, 2))
        return ops.sum(outputs * ops.one_hot(self.units, channels, dtype="float32"), axis=-1)

    def _penalty(self, pixels: Any) -> Any:
        scaled = (pixels - self.middle) / self.half
        down = ops.sum(ops.abs(scaled[:, 1:] - scaled[:, :-1]))
        across = ops.sum(ops.abs(scaled[:, :, 1:] - scaled[:, :, :-1]))
        return self.total_variation * (down + across) + self.l2 * ops.sum(ops.square(scaled))


class _Adam:
    """Kingma, Ba, Adam: A Method for Stochastic Optimization, arXiv:1412.6980, algorithm 1."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate, self.steps = learning_rate, 0
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def step(self, slopes: np.ndarray) -> np.ndarray:
        """How far to move upwards."""
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * slopes
        self.square = 0.999 * self.square + 0.001 * slopes**2
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.999**self.steps)
        return self.learning_rate * mean / (np.sqrt(square) + 1e-8)


def _checked_units(units: Any) -> list[int]:
    chosen = np.atleast_1d(np.asarray(units))
    if chosen.ndim != 1 or not len(chosen) or chosen.dtype.kind not in "iu":
        raise InputError(f"`units` must be a whole number, or several. Received: {units!r}.")
    return [int(unit) for unit in chosen]


def _image_shape(model: keras.Model, size: tuple[int, int] | None) -> tuple[int, int, int]:
    require(model, keras.Model, "a keras.Model")
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise InputError(f"expected a model of images [B, H, W, C]. Its input: {shape}.")
    height, width = size or shape[1:3]
    if height is None or width is None:
        raise InputError(f"{model.name!r} takes images of any size: give size=(height, width).")
    if any(own not in (None, side) for own, side in zip(shape[1:3], (height, width), strict=True)):
        raise InputError(f"{model.name!r} takes images of {shape[1:3]}. Received: size={size}.")
    return int(height), int(width), int(shape[3])
