"""Keras layers that Keras itself does not have. Importing this module registers all of them."""

from kerascnn.layers.activation import Activation as Activation
from kerascnn.layers.batch_normalization import BatchNormalization as BatchNormalization
from kerascnn.layers.constant_padding import ConstantPadding2D as ConstantPadding2D
from kerascnn.layers.cosine_dense import CosineDense as CosineDense
from kerascnn.layers.depthwise_conv import DepthwiseConv2D as DepthwiseConv2D
from kerascnn.layers.grid_boxes import GridBoxes as GridBoxes
from kerascnn.layers.grouped_conv import GroupedConv2D as GroupedConv2D
from kerascnn.layers.heat_peaks import HeatPeaks as HeatPeaks
from kerascnn.layers.layer_normalization import LayerNormalization as LayerNormalization
from kerascnn.layers.layer_scale import LayerScale as LayerScale
from kerascnn.layers.local_response_normalization import (
    LocalResponseNormalization as LocalResponseNormalization,
)
from kerascnn.layers.lp_pooling import LpPooling2D as LpPooling2D
from kerascnn.layers.maxout import Maxout as Maxout
from kerascnn.layers.ordinal_output import OrdinalOutput as OrdinalOutput
from kerascnn.layers.partial_conv import PartialConv2D as PartialConv2D
from kerascnn.layers.point_boxes import PointBoxes as PointBoxes
from kerascnn.layers.rbf_output import RBFOutput as RBFOutput
from kerascnn.layers.scaled_tanh import ScaledTanh as ScaledTanh
from kerascnn.layers.stochastic_depth import StochasticDepth as StochasticDepth
from kerascnn.layers.stock import to_stock as to_stock
from kerascnn.layers.trainable_subsampling import TrainableSubsampling2D as TrainableSubsampling2D
from kerascnn.layers.true_convolution import TrueConv2D as TrueConv2D
from kerascnn.layers.untied_bias import UntiedBias as UntiedBias
from kerascnn.lazy import public

_, __dir__, __all__ = public(globals())
