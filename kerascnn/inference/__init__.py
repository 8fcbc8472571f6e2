"""Whatever predicts, behind one interface: runs, model files, bundles, weights of an architecture.

Importing it loads neither Keras nor TensorFlow.
"""

from kerascnn.inference.opening import check_request as check_request
from kerascnn.inference.opening import open_predictor as open_predictor
from kerascnn.inference.opening import open_predictors as open_predictors
from kerascnn.inference.predictor import Predictor as Predictor
from kerascnn.lazy import public

_, __dir__, __all__ = public(globals())
