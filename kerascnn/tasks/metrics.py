"""What every task's figures of a split of images have in common."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.words import percent

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]  # title, columns, rows


class Metrics:
    """Base of the figures of a split: frozen dataclasses, one for each task.

    Attributes:
        images: How many images were judged.
        title: What `share`, or the first line, is called: the head of a column.
    """

    images: int
    title: ClassVar[str]

    def __str__(self) -> str:
        return self.headline()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)  # type: ignore[call-overload]

    def summary(self) -> dict[str, float | None]:
        """The figures that are one number each, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {
            name: value
            for name, value in values.items()
            if name != "images" and (value is None or isinstance(value, (int, float)))
        }

    @property
    def share(self) -> float | None:
        """The one figure that says how good it is, where that is a share of 1."""
        return None

    def lines(self, percent: Callable[[float], str] = percent) -> list[str]:
        """The main figures, a line each, the first the most important."""
        raise NotImplementedError

    def headline(self) -> str:
        """The figures in a few words."""
        return f"{', '.join(self.lines())}, {self.images} images"

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Columns and rows of a table that compares files."""
        raise NotImplementedError

    def details(self) -> Table | None:
        """A table of each class or label; None where `rows` says it all."""
        return None


def check_shapes(
    predictions: np.ndarray, truth: np.ndarray, names: Sequence[str], shape: tuple[int, ...]
) -> None:
    """Raises InputError unless predictions [n, names] and the truth [n, *shape] go together."""
    n = len(predictions)
    if not n or predictions.shape != (n, len(names)) or truth.shape != (n, *shape):
        raise InputError(
            f"predictions must have the shape (images, {len(names)}) and the truth "
            f"{('images', *shape)}, with at least one image. Received: {predictions.shape} and "
            f"{truth.shape}."
        )
