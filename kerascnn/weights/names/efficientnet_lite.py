"""EfficientNet-Lite's layers are called like EfficientNet's, in all libraries."""

from kerascnn.weights.names.efficientnet import torch_names as torch_names
