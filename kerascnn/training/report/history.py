"""Histories of training, in the forms in which they come."""

import math
import numbers

from kerascnn.visualize.history import Rows as Rows
from kerascnn.visualize.history import as_rows as as_rows


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
