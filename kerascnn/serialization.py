"""Loading saved models, which may contain layers of kerascnn."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.errors import InputError
from kerascnn.files import user_path
from kerascnn.registration import register

if TYPE_CHECKING:
    import keras

_UNKNOWN = re.compile(r"Could not locate (class|function) '([^']{1,80})'")
_UNKNOWN_HDF5 = re.compile(r"Unknown (\w+): '?([^'.\s]{1,80})")
_ABSENT = re.compile(r"Could not deserialize '(keras\.[\w.]{1,80})'")


def load_model(path: str | os.PathLike[str], *, compile: bool = True) -> "keras.Model":
    """Loads a `.keras` or `.h5` file, with every kerascnn layer, loss and optimiser known to Keras.

    The file is checked first, and nothing in it is executed: what holds code, such as a Lambda
    layer, is refused.

    Args:
        path: A `.keras` file, or an `.h5` file with a whole model.
        compile: Restore the optimiser and the loss too.

    Raises:
        InputError: The file is missing, is no readable model file, holds code, or needs a class
            that is not known in this process.
    """
    import keras

    from kerascnn import model_file

    register()
    path = user_path(path, "model file")
    config = model_file.read_config(path)
    model_file.refuse_code(config, path)
    operations = _operations(config) if path.suffix in model_file.HDF5 else {}
    try:
        with keras.saving.custom_object_scope(operations):
            model = keras.saving.load_model(path, compile=compile)
    except Exception as error:  # a hostile configuration reaches all of Keras
        raise _unloadable(path, error) from error
    if not isinstance(model, keras.Model):
        raise InputError(
            f"{path} holds no model, but a layer or the like ({type(model).__name__}). Expected a "
            "keras.Model: put it into one and save that."
        )
    return model


def _operations(config: dict[str, Any]) -> dict[str, type]:
    """Classes of the operations in a model's graph, such as `Pad` of `keras.ops.pad`.

    Files of Keras 2's format name them, and Keras looks such names up among the layers alone.
    """
    import keras

    found = {}
    for name in set(_class_names(config)):
        function = getattr(keras.ops, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(), None)
        module = sys.modules.get(getattr(function, "__module__", ""))
        kind = getattr(module, name, None)
        if isinstance(kind, type) and getattr(keras.layers, name, None) is None:
            found[name] = kind
    return found


def _class_names(config: dict[str, Any]) -> Iterator[str]:
    layers = config["config"].get("layers")
    for layer in layers if isinstance(layers, list) else []:
        if not isinstance(layer, dict):
            continue
        name = layer.get("class_name")
        if isinstance(name, str) and name.isidentifier():
            yield name
        if isinstance(layer.get("config"), dict):
            yield from _class_names(layer)


def _unloadable(path: Path, error: Exception) -> InputError:
    """Keras's error, of which a message can be a page, in a line with what to do."""
    import keras

    text = str(error)
    if absent := _ABSENT.search(text):
        return InputError(
            f"{path} needs {absent[1]}, which Keras {keras.__version__} does not have. Expected "
            "classes of this version: the file may be of a newer one (pip install -U keras)."
        )
    unknown = _UNKNOWN.search(text) or _UNKNOWN_HDF5.search(text)
    if unknown and not hasattr(keras.layers, unknown[2]) and not hasattr(keras, unknown[2]):
        what, name = unknown.groups()
        return InputError(
            f"{path} needs the {what} {name!r}, which is not known in this process. Import the "
            "module that defines and registers it (keras.saving.register_keras_serializable), or "
            f"load within keras.saving.custom_object_scope({{{name!r}: {name}}})."
            " What only training needs is left out by compile=False."
        )
    return InputError(
        f"{path} cannot be loaded: {_reason(error)}. Expected a file that model.save() wrote with "
        "this version of Keras or an older one. Save the model anew, or copy the file again."
    )


def _reason(error: BaseException) -> str:
    """The innermost error of a chain, without configurations and colours."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = lines[0] if lines else ""
    if told.startswith("A total of ") and len(lines) > 1:  # layers; the next line is of one
        told = lines[1]
    told = f"{type(error).__name__}: {told}" if len(told) < 20 else told
    return told[:160].rstrip(". ")
