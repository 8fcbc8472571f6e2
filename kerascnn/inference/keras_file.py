"""`.keras` and `.h5` files, and Keras models in memory."""

from pathlib import Path
from typing import Any

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.inference.predictor import Predictor
from kerascnn.last_layers import kinds_by_role


def open_keras_file(path: Path, model: Any = None, **known: Any) -> Predictor:
    """The model in a `.keras` or `.h5` file, loaded unless it is given.

    `known` are attributes of `Predictor`.
    """
    from kerascnn.serialization import load_model

    return of_model(model or load_model(path, compile=False), path, **known)


def of_model(model: Any, path: Path, **known: Any) -> Predictor:
    """A Keras model, what its outputs are by its last layers."""
    given = getattr(model, "input_shape", None)  # models that were never called have none
    shape = tuple(given[1:]) if isinstance(given, tuple) else ()
    if len(shape) != 3 or None in shape:
        raise InputError(
            f"{path} must take one image of a known size (height, width, channels). Its input "
            f"shape is {str(given)[:120]}."
        )
    return Predictor(
        name=path.name,
        path=path,
        input_shape=shape,
        compute=lambda images: model.predict_on_batch(images),
        kinds=kinds_by_role(model, tasks.get(known.get("task") or "classification").roles),
        model=model,
        **{"labels": None, "resize": None, **known},
    )
