"""Histories of training, in the forms in which they come."""

from collections.abc import Mapping, Sequence
from typing import Any

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import received

Rows = Sequence[Mapping[str, Any]]


def as_rows(history: Any) -> list[dict[str, Any]]:
    """One dict per epoch.

    Args:
        history: Such rows; the lists by name that `model.fit(...).history` holds; or what holds
            one of these as its `history`, such as the results of `fit`, `fine_tune` and `train`.

    Raises:
        InputError: None of them.
    """
    history = getattr(history, "history", history)
    if isinstance(history, Mapping):
        columns = {name: _column(name, values) for name, values in history.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise InputError("the lists of a history must have one length, that of its epochs.")
        rows = zip(*columns.values(), strict=True)
        history = [dict(zip(columns, row, strict=True)) for row in rows]
    if not isinstance(history, Sequence) or not all(isinstance(row, Mapping) for row in history):
        raise InputError(
            "a history is a sequence of rows, one mapping per epoch, or the mapping "
            f"`model.fit(...).history`. Received: {received(history)}."
        )
    return [{"epoch": place, **row} for place, row in enumerate(history, 1)]


def _column(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(
            f"the column {name!r} of a history must be a list, a value per epoch. Received: "
            f"{received(values)}."
        )
    return list(values)
