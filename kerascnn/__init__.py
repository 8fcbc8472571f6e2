"""Keras 3 convolutional networks, from a folder of photos to a verified TFLite file on a device.

Importing this package is instant: neither Keras nor TensorFlow is loaded before a name that needs
them is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.catalog import create_model as create_model
    from kerascnn.catalog import list_models as list_models
    from kerascnn.serialization import load_model as load_model
    from kerascnn.training import train as train

__version__ = "0.1.0"

_MODULES = (
    "arithmetic",
    "augment",
    "catalog",
    "data",
    "errors",
    "export",
    "inference",
    "layers",
    "models",
    "properties",
    "quantization",
    "signal",
    "tasks",
    "training",
    "transfer",
    "visualize",
    "weights",
)
_NAMES = {
    "create_model": "kerascnn.catalog",
    "list_models": "kerascnn.catalog",
    "load_model": "kerascnn.serialization",
    "train": "kerascnn.training",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"kerascnn.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'kerascnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES, *_NAMES])
