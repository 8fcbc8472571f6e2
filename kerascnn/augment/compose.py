"""The pipeline: a list of steps, drawn and applied to batches of images."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.augment import kernels, mixers
from kerascnn.augment.apply import Batch, apply
from kerascnn.augment.arrays import Array, Namespace, namespace_of
from kerascnn.augment.choice import Sequence
from kerascnn.augment.dataset import map_dataset, next_number
from kerascnn.augment.kernels import run
from kerascnn.augment.mixers import Mixer
from kerascnn.augment.plan import Group, make_plan
from kerascnn.augment.random import Random
from kerascnn.augment.step import Geometric, Part, Step, check_number
from kerascnn.errors import InputError
from kerascnn.inputs.arrays import as_array

if TYPE_CHECKING:
    from kerascnn.augment.layer import AugmentationLayer


@dataclass(frozen=True)
class Compose(Sequence):
    """Steps in order, fused where they can be (`plan.py` says how, and what that changes).

    Images are RGB or grey, values 0..255. They are augmented with 8 bits: float images are rounded
    first. What comes out has the type that went in.

    Args:
        steps: List of steps; batch mixers last.
        fill: Grey value 0..255, or (red, green, blue), of what lies outside the images.
        mask_fill: Value of masks there.
    """

    fill: float | tuple[float, float, float] = 0
    mask_fill: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.fill, tuple | list):
            if len(self.fill) != 3:
                raise InputError(f"`fill` must be 0..255 or three of them. Received: {self.fill}")
            object.__setattr__(self, "fill", tuple(self.fill))
        for value in self.fill if isinstance(self.fill, tuple) else (self.fill,):
            check_number("fill", value, 0, 255)
        mixing = [isinstance(part.step, Mixer) for part in self.parts()]
        if mixing != sorted(mixing):
            raise InputError(
                "batch mixers (MixUp, CutMix) must be the last steps of a pipeline: they need "
                "images that are finished. Move them to the end."
            )
        _ = self.plan  # an unknown kind of step is an error here, not in the first batch

    @functools.cached_property
    def plan(self) -> tuple[Group, ...]:
        """The passes over the pixels, before mixing."""
        return make_plan(part for part in self.parts() if not isinstance(part.step, Mixer))

    @functools.cached_property
    def mixing(self) -> tuple[Part, ...]:
        """The batch mixers."""
        return tuple(part for part in self.parts() if isinstance(part.step, Mixer))

    @property
    def classes(self) -> int | None:
        """Number of classes that the mixers were told; None without mixers."""
        counts = {part.step.classes for part in self.mixing if isinstance(part.step, Mixer)}
        if len(counts) > 1:
            raise InputError(f"the batch mixers have different `classes`: {sorted(counts)}.")
        return counts.pop() if counts else None

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        for group in self.plan:
            for part in group.parts:
                if isinstance(part.step, Geometric):
                    size = part.step.output_size(size)
        return size

    def __call__(
        self,
        images: Array,
        labels: Array | None = None,
        *others: Any,
        masks: Array | None = None,
        boxes: Array | None = None,
        seed: int = 0,
        index: int | Array | None = None,
        epoch: int | Array = 0,
    ) -> Any:
        """Augments images; the result depends on the arguments only.

        Inside `dataset.map(pipeline)` images are numbered in the order in which they come, on and
        on over the epochs. With parallel calls that order is not the same each time: there, and for
        dicts and other seeds, use `pipeline.map(dataset, seed)`.

        Args:
            images: uint8 or float `[n, H, W, C]` or one `[H, W, C]`, values 0..255, C 1 or 3: an
                array or tensor, a list of images, or one of Pillow.
            labels: Integers `[n]` or rows of probabilities `[n, classes]`. They change, to rows of
                probabilities, only if there are batch mixers.
            *others: What a dataset has beside them, such as sample weights: returned as it is.
            masks: Integers `[n, H, W]` or `[n, H, W, 1]`: moved with the pixels, not interpolated.
            boxes: float `[n, k, 4]`, (left, top, right, bottom) in pixels: moved with the pixels;
                those that leave the image lose their area.
            seed: Of all draws.
            index: The number of the first image, or of each `[n]`; None means 0. An image's draws
                depend on it, not on its neighbours (mixers apart).
            epoch: Other draws for the same numbers.

        Returns:
            The images, or a tuple of what was given: images, labels, others, masks, boxes.

        Raises:
            InputError: Images of another type or shape, or mixers without labels or without batch.
        """
        images = _as_one(images)
        xp = namespace_of(images)
        images = xp.convert_to_tensor(images)
        single = len(images.shape) == 3
        if single and self.mixing:
            raise InputError("MixUp and CutMix need batches of images. Batch the images before.")
        given = [images, labels, masks, boxes]
        if single:
            given = [None if x is None else xp.convert_to_tensor(x)[None] for x in given]
        images, labels, masks, boxes = given
        channels, size = _check_images(images, xp)
        if index is None:
            index = next_number(xp.shape(images)[0]) if xp.name == "tensorflow" else 0
        random = Random.start(xp, seed, _numbers(xp, index, images), epoch)

        kind = images.dtype
        if "uint8" not in str(kind):
            images = xp.cast(kernels.to_bytes(xp, images), "uint8")
        packed = run(xp, kernels.pack, images)
        flat_masks = None if masks is None else _flat(xp, masks, size)
        if boxes is not None:
            boxes = xp.cast(boxes, "float32")
        batch = apply(
            xp,
            self.plan,
            random.key,
            Batch(packed, channels, flat_masks, boxes),
            fill=self._packed_fill(channels),
            mask_fill=self.mask_fill,
        )
        packed = batch.packed
        if self.mixing:
            labels = self._one_hot(xp, labels, masks is not None or boxes is not None)
            packed, labels = mixers.mix(xp, self.mixing, random.key, packed, labels)
        images = xp.cast(run(xp, kernels.unpack, packed, channels=channels), kind)
        if masks is not None:
            masks = xp.reshape(batch.masks, (*xp.shape(batch.masks), *masks.shape[3:]))
        out = [None if x is None else x[0] if single else x for x in (images, labels)]
        moved = [x[0] if single else x for x in (masks, batch.boxes) if x is not None]
        out = [*(x for x in out if x is not None), *others, *moved]
        return out[0] if len(out) == 1 else tuple(out)

    def _one_hot(self, xp: Namespace, labels: Array | None, more: bool) -> Array:
        if labels is None:
            raise InputError("MixUp and CutMix mix labels too. Give `labels`.")
        if more:
            raise InputError("MixUp and CutMix cannot mix masks or boxes. Leave them out.")
        return mixers.one_hot(xp, labels, self.classes or 0)

    def _packed_fill(self, channels: int) -> int:
        color = self.fill if isinstance(self.fill, tuple) else (self.fill,) * 3
        if channels == 1:
            return round(sum(w * c for w, c in zip(kernels.LUMA, color, strict=True)))
        return sum(round(value) << (8 * c) for c, value in enumerate(color))

    def map(self, dataset: Any, seed: int = 0, *, first_epoch: int = 0) -> Any:
        """Augments a `tf.data.Dataset` of images, (images, labels, ...), or dicts.

        Batched or not; dicts have the keys "images", and "labels", "masks" or "boxes" as they
        need; other entries pass unchanged.

        Args:
            dataset: Images of one known size.
            seed: Of all draws. The same seed gives the same images in any process and with any
                number of parallel calls.
            first_epoch: Which epoch the first pass over the result is; each further pass is the
                next, with other draws.
        """
        return map_dataset(self, dataset, seed, first_epoch)

    def layer(self, seed: int = 0, **kwargs: Any) -> "AugmentationLayer":
        """A Keras layer that augments in training, and is the identity otherwise."""
        from kerascnn.augment.layer import AugmentationLayer

        return AugmentationLayer(self, seed=seed, **kwargs)


Step._pipelines.append(Compose)


def _as_one(images: Any) -> Array:
    """Images as an array or tensor; the lists and pictures that Python has them in too."""
    if isinstance(images, dict):
        raise InputError(
            "a pipeline is called with images. Received: a dict. Use pipeline.map(dataset), which "
            'takes dicts with the key "images".'
        )
    known = hasattr(images, "shape") and hasattr(images, "dtype")
    return images if known else as_array(images, "the images")


def _check_images(images: Array, xp: Namespace) -> tuple[int, tuple[int, int]]:
    """Channels and size of `[n, H, W, C]` images."""
    shape = tuple(images.shape)
    kind = str(images.dtype)
    if not ("uint8" in kind or "float" in kind) or len(shape) != 4 or shape[-1] not in (1, 3):
        raise InputError(
            "augmentation takes uint8 or float images [n, height, width, 1 or 3] or "
            f"[height, width, 1 or 3], values 0..255. Received: {kind} {list(shape)}"
        )
    if None in shape[1:]:
        raise InputError(
            f"augmentation needs to know the images' size before. Received: {list(shape)}. Bring "
            "them to one size when loading them, or tell it with `tf.ensure_shape`."
        )
    if min(shape[1:3]) < 2:
        raise InputError(f"images must have 2x2 pixels or more. Received: {list(shape)}")
    return shape[3], (shape[1], shape[2])


def _numbers(xp: Namespace, index: int | Array, images: Array) -> Array:
    """The images' numbers, int32 `[n]`."""
    index = xp.cast(index, "int32")
    if len(index.shape) == 1:
        return index
    return xp.arange(xp.shape(images)[0], dtype="int32") + index


def _flat(xp: Namespace, masks: Array, size: tuple[int, int]) -> Array:
    """Masks as `[n, H, W]`."""
    masks = xp.convert_to_tensor(masks)
    if len(masks.shape) == 4 and masks.shape[-1] == 1:
        masks = masks[..., 0]
    if len(masks.shape) != 3 or tuple(masks.shape[1:]) != size:
        raise InputError(
            f"masks must be [n, {size[0]}, {size[1]}] like their images, or the same with a last "
            f"axis of 1. Received: {list(masks.shape)}"
        )
    return masks
