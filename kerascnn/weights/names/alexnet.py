"""AlexNet of torchvision."""

FLATTENED = {"fc6": (6, 6, 256)}

_TORCHVISION = {
    "conv1_conv": "features.0",
    "conv2_conv": "features.3",
    "conv3_conv": "features.6",
    "conv4_conv": "features.8",
    "conv5_conv": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "predictions": "classifier.6",
}


def torchvision(layer: str) -> str:
    """Our name in torchvision's."""
    return _TORCHVISION.get(layer, layer)


torch_names = (torchvision,)
