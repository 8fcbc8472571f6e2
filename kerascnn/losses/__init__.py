"""Losses that Keras lacks."""

from kerascnn.lazy import public
from kerascnn.losses.assigned import TaskAlignedLoss as TaskAlignedLoss
from kerascnn.losses.classes import Crossentropy as Crossentropy
from kerascnn.losses.classes import ScaledHuber as ScaledHuber
from kerascnn.losses.classes import class_rows as class_rows
from kerascnn.losses.grid import GridLoss as GridLoss
from kerascnn.losses.heat import CellLoss as CellLoss
from kerascnn.losses.heat import HeatmapLoss as HeatmapLoss
from kerascnn.losses.points import DetectionLoss as DetectionLoss
from kerascnn.losses.points import box_likeness as box_likeness

_, __dir__, __all__ = public(globals())
