"""Quantisation-aware training for Keras 3, on every backend.

`quantize_aware(model)` gives a model that computes as its int8 file will; train it with `fit` and
export it as any other.
"""

from kerascnn.lazy import public
from kerascnn.quantization.aware import has_fake_quantization as has_fake_quantization
from kerascnn.quantization.aware import quantize_aware as quantize_aware
from kerascnn.quantization.layers import FakeQuantize as FakeQuantize
from kerascnn.quantization.layers import FoldedBatchNormalization as FoldedBatchNormalization
from kerascnn.quantization.layers import QuantizedWeights as QuantizedWeights
from kerascnn.quantization.ranges import FreezeStatistics as FreezeStatistics
from kerascnn.quantization.ranges import LearnedRange as LearnedRange
from kerascnn.quantization.ranges import freeze_statistics as freeze_statistics
from kerascnn.quantization.ranges import learned_ranges as learned_ranges
from kerascnn.quantization.ranges import observe as observe
from kerascnn.quantization.strip import strip as strip
from kerascnn.quantization.strip import with_ranges as with_ranges

_, __dir__, __all__ = public(globals())
