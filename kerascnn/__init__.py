"""Keras 3 convolutional networks, from a folder of photos to a verified TFLite file on a device.

Importing this package is instant: neither Keras nor TensorFlow is loaded before a name that needs
them is used.
"""

from typing import TYPE_CHECKING

from kerascnn.lazy import public
from kerascnn.registration import when_keras_is_imported as _when_keras_is_imported

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
    "losses",
    "models",
    "profile",
    "properties",
    "quantization",
    "signal",
    "tasks",
    "training",
    "transfer",
    "visualize",
    "weights",
)
_WHERE = {
    "create_model": "catalog",
    "list_models": "catalog",
    "load_model": "serialization",
    "train": "training",
    **dict.fromkeys(_MODULES, ""),
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
_when_keras_is_imported()
