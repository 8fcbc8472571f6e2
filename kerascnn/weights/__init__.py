"""Weight files and published weights: finding and reading them, and copying them in, strictly."""

from kerascnn.catalog.published import Request as Request
from kerascnn.catalog.published import tags as tags
from kerascnn.lazy import public
from kerascnn.weights.apply import WeightsReport as WeightsReport
from kerascnn.weights.apply import load as load
from kerascnn.weights.fetch import find as find
from kerascnn.weights.readers import read as read

_, __dir__, __all__ = public(globals())
