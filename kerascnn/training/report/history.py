"""Histories of training, in the forms in which they come."""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from kerascnn.errors import InputError

Rows = Sequence[Mapping[str, Any]]


def as_rows(history: Rows | Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One dict per epoch.

    Args:
        history: Such rows, or the lists by name that `model.fit(...).history` holds.

    Raises:
        InputError: Neither of them.
    """
    if isinstance(history, Mapping):
        if len({len(values) for values in history.values()}) > 1:
            raise InputError("the lists of a history must have one length, that of its epochs.")
        columns = list(history)
        history = [
            dict(zip(columns, row, strict=True)) for row in zip(*history.values(), strict=True)
        ]
    if not all(isinstance(row, Mapping) for row in history):
        raise InputError(
            "a history is a sequence of rows, one mapping per epoch, or the mapping "
            f"`model.fit(...).history`. Received: {type(history).__name__}."
        )
    return [{"epoch": place, **row} for place, row in enumerate(history, 1)]


def column(rows: Rows, name: str) -> tuple[list[float], list[float]]:
    """Epochs and values of one column, where it has numbers."""
    pairs = [
        (float(row["epoch"]), float(row[name]))
        for row in rows
        if isinstance(row.get(name), numbers.Real) and math.isfinite(row[name])
    ]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def best_epoch(rows: Rows, monitor: str = "val_accuracy") -> float | None:
    """The epoch that `train` keeps: the highest `monitor`, if any, then lowest validation loss."""
    judged = [row for row in rows if "val_loss" in row and (not monitor or monitor in row)]
    if not judged:
        return None
    best = max(judged, key=lambda row: (row[monitor] if monitor else 0, -row["val_loss"]))
    return float(best["epoch"])
