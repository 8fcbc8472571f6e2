"""Deciding size, channels and resize rule of a source, and saying what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.data.images.deep_pixels import PixelRange, check_pixel_range
from kerascnn.data.images.modes import check_channels
from kerascnn.data.images.resize import FITS, ResizeRule, automatic_rule, check_size
from kerascnn.errors import InputError

DEFAULT_SIZE = (224, 224)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller of `load` asked for, checked."""

    image_size: tuple[int, int] | None
    channels: int | None
    resize: ResizeRule | None  # None: "auto"
    cache: bool | str
    pixel_range: PixelRange | None = None

    @classmethod
    def check(
        cls,
        image_size: int | tuple[int, int] | None,
        channels: int | None,
        resize: str | ResizeRule,
        cache: bool | str,
        pixel_range: Sequence[float] | None = None,
    ) -> "Request":
        """Returns the checked request; raises InputError."""
        if not isinstance(cache, bool) and cache != "auto":
            raise InputError(f'cache must be "auto", True or False. Received: {cache!r}.')
        return cls(
            image_size=None if image_size is None else check_size(image_size),
            channels=None if channels is None else check_channels(channels),
            resize=_check_resize(resize),
            cache=cache,
            pixel_range=check_pixel_range(pixel_range),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every image of a source becomes."""

    size: tuple[int, int]
    channels: int
    rule: ResizeRule
    notes: tuple[str, ...]
    own_size: tuple[int, int] | None = None  # that all images have before, None if they differ


def make_plan(
    request: Request, common_size: tuple[int, int] | None, grey: bool, mixed: bool = False
) -> Plan:
    """Returns the plan for images of the given nature.

    Args:
        request: what was asked for; what is None there follows from the images.
        common_size: the (height, width) all images share, None if they differ.
        grey: whether all images are grey.
        mixed: whether some are grey and some are not.
    """
    notes = []
    size = request.image_size or common_size or DEFAULT_SIZE
    channels = request.channels or (1 if grey else 3)
    rule = request.resize or automatic_rule(common_size, size)
    own = "of various sizes" if common_size is None else f"{common_size[0]}x{common_size[1]}"
    if request.image_size is None and common_size is None:
        notes.append(
            f"images are of various sizes and no image_size was given: using {size[0]}x{size[1]}"
        )
    if grey and channels == 3:
        notes.append("grey images converted to RGB (three equal channels)")
    elif not grey and channels == 1:
        notes.append("colour images converted to grey (ITU-R 601 luma)")
    elif mixed and channels == 3:
        notes.append("some images are grey: converted to RGB (three equal channels)")
    if size != common_size:
        chosen = "" if request.resize else " (chosen automatically)"
        notes.append(
            f'images {own} fitted to {size[0]}x{size[1]} by resize rule "{rule.fit}"{chosen}'
        )
    return Plan(size=size, channels=channels, rule=rule, notes=tuple(notes), own_size=common_size)


def _check_resize(resize: str | ResizeRule) -> ResizeRule | None:
    if isinstance(resize, ResizeRule):
        return resize
    if resize == "auto":
        return None
    if isinstance(resize, str) and resize in FITS:
        return ResizeRule.from_dict({**ResizeRule().to_dict(), "fit": resize})
    raise InputError(
        f'resize must be "auto", one of {", ".join(FITS)}, or a ResizeRule. Received: {resize!r}.'
    )
