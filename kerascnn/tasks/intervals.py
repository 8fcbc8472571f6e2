"""How far an accuracy measured on some images may be from that on all."""

import math

# Of the normal distribution, for 95 %.
_Z = 1.959964
# A wider interval, from end to end, is worth a sentence.
WIDE = 0.1


def wilson_interval(share: float, images: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, Probable Inference, equation 6).

    Args:
        share: In 0..1, of images that are right.
        images: How many were judged, at least 1; they must not have been trained on. Where they
            chose the epoch, the interval is too high by a little.

    Returns:
        Both ends, in 0..1.
    """
    spread = _Z * _Z / images
    center = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / images + spread / (4 * images))
    return max(0.0, center - half), min(1.0, center + half)


def caution(share: float, images: int) -> str:
    """What so many images cannot tell apart, in a sentence; nothing where they are many."""
    low, high = wilson_interval(share, images)
    if high - low <= WIDE:
        return ""
    noun = "image" if images == 1 else "images"
    return f"{images} {noun} cannot tell {100 * low:.0f} % from {100 * high:.0f} %."
