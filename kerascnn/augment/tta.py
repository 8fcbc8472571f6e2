"""Test-time augmentation: the mean prediction over several views of an image."""

from dataclasses import dataclass
from typing import Any

from kerascnn.augment.arrays import Array, namespace_of
from kerascnn.augment.step import Size, check_size
from kerascnn.errors import InputError


class Views:
    """Base of the test-time augmentations: fixed views of images, all of one size."""

    def views(self, images: Array) -> list[Array]:
        """The views `[n, H, W, C]`, each of all images `[n, h, w, C]`."""
        raise NotImplementedError

    def image_size(self, size: Size) -> Size:
        """What size to load images in, for views of `size`."""
        return size

    def predict(self, predict: Any, images: Array) -> Array:
        """The mean of `predict(view)` over all views.

        Args:
            predict: From images to class probabilities, such as a Keras model. Give probabilities,
                not logits: their mean is what the papers report.
            images: `[n, h, w, C]`.
        """
        found = [predict(view) for view in self.views(images)]
        total = found[0]
        for scores in found[1:]:
            total = total + scores
        return total / len(found)


def _check(images: Array) -> tuple[int, int]:
    if len(images.shape) != 4:
        raise InputError(
            f"expected images [n, height, width, channels]. Received: {list(images.shape)}"
        )
    return images.shape[1], images.shape[2]


@dataclass(frozen=True)
class FlipTTA(Views):
    """Two views: the image and its mirror image."""

    def views(self, images: Array) -> list[Array]:
        _check(images)
        return [images, namespace_of(images).flip(images, axis=2)]


@dataclass(frozen=True)
class TenCrop(Views):
    """Ten views: four corners and the centre, and their mirror images.

    As AlexNet is tested (Krizhevsky et al. 2012, section 4.1): 224 of 256 pixels.

    Args:
        size: Of the crops, a number or (height, width); images must be at least as large.
    """

    size: int | Size

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size("size", self.size))

    def image_size(self, size: Size) -> Size:
        """The sides are 8/7 of those of the views."""
        height, width = (round(side * 8 / 7) for side in size)
        return height, width

    def views(self, images: Array) -> list[Array]:
        height, width = _check(images)
        high, wide = check_size("size", self.size)
        if high > height or wide > width:
            raise InputError(
                f"TenCrop({self.size}) needs images of that size or more. Received: "
                f"{height}x{width}. Load them larger, for instance 8/7 of the crop's side."
            )
        bottom, right = height - high, width - wide
        corners = ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2))
        crops = [images[:, y : y + high, x : x + wide] for y, x in corners]
        flip = namespace_of(images).flip
        return crops + [flip(crop, axis=2) for crop in crops]
