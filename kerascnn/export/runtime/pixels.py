"""How raw pixels, 0..255, enter a `.tflite` file, whoever made it.

Files written by kerascnn take raw pixels. Others may want them normalised, and say so in their
TFLite Metadata (NormalizationOptions) or not at all.
"""

from dataclasses import dataclass

import numpy as np

from kerascnn.errors import BundleError, InputError
from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.flatbuffer.tensors import TensorSpec

_RAW_SCALE = 1.0  # of integer inputs whose real values are raw pixels


@dataclass(frozen=True)
class PixelRule:
    """What becomes of raw pixels before a file gets them.

    Attributes:
        mean: Subtracted first, one number or one per channel.
        std: Divided by then.
        as_stored: Whether pixels are stored in the tensor as they are, whatever its scale: byte p
            in unsigned bytes, p - 128 in signed ones.
        known: Whether the file, or the caller, says so; otherwise it is what most files want.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    as_stored: bool = False
    known: bool = True

    def enter(self, images: np.ndarray, tensor: TensorSpec) -> np.ndarray:
        """Raw images [n, height, width, channels] as the input tensor holds them."""
        if self.as_stored:
            low = np.iinfo(tensor.dtype).min
            rounded = np.rint(np.asarray(images, np.float64)).clip(0, 255)
            return (rounded + low).astype(tensor.dtype)
        if (self.mean, self.std) == ((0.0,), (1.0,)):
            return tensor.quantize(images)
        values = np.asarray(images, np.float64)
        return tensor.quantize((values - np.array(self.mean)) / np.array(self.std))


def rule_for(
    tensor: TensorSpec, metadata: Metadata | None, pixel_range: tuple[float, float] | None = None
) -> PixelRule:
    """How raw pixels enter this input.

    Unsigned bytes take them as they are, as MediaPipe feeds every such file: their scale only says
    what the network makes of them. Other inputs are normalised as the metadata say. Without any,
    signed bytes of another scale than 1 take p - 128, and all else takes raw pixels.

    Args:
        tensor: The input.
        metadata: The file's TFLite Metadata, or None.
        pixel_range: What 0 and 255 become before a real-valued input, such as (0, 1) or (-1, 1):
            for files that do not say it.

    Raises:
        InputError: A range for a file that says its own, or that has no extent.
        BundleError: The metadata normalise by zero, or for another number of channels.
    """
    mean, std = (metadata.mean, metadata.std) if metadata else ((), ())
    said = bool(mean and std)
    if pixel_range is not None:
        low, high = pixel_range
        if said or tensor.dtype == "uint8":
            raise InputError(
                "a pixel range was given for a file that says how pixels enter it: leave it out."
            )
        if not low < high:
            raise InputError(f"a pixel range needs two rising numbers. Received: {low}, {high}.")
        step = 255.0 / (high - low)
        return PixelRule((-low * step,), (step,))
    if tensor.dtype == "uint8":
        return PixelRule(as_stored=True)
    if said:
        channels = tensor.shape[-1] if tensor.shape else 1
        if any(len(values) not in (1, channels) for values in (mean, std)) or 0.0 in std:
            raise BundleError(
                f"its metadata normalise pixels by mean {mean} and std {std}, of {channels} "
                "channel(s): expected one number or one per channel, and no std of 0."
            )
        return PixelRule(tuple(mean), tuple(std))
    if tensor.dtype == "int8" and tensor.scale != _RAW_SCALE:
        return PixelRule(as_stored=True, known=False)
    return PixelRule(known=tensor.scale == _RAW_SCALE)
