"""Writes googlenet_batch.npz and googlenet_lrn.npz: outputs on fixed weights, all three of them.

The first is torchvision's network, the second the paper's, made from torchvision's parts.

    python make_googlenet.py

in the environment that `torch_oracle.py` describes.
"""

import functools
import importlib

import numpy as np
from recording import pixels, write
from torch_oracle import (
    BY_HAND,
    TORCHVISION,
    centred,
    record,
    shapes,
    standardised,
    torch,
    torchvision,
)

# Maps are 224, 112, 56, 28, 14 and 7: the auxiliary classifiers need 14.
SHAPE = (224, 224, 3)
# Our layer name -> theirs.
TAPS = {
    "stage1": "conv1",
    "stage3": "inception3b",
    "stage4": "inception4e",
    "stage5": "inception5b",
    "stage4_1_concat": "inception4a",
    "stage4_4_concat": "inception4d",
}


def auxiliary(module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
    """torchvision's auxiliary classifier after the paper's pooling, which ours has too."""
    x = module.conv(torch.nn.functional.avg_pool2d(maps, 5, 3))
    return module.fc2(torch.relu(module.fc1(x.flatten(1))))


class Plain(torch.nn.Module):
    """A convolution with a bias and a ReLU, instead of torchvision's with batch normalisation."""

    def __init__(self, inputs: int, outputs: int, **options: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(inputs, outputs, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x))


def as_published() -> torch.nn.Module:
    """torchvision's network turned into the paper's: biases, 5x5 windows, LRN, 3x3 pools."""
    parts = importlib.import_module("torchvision.models.googlenet")  # a function hides the module
    mixed, aux = (
        functools.partial(p, conv_block=Plain) for p in (parts.Inception, parts.InceptionAux)
    )
    model = parts.GoogLeNet(num_classes=10, init_weights=False, blocks=[Plain, mixed, aux])
    for module in model.children():
        if hasattr(module, "branch3"):
            three = module.branch3[1].conv
            five = torch.nn.Conv2d(three.in_channels, three.out_channels, 5, padding=2)
            module.branch3[1].conv = five
    model.maxpool4 = torch.nn.MaxPool2d(3, 2, ceil_mode=True)
    lrn = torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # PyTorch divides alpha by 5
    model.maxpool1 = torch.nn.Sequential(model.maxpool1, lrn)
    model.maxpool2 = torch.nn.Sequential(lrn, model.maxpool2)
    return model


def write_file(name: str, peer: str, model: torch.nn.Module, images: np.ndarray) -> None:
    """Writes one file; `images` are prepared as the model wants them."""
    outputs = record(model, TAPS, images)
    for key, at in (("aux1", "stage4_1_concat"), ("aux2", "stage4_4_concat")):
        maps = torch.from_numpy(outputs[at].transpose(0, 3, 1, 2))
        with torch.no_grad():
            outputs[key] = auxiliary(getattr(model, key), maps).numpy()
    write(name, peer, SHAPE, shapes(model), outputs)


def main() -> None:
    """Writes both files."""
    images = pixels(SHAPE)
    # With its published weights torchvision takes ImageNet's mean and deviation and undoes them.
    batch = torchvision.models.googlenet(
        weights=None, init_weights=False, num_classes=10, transform_input=True
    )
    write_file("googlenet_batch", TORCHVISION, batch, standardised(images))
    write_file("googlenet_lrn", BY_HAND, as_published(), centred(images))


if __name__ == "__main__":
    main()
