"""The resize rule: how an image of any size becomes the one size a model takes.

A rule is fixed once, when a data source is loaded; it is written into the run's configuration and
into the bundle's manifest, so that a device repeats it exactly. `export` and the device kits know
it only as the plain dict of `ResizeRule.to_dict`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from kerascnn.data.images.modes import check_channels, to_mode
from kerascnn.errors import InputError, received

Fit = Literal["stretch", "crop", "pad"]
FITS: tuple[str, ...] = get_args(Fit)
MOST_SIDE = 2**14  # of a target: with three channels, a batch of one takes 3 GB as float32
# Pixels of an image on its way to the target: strips a pixel wide and a million long have more.
_MOST_BETWEEN = 2**26


@dataclass(frozen=True, kw_only=True)
class ResizeRule:
    """How an image is fitted to a target height and width.

    `fit` is one of
    "stretch": resized to the target, whatever happens to the aspect ratio;
    "crop": scaled until it covers the target, then cropped around the centre;
    "pad": shrunk until it fits into the target (never enlarged), then centred on a canvas filled
    with `pad_value` (0..255, in every channel).

    Resampling is always bilinear, with antialiasing when shrinking, as Pillow does it; the two
    fields say so in files. Raises InputError for any other value.
    """

    fit: Fit = "stretch"
    filter: str = "bilinear"
    antialias: bool = True
    pad_value: int = 0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise InputError(
                f"resize fit must be one of {', '.join(FITS)}. Received: {self.fit!r}."
            )
        if self.filter != "bilinear":
            raise InputError(f'resize filter must be "bilinear". Received: {self.filter!r}.')
        if self.antialias is not True:
            raise InputError(f"resize antialias must be true. Received: {self.antialias!r}.")
        value = self.pad_value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255:
            raise InputError(f"resize pad_value must be an integer 0..255. Received: {value!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Returns the rule as plain values, in the form of the bundle's manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ResizeRule":
        """Returns the rule that `to_dict` wrote; raises InputError on a missing or unknown key."""
        if not isinstance(values, Mapping):
            raise InputError(f"a resize rule must be a mapping. Received: {values!r}.")
        expected = [field.name for field in fields(cls)]
        unknown = sorted(str(key) for key in values if key not in expected)
        missing = [key for key in expected if key not in values]
        if unknown or missing:
            raise InputError(
                f"a resize rule has the keys {', '.join(expected)}; "
                f"unknown: {', '.join(unknown) or 'none'}; missing: {', '.join(missing) or 'none'}."
            )
        return cls(**values)

    def apply(
        self, image: Image.Image | np.ndarray, size: int | tuple[int, int], channels: int
    ) -> np.ndarray:
        """Returns `image` as uint8 `[H, W, channels]` pixels of the given (height, width).

        Args:
            image: a Pillow image of any mode, or a uint8 array `[h, w]`, `[h, w, 1]` (grey) or
                `[h, w, 3]` (RGB).
            size: the target (height, width), or one number for both.
            channels: 1 for grey, 3 for RGB.

        Raises:
            InputError: an array of another type or shape, a bad size or number of channels.
            DataError: an image without a fixed range of pixel values (see `modes.to_mode`).
        """
        size = check_size(size)
        if isinstance(image, np.ndarray):
            image = _from_array(image)
        image = self._fit(to_mode(image, channels), size)
        return np.array(image, dtype=np.uint8).reshape(*size, channels)

    def apply_batch(
        self, images: np.ndarray, size: int | tuple[int, int], channels: int
    ) -> np.ndarray:
        """Returns uint8 `[n, h, w, c]` images as `[n, H, W, channels]`: `apply` on each, faster.

        Images that only have to be centred (or left alone) are handled as one array.
        """
        height, width = check_size(size)
        check_channels(channels)
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
            raise InputError(_array_message("[n, h, w, 1 or 3]", images))
        count, h, w, c = images.shape
        same = (h, w) == (height, width)
        if c <= channels and (same or (self.fit == "pad" and h <= height and w <= width)):
            if c < channels:
                images = np.repeat(images, channels, axis=3)
            if same:
                return images
            top, left = (height - h) // 2, (width - w) // 2
            out = np.full((count, height, width, channels), self.pad_value, np.uint8)
            out[:, top : top + h, left : left + w] = images
            return out
        out = np.empty((count, height, width, channels), np.uint8)
        for row, image in zip(out, images, strict=True):
            row[...] = self.apply(image, (height, width), channels)
        return out

    def _fit(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        height, width = size
        if self.fit == "stretch":
            return _resample(image, width, height)
        if self.fit == "crop":
            scale = max(height / image.height, width / image.width)
            if image.height * image.width * scale**2 > _MOST_BETWEEN:
                image, scale = _middle(image, size, scale), 0.0
            image = _resample(
                image,
                max(width, math.floor(image.width * scale + 0.5)),
                max(height, math.floor(image.height * scale + 0.5)),
            )
            left, top = (image.width - width) // 2, (image.height - height) // 2
            return image.crop((left, top, left + width, top + height))
        scale = min(height / image.height, width / image.width, 1.0)
        image = _resample(
            image,
            max(1, math.floor(image.width * scale + 0.5)),
            max(1, math.floor(image.height * scale + 0.5)),
        )
        fill = self.pad_value if image.mode == "L" else (self.pad_value,) * 3
        canvas = Image.new(image.mode, (width, height), fill)
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas


def check_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Returns `size` as (height, width); raises InputError unless both are in 1..16384."""
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    valid = len(pair) == 2 and all(
        isinstance(side, (int, np.integer)) and not isinstance(side, bool) and 0 < side <= MOST_SIDE
        for side in pair
    )
    if not valid:
        raise InputError(
            f"image_size must be one positive integer up to {MOST_SIDE} or a pair (height, "
            f"width) of them. Received: {received(size)}."
        )
    return int(pair[0]), int(pair[1])


def automatic_rule(common_size: tuple[int, int] | None, size: tuple[int, int]) -> ResizeRule:
    """Returns the rule that "auto" stands for.

    Images that all have one size slightly below the target (at least 0.75 of it on both sides) are
    centred, as the 28x28 digits in LeNet's 32x32 input (LeCun et al. 1998): resampling would only
    blur them. Everything else is stretched.

    Args:
        common_size: the (height, width) that all images share, None if they differ.
        size: the target (height, width).
    """
    if common_size is None or common_size == size:
        return ResizeRule(fit="stretch")
    near = all(
        0.75 * target <= side <= target for side, target in zip(common_size, size, strict=True)
    )
    return ResizeRule(fit="pad" if near else "stretch")


def _middle(image: Image.Image, size: tuple[int, int], scale: float) -> Image.Image:
    """Returns the part around the centre that fills a (height, width) when enlarged by `scale`."""
    height = min(image.height, max(1, round(size[0] / scale)))
    width = min(image.width, max(1, round(size[1] / scale)))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _resample(image: Image.Image, width: int, height: int) -> Image.Image:
    if image.size == (width, height):
        return image
    if width * image.height > _MOST_BETWEEN:  # Pillow would widen all rows before it drops some
        image = image.resize((image.width, height), Image.Resampling.BILINEAR)
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    grey, color = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3
    if array.dtype != np.uint8 or not (grey or color) or array.size == 0:
        raise InputError(_array_message("[h, w], [h, w, 1] or [h, w, 3]", array))
    return Image.fromarray(np.ascontiguousarray(array))


def _array_message(shapes: str, array: np.ndarray) -> str:
    return (
        f"expected a uint8 array of shape {shapes}. Received: {array.dtype} {list(array.shape)}. "
        "Give raw pixels 0..255."
    )
