"""What `export_bundle` was given, checked before the slow part begins."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.recipes import Recipe, get
from kerascnn.export.samples import check_samples


def check_recipes(recipes: Sequence[str | Recipe], io: str) -> list[Recipe]:
    """The recipes by name, or as given; InputError on none, an unknown or a doubled one."""
    if isinstance(recipes, str):
        raise InputError(
            f"recipes must be a list, such as ['float32', 'int8']. Received: {recipes!r}."
        )
    chosen = [get(recipe) for recipe in recipes]
    if not chosen:
        raise InputError("recipes is empty: name at least one, such as ['float32', 'int8']")
    for recipe in chosen:
        recipe.choose_io(io)
        if [other.name for other in chosen].count(recipe.name) > 1:
            raise InputError(f"recipe {recipe.name!r} is listed twice")
    return chosen


def check_names(class_names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """One name per class, "0", "1", ... by default; InputError on a wrong count or line breaks."""
    if class_names is None:
        return tuple(str(i) for i in range(classes))
    names = tuple(class_names)
    if len(names) != classes:
        raise InputError(f"{len(names)} class names were given for {classes} outputs")
    for name in names:
        if not isinstance(name, str) or not name or "\n" in name or "\r" in name:
            raise InputError(
                f"class name {name!r} cannot be a line of the labels file: "
                "expected text without line breaks"
            )
    return names


def raw_pixels(images: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Images as uint8; InputError as `check_samples` raises it."""
    images = check_samples(images, shape)
    return images if images.dtype == np.uint8 else np.rint(images).astype(np.uint8)


def slug(name: str) -> str:
    """`name` with nothing in it that a path, a shell or a URL minds."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip("-.+")[:90] or "model"
