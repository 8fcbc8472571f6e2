"""Heat maps, and how they lie over the image they belong to."""

import numpy as np

from kerascnn.errors import InputError

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
    heat = np.asarray(attributions, np.float32)
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


def overlay(image: np.ndarray, heatmap: np.ndarray, strength: float = 0.5) -> np.ndarray:
    """Mixes the colours of a heat map into an image: blue is 0, red is 1.

    Args:
        image: uint8 `[H, W, 1 or 3]`.
        heatmap: `[H, W]` in 0..1.
        strength: Share of the colours, in 0..1.

    Returns:
        uint8 `[H, W, 3]`.

    Raises:
        InputError: An image or a heat map of another shape or type, or a strength out of range.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise InputError(
            f"expected a uint8 image [H, W, 1 or 3]. Received: {image.dtype} {list(image.shape)}."
        )
    if heatmap.shape != image.shape[:2] or not 0 <= heatmap.min() <= heatmap.max() <= 1:
        raise InputError(
            f"expected a heat map {list(image.shape[:2])} of values in 0..1. Received: "
            f"{list(heatmap.shape)} in {heatmap.min():.3g}..{heatmap.max():.3g}."
        )
    if not 0 <= strength <= 1:
        raise InputError(f"`strength` must be in 0..1. Received: {strength}.")
    stops = np.linspace(0, 1, len(COLORS))
    colors = np.stack([np.interp(heatmap, stops, channel) for channel in COLORS.T], axis=-1)
    mixed = (1 - strength) * image + strength * colors
    return np.round(mixed).astype(np.uint8)
