"""Weight files: reading them, and copying them into a model layer by layer, strictly."""

from kerascnn.weights.apply import WeightsReport as WeightsReport
from kerascnn.weights.apply import load as load
from kerascnn.weights.readers import read as read

__all__ = ["WeightsReport", "load", "read"]
