"""Keras 3 convolutional networks, from a folder of photos to a verified TFLite file on a device.

Importing this package is instant: neither Keras nor TensorFlow is loaded before a name that needs
them is used.
"""

from typing import TYPE_CHECKING

from kerascnn.lazy import public
from kerascnn.registration import when_keras_is_imported as _when_keras_is_imported

if TYPE_CHECKING:
    from kerascnn import arithmetic as arithmetic
    from kerascnn import augment as augment
    from kerascnn import catalog as catalog
    from kerascnn import data as data
    from kerascnn import errors as errors
    from kerascnn import export as export
    from kerascnn import inference as inference
    from kerascnn import layers as layers
    from kerascnn import losses as losses
    from kerascnn import models as models
    from kerascnn import profile as profile
    from kerascnn import properties as properties
    from kerascnn import quantization as quantization
    from kerascnn import signal as signal
    from kerascnn import tasks as tasks
    from kerascnn import training as training
    from kerascnn import transfer as transfer
    from kerascnn import visualize as visualize
    from kerascnn import weights as weights
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
