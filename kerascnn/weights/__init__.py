"""Weight files and published weights: finding and reading them, and copying them in, strictly."""

from kerascnn.catalog.published import Request as Request
from kerascnn.catalog.published import tags as tags
from kerascnn.lazy import public
from kerascnn.weights.apply import WeightsReport as WeightsReport
from kerascnn.weights.apply import load as load
from kerascnn.weights.fetch import Found as Found
from kerascnn.weights.fetch import find as find
from kerascnn.weights.fetch import is_tag as is_tag
from kerascnn.weights.file_facts import Facts as Facts
from kerascnn.weights.file_facts import Pixels as Pixels
from kerascnn.weights.file_facts import facts as facts
from kerascnn.weights.readers import SavedLayers as SavedLayers
from kerascnn.weights.readers import StateDict as StateDict
from kerascnn.weights.readers import read as read

_, __dir__, __all__ = public(globals())
