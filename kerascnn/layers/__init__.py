"""Keras layers that Keras itself does not have. Importing this module registers all of them."""

from kerascnn.layers.batch_normalization import BatchNormalization as BatchNormalization
from kerascnn.layers.constant_padding import ConstantPadding2D as ConstantPadding2D
from kerascnn.layers.partial_conv import PartialConv2D as PartialConv2D
from kerascnn.layers.rbf_output import RBFOutput as RBFOutput
from kerascnn.layers.scaled_tanh import ScaledTanh as ScaledTanh
from kerascnn.layers.stock import to_stock as to_stock
from kerascnn.layers.trainable_subsampling import TrainableSubsampling2D as TrainableSubsampling2D
from kerascnn.layers.untied_bias import UntiedBias as UntiedBias

__all__ = [
    "BatchNormalization",
    "ConstantPadding2D",
    "PartialConv2D",
    "RBFOutput",
    "ScaledTanh",
    "TrainableSubsampling2D",
    "UntiedBias",
    "to_stock",
]
