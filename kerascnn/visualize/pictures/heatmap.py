"""Heat maps, and how they lie over the image they belong to."""

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.pictures.tiles import scaled_pixels

# From cold to hot, evenly spaced.
COLORS = np.array(
    [(38, 48, 140), (32, 140, 200), (70, 190, 110), (250, 200, 50), (215, 40, 35)], np.float32
)


def heat_map(attributions: np.ndarray, percentile: float = 99.0) -> np.ndarray:
    """Attributions of pixels as heat maps in 0..1, to be looked at.

    Of each pixel the absolute values, summed over the colours; of maps without colours, what is
    positive. The value that `percentile` of an image's pixels do not exceed becomes 1, so that a
    few extreme ones do not leave the rest in the dark.

    Args:
        attributions: `[B, H, W]` or `[B, H, W, C]`.
        percentile: In 0..100.

    Returns:
        float32 `[B, H, W]`.

    Raises:
        InputError: An array of another shape, values that are not finite, or a percentile out of
            range.
    """
    heat = numbers(attributions, "the attributions", finite=False).astype(np.float32)
    if heat.ndim not in (3, 4) or not heat.size:
        raise InputError(
            f"expected attributions [B, H, W] or [B, H, W, C]. Received the shape {heat.shape}."
        )
    if not 0 <= percentile <= 100 or not np.isfinite(heat).all():
        raise InputError(
            "expected a percentile in 0..100 and finite attributions. Received: "
            f"percentile={percentile}, {np.count_nonzero(~np.isfinite(heat))} values not finite."
        )
    heat = np.abs(heat).sum(axis=-1) if heat.ndim == 4 else np.maximum(heat, 0)
    peak = np.percentile(heat, percentile, axis=(1, 2), keepdims=True)
    highest = heat.max(axis=(1, 2), keepdims=True)
    peak = np.where(peak > 0, peak, highest)  # where almost all is 0
    return np.clip(heat / np.where(peak > 0, peak, 1), 0, 1).astype(np.float32)


@keras_words()
def overlay(image: np.ndarray, heatmap: np.ndarray, strength: float = 0.5) -> np.ndarray:
    """Mixes the colours of a heat map into an image: blue is 0, red is 1.

    Args:
        image: `[H, W, 1 or 3]`, or several `[B, H, W, 1 or 3]`, as `grad_cam` takes them: pixels of
            0..255, or floats of 0..1; other ranges are drawn from the lowest to the highest value.
        heatmap: `[H, W]` in 0..1, or `[B, H, W]`, as `grad_cam` gives them.
        strength: Share of the colours, in 0..1.

    Returns:
        uint8 `[H, W, 3]` or `[B, H, W, 3]`.

    Raises:
        InputError: An image or a heat map of another shape or range, or a strength out of range.
    """
    pixels, heat = numbers(image, "the image"), numbers(heatmap, "the heat map")
    if pixels.ndim not in (3, 4) or pixels.shape[-1] not in (1, 3) or not pixels.size:
        raise InputError(
            "expected an image [H, W, 1 or 3], or images [B, H, W, 1 or 3]. Received: "
            f"{pixels.dtype} {list(pixels.shape)}."
        )
    if heat.shape != pixels.shape[:-1] or not 0 <= heat.min() <= heat.max() <= 1:
        shown = f"{heat.min():.3g}..{heat.max():.3g}" if heat.size else "no values"
        raise InputError(
            f"expected a heat map {list(pixels.shape[:-1])} of values in 0..1. Received: "
            f"{list(heat.shape)} in {shown}."
        )
    if not 0 <= strength <= 1:
        raise InputError(f"`strength` must be in 0..1. Received: {strength}.")
    stops = np.linspace(0, 1, len(COLORS))
    colors = np.stack([np.interp(heat, stops, channel) for channel in COLORS.T], axis=-1)
    mixed = (1 - strength) * 255 * scaled_pixels(pixels) + strength * colors
    return np.round(mixed).astype(np.uint8)
