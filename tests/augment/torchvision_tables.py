"""Prints the tables of torchvision's policies as JSON; ends with 3 where it is missing."""

import json
import sys

try:
    import torch
except ImportError:
    sys.exit(3)
library = torch.library.Library("torchvision", "DEF")
try:  # a torchvision beside a PyTorch without its operators
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor a) -> Tensor")
    from torchvision.transforms import v2
except ImportError:
    sys.exit(3)


def space(transform):
    """Operation -> its 31 magnitudes for images of 331 pixels, or None."""
    found = {}
    for name, (magnitudes, _) in transform._AUGMENTATION_SPACE.items():
        values = magnitudes(31, 331, 331)
        if values is not None:
            values = [float(value) for value in values]
            if name.startswith("Translate") and isinstance(transform, v2.RandAugment):
                values = [value / 331 for value in values]
            if name == "Solarize":  # newer versions count in 0..1
                values = [value * (255 if values[0] <= 1 else 1) for value in values]
        found[name] = values
    return found


policies = {
    policy.value: [[list(item) for item in row] for row in v2.AutoAugment(policy)._policies]
    for policy in v2.AutoAugmentPolicy
}
print(
    json.dumps(
        {
            "policies": policies,
            "rand": space(v2.RandAugment()),
            "trivial": space(v2.TrivialAugmentWide()),
        }
    )
)
