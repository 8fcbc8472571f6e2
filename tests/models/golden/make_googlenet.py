"""Writes googlenet_batch.npz and googlenet_lrn.npz: outputs on fixed weights, all three of them.

The first is torchvision's network, the second the paper's, made from torchvision's parts.

    python make_googlenet.py

in the environment that `torch_oracle.py` describes.
"""

import functools
import importlib

import numpy as np
from inception_recording import pixels, write
from make_inception import MEAN, STD, record, shapes
from torch_oracle import torch, torchvision

# Maps are 224, 112, 56, 28, 14 and 7: the auxiliary classifiers need 14.
SIZE = 224
CAFFE_MEAN = np.array([123.68, 116.779, 103.939])


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


def taps_of(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Our layer name -> theirs."""
    return {
        "stage1": model.conv1,
        "stage3": model.inception3b,
        "stage4": model.inception4e,
        "stage5": model.inception5b,
        "stage4_1_concat": model.inception4a,
        "stage4_4_concat": model.inception4d,
    }


def write_file(name: str, model: torch.nn.Module, image: np.ndarray) -> None:
    """Writes one file; `image` is prepared as the model wants it."""
    outputs = record(model, taps_of(model), image)
    for key, at in (("aux1", "stage4_1_concat"), ("aux2", "stage4_4_concat")):
        maps = torch.from_numpy(outputs[at].transpose(0, 3, 1, 2))
        with torch.no_grad():
            outputs[key] = auxiliary(getattr(model, key), maps).numpy()
    write(name, shapes(model), outputs, SIZE)


def main() -> None:
    """Writes both files."""
    # With its published weights torchvision takes ImageNet's mean and deviation and undoes them.
    batch = torchvision.models.googlenet(
        weights=None, init_weights=False, num_classes=10, transform_input=True
    )
    write_file("googlenet_batch", batch, (pixels(SIZE) / 255 - MEAN) / STD)
    write_file("googlenet_lrn", as_published(), pixels(SIZE) - CAFFE_MEAN)


if __name__ == "__main__":
    main()
