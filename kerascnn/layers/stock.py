"""Turning our drop-in layers back into Keras's own, so that a model loads anywhere."""

import functools
from typing import Any

import keras

from kerascnn.copying import copy_model
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
}
_NAMES = {f"kerascnn>{ours.__name__}": stock for ours, stock in STOCK.items()}


def to_stock(model: keras.Model) -> keras.Model:
    """Returns a copy of `model` in which every drop-in layer is Keras's own.

    Layer names, weights and outputs stay the same. Layers that Keras does not have at all (see
    `kerascnn.layers`) stay as they are; so does the dtype policy. The copy is not compiled.

    Raises:
        InputError: A layer cannot be copied, or the model has no graph of layers.
    """
    kinds: dict[type, Any] = {
        ours: functools.partial(_stock_layer, stock) for ours, stock in STOCK.items()
    }
    kinds[StochasticDepth] = _dropout
    return copy_model(model, transform=_replaced, kinds=kinds)


def _stock_layer(stock: Any, _: keras.layers.Layer, config: dict[str, Any]) -> keras.layers.Layer:
    layer: keras.layers.Layer = stock.from_config(config)
    return layer


def _dropout(layer: StochasticDepth, config: dict[str, Any]) -> keras.layers.Layer:
    """One draw for all maps of an image."""
    rank = len(layer.get_build_config()["input_shape"])
    return keras.layers.Dropout.from_config({**config, "noise_shape": [None, *[1] * (rank - 1)]})


def _replaced(config: Any) -> Any:
    """The configuration of a layer with Keras's classes for ours in it, as a wrapper has them."""
    if isinstance(config, dict):
        values = {key: _replaced(value) for key, value in config.items()}
        stock = _NAMES.get(config.get("registered_name") or "")
        if stock is not None:
            keras_name = {"module": "keras.layers", "class_name": stock.__name__}
            values |= {**keras_name, "registered_name": None}
        return values
    if isinstance(config, (list, tuple)):
        return type(config)(_replaced(value) for value in config)
    return config
