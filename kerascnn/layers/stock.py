"""Turning our drop-in layers back into Keras's own, so that a model loads anywhere."""

from typing import Any

import keras

from kerascnn.layers.activation import Activation
from kerascnn.layers.batch_normalization import BatchNormalization
from kerascnn.layers.depthwise_conv import DepthwiseConv2D
from kerascnn.layers.grouped_conv import GroupedConv2D
from kerascnn.layers.layer_normalization import LayerNormalization
from kerascnn.layers.stochastic_depth import StochasticDepth

# Our class -> the Keras class with the same weights and results.
STOCK = {
    Activation: keras.layers.Activation,
    BatchNormalization: keras.layers.BatchNormalization,
    DepthwiseConv2D: keras.layers.DepthwiseConv2D,
    GroupedConv2D: keras.layers.Conv2D,
    LayerNormalization: keras.layers.LayerNormalization,
    StochasticDepth: keras.layers.Dropout,
}


def to_stock(model: keras.Model) -> keras.Model:
    """Returns a copy of `model` in which every drop-in layer is Keras's own.

    Layer names, weights and outputs stay the same. Layers that Keras does not have at all (see
    `kerascnn.layers`) stay as they are; so does the dtype policy. The copy is not compiled.
    """
    names = {f"kerascnn>{ours.__name__}": stock for ours, stock in STOCK.items()}
    config = _replaced(keras.saving.serialize_keras_object(model), names)
    copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(model.get_weights())
    return copy


def _replaced(config: Any, names: dict[str, type]) -> Any:
    if isinstance(config, dict):
        stock = names.get(config.get("registered_name", ""))
        values = {
            key: _replaced(value, names) for key, value in config.items() if key != "compile_config"
        }
        if stock is not None:
            values |= {
                "module": "keras.layers",
                "class_name": stock.__name__,
                "registered_name": None,
            }
        if stock is keras.layers.Dropout:  # one draw for all maps of an image
            rank = len(values["build_config"]["input_shape"])
            values["config"] |= {"noise_shape": [None, *[1] * (rank - 1)]}
        return values
    if isinstance(config, (list, tuple)):
        return type(config)(_replaced(value, names) for value in config)
    return config
