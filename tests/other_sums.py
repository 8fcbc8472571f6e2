"""Trainings that end a little elsewhere, as on another processor, whose sums of floats differ.

`tests/settings.sh other-sums` sets `KERASCNN_OTHER_SUMS` to a small number; each random first
weight is multiplied by one plus it. Nothing is random that was not: equal seeds give equal weights.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any

VARIABLE = "KERASCNN_OTHER_SUMS"


def install() -> None:
    """Changes the initializers of Keras, if the variable is set."""
    change = float(os.environ.get(VARIABLE, 0))
    if not change:
        return
    import keras

    for kind in {kind for kind in vars(keras.initializers).values() if inspect.isclass(kind)}:
        draws = "seed" in inspect.signature(kind).parameters
        if draws and "__call__" in vars(kind):
            kind.__call__ = _changed(kind.__call__, 1 + change)


def _changed(draw: Callable[..., Any], factor: float) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        return draw(self, *arguments, **options) * factor

    return call
