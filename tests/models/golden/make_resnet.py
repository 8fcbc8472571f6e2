"""Writes the golden files of ResNet, ResNeXt, DenseNet and the residual networks for CIFAR.

    python make_resnet.py

in the environment that `torch_oracle.py` describes.
"""

from resnet_recording import parameter, pixels, write
from torch.nn import functional
from torch_oracle import torch, torchvision

CLASSES = 10
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
RESNET = {"stage1": "relu", **{f"stage{s}": f"layer{s - 1}" for s in (2, 3, 4, 5)}}
DENSENET = {
    "stage1": "features.relu0",
    **{f"stage{s}": f"features.transition{s - 1}.relu" for s in (2, 3, 4)},
}


class CifarBlock(torch.nn.Module):
    """Two 3x3 convolutions, and a shortcut without parameters."""

    def __init__(self, inputs: int, filters: int, stride: int, *, residual: bool) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(filters)
        self.conv2 = torch.nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(filters)
        self.stride, self.more, self.residual = stride, filters - inputs, residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.residual:
            x = x[:, :, :: self.stride, :: self.stride]
            y = y + functional.pad(x, (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(y)


class CifarNet(torch.nn.Module):
    """A network of 6n + 2 layers."""

    def __init__(self, n: int, *, residual: bool) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        for stage, (inputs, filters) in enumerate(((16, 16), (16, 32), (32, 64)), start=1):
            first = CifarBlock(inputs, filters, 1 if stage == 1 else 2, residual=residual)
            rest = (CifarBlock(filters, filters, 1, residual=residual) for _ in range(n - 1))
            self.add_module(f"layer{stage}", torch.nn.Sequential(first, *rest))
        self.linear = torch.nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


def record(
    name: str,
    model: torch.nn.Module,
    stages: dict[str, str],
    size: int,
    pixel: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET,
) -> None:
    """Writes one file; `stages` names the modules whose outputs are those of our layers."""
    model.eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    values = {key: torch.from_numpy(parameter(key, shape)) for key, shape in shapes.items()}
    model.load_state_dict(values, strict=False)
    outputs = {}
    for layer, module in stages.items():
        model.get_submodule(module).register_forward_hook(
            lambda _module, _inputs, maps, layer=layer: outputs.update(
                {layer: maps.permute(0, 2, 3, 1).numpy().copy()}
            )
        )
    mean, deviation = (torch.tensor(value) for value in pixel)
    images = (torch.from_numpy(pixels(size)) / 255 - mean) / deviation
    with torch.no_grad():
        scores = model(images.permute(0, 3, 1, 2)).numpy()
    write(name, size, shapes, scores, outputs)


def main() -> None:
    """Writes all files."""
    of = torchvision.models
    record("resnet18", of.resnet18(num_classes=CLASSES), RESNET, 64)
    record("resnet50", of.resnet50(num_classes=CLASSES), RESNET, 64)
    dilated = [False, True, True]
    record(
        "resnet50_stride8",
        of.resnet50(num_classes=CLASSES, replace_stride_with_dilation=dilated),
        RESNET,
        64,
    )
    record("resnext50", of.resnext50_32x4d(num_classes=CLASSES), RESNET, 64)
    record("densenet121", of.densenet121(num_classes=CLASSES), DENSENET, 64)
    maps = {f"stage{s}": f"layer{s + 1}" for s in range(3)}
    record("resnet20", CifarNet(3, residual=True), maps, 32, CIFAR)
    record("plainnet20", CifarNet(3, residual=False), maps, 32, CIFAR)


if __name__ == "__main__":
    main()
