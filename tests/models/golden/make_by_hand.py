"""Writes the golden files of networks that no library has, or maintains: `python make_by_hand.py`.

Needs the environment that torch_oracle.py describes. AlexNet with two towers, ZFNet, NIN, ENet and
the residual networks for CIFAR are written here in PyTorch, from the papers; so is ResNet-50 with
root modules, out of torchvision's ResNet-50.
"""

from recording import parameter, pixels, write
from torch_oracle import BY_HAND, centred, shapes, standardised, torch, torchvision, write_golden

nn, F = torch.nn, torch.nn.functional
CLASSES = 10
CIFAR = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def unit(images):
    return images / 255


class Net(nn.Module):
    """Parameters are made where they are used, and outputs are kept by name."""

    def __init__(self):
        super().__init__()
        self.parts = {}
        self.kept = {}

    def part(self, name, make):
        if name not in self.parts:
            module = make().eval()
            state = {
                key: torch.from_numpy(parameter(f"{name}.{key}", tuple(value.shape)))
                for key, value in module.state_dict().items()
                if key != "num_batches_tracked"
            }
            module.load_state_dict(state, strict=False)
            self.parts[name] = module
        return self.parts[name]

    def write(self, name, size, prepare):
        """Writes `name`.npz for images of `size`; parameters are named like our layers."""
        shape = (size, size, 3)
        images = prepare(pixels(shape)).astype("float32").transpose(0, 3, 1, 2)
        with torch.no_grad():
            scores = self(torch.from_numpy(images)).numpy()
        parts = self.parts.items()
        found = {f"{n}.{key}": s for n, part in parts for key, s in shapes(part).items()}
        write(name, BY_HAND, shape, found, {"scores": scores, **self.kept})

    def keep(self, name, x):
        self.kept[name] = x.permute(0, 2, 3, 1).numpy()
        return x

    def conv(self, x, name, filters, window, norm=False, **options):
        def make():
            return nn.Conv2d(x.shape[1], filters, window, bias=not norm, **options)

        x = self.part(f"{name}_conv", make)(x)
        return self.norm(x, f"{name}_norm") if norm else x

    def norm(self, x, name, eps=1e-5):
        return self.part(name, lambda: nn.BatchNorm2d(x.shape[1], eps=eps))(x)

    def dense(self, x, name, units):
        return self.part(name, lambda: nn.Linear(x.shape[1], units))(x)

    def dense_head(self, x):
        x = torch.flatten(x, 1)
        x = F.relu(self.dense(x, "fc6", 64))
        x = F.relu(self.dense(x, "fc7", 48))
        return self.dense(x, "predictions", CLASSES)


# PyTorch divides alpha by the number of maps, the paper does not.
def response(x):
    return F.local_response_norm(x, 5, alpha=5 * 1e-4, beta=0.75, k=2.0)


class AlexNet(Net):
    """Two towers as two networks that meet in the third convolution."""

    def tower_conv(self, towers, name, filters, window, padding):
        """Each tower sees itself; one parameter holds the filters of both."""
        joined = self.part(
            f"{name}_conv",
            lambda: nn.Conv2d(2 * towers[0].shape[1], filters, window, padding=padding, groups=2),
        )
        halves = zip(towers, joined.weight.chunk(2), joined.bias.chunk(2), strict=True)
        return [F.conv2d(x, weight, bias, padding=padding) for x, weight, bias in halves]

    def forward(self, x):
        towers = self.conv(x, "conv1", 96, 11, stride=4).chunk(2, dim=1)
        towers = [response(F.relu(tower)) for tower in towers]
        self.keep("stage2", torch.cat(towers, dim=1))
        towers = [F.max_pool2d(tower, 3, 2) for tower in towers]
        towers = self.tower_conv(towers, "conv2", 256, 5, 2)
        towers = [response(F.relu(tower)) for tower in towers]
        self.keep("stage3", torch.cat(towers, dim=1))
        towers = [F.max_pool2d(tower, 3, 2) for tower in towers]
        both = torch.cat(towers, dim=1)
        towers = F.relu(self.conv(both, "conv3", 384, 3, padding=1)).chunk(2, dim=1)
        towers = [F.relu(tower) for tower in self.tower_conv(towers, "conv4", 384, 3, 1)]
        towers = [F.relu(tower) for tower in self.tower_conv(towers, "conv5", 256, 3, 1)]
        self.keep("stage4", torch.cat(towers, dim=1))
        towers = [F.max_pool2d(tower, 3, 2) for tower in towers]
        x = self.keep("stage5", torch.cat(towers, dim=1))
        return self.dense_head(x)


class ZFNet(Net):
    def forward(self, x):
        x = self.keep("stage1", F.relu(self.conv(x, "conv1", 96, 7, stride=2, padding=1)))
        x = self.keep("stage2", response(F.max_pool2d(x, 3, 2, padding=1)))
        x = self.keep("stage3", F.relu(self.conv(x, "conv2", 256, 5, stride=2)))
        x = response(F.max_pool2d(x, 3, 2, padding=1))
        x = F.relu(self.conv(x, "conv3", 384, 3, padding=1))
        x = F.relu(self.conv(x, "conv4", 384, 3, padding=1))
        x = self.keep("stage4", F.relu(self.conv(x, "conv5", 256, 3, padding=1)))
        return self.dense_head(self.keep("stage5", F.max_pool2d(x, 3, 2)))


class NIN(Net):
    def __init__(self, groups=(1, 1), norm=False):
        super().__init__()
        self.groups, self.normed = groups, norm

    def layer(self, x, name, filters, window, **options):
        x = self.conv(x, name, filters, window, norm=self.normed, **options)
        return F.relu(x)

    def forward(self, x):
        x = self.layer(x, "conv1", 192, 5, padding=2)
        x = self.layer(x, "conv1_1", 160, 1)
        x = self.keep("stage0", self.layer(x, "conv1_2", 96, 1))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.layer(x, "conv2", 192, 5, padding=2, groups=self.groups[0])
        x = self.layer(x, "conv2_1", 192, 1)
        x = self.keep("stage1", self.layer(x, "conv2_2", 192, 1))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.layer(x, "conv3", 192, 3, padding=1, groups=self.groups[1])
        x = self.keep("stage2", self.layer(x, "conv3_1", 192, 1))
        return self.layer(x, "head", CLASSES, 1).mean(dim=(2, 3))


class NINImageNet(NIN):
    def forward(self, x):
        blocks = ((96, 11), (256, 5), (384, 3))
        for number, (filters, window) in enumerate(blocks, start=1):
            options = {"stride": 4} if number == 1 else {"padding": window // 2}
            x = self.layer(x, f"conv{number}", filters, window, **options)
            x = self.layer(x, f"conv{number}_1", filters, 1)
            x = self.keep(f"stage{number + 1}", self.layer(x, f"conv{number}_2", filters, 1))
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.layer(x, "conv4", 1024, 3, padding=1)
        x = self.keep("stage5", self.layer(x, "conv4_1", 1024, 1))
        return self.layer(x, "head", CLASSES, 1).mean(dim=(2, 3))


class ENet(Net):
    def prelu(self, x, name):
        return self.part(name, lambda: Slopes(x.shape[1]))(x)

    def act(self, x, name):
        return self.prelu(self.norm(x, f"{name}_norm", eps=1e-3), f"{name}_act")

    def plain_conv(self, x, name, filters, window, **options):
        make = lambda: nn.Conv2d(x.shape[1], filters, window, bias=False, **options)  # noqa: E731
        return self.part(f"{name}_conv", make)(x)

    def bottleneck(self, x, name, width, last, down=False, dilation=1, flat=False):
        main = x
        inner, side = width // 4, 2 if down else 1
        y = self.act(self.plain_conv(x, f"{name}_1", inner, side, stride=side), f"{name}_1")
        if flat:
            y = self.plain_conv(y, f"{name}_2a", inner, (5, 1), padding=(2, 0))
            y = self.plain_conv(y, f"{name}_2", inner, (1, 5), padding=(0, 2))
        else:
            y = self.plain_conv(y, f"{name}_2", inner, 3, padding=dilation, dilation=dilation)
        y = self.plain_conv(self.act(y, f"{name}_2"), f"{name}_3", width, 1)
        y = self.norm(y, f"{name}_3_norm", eps=1e-3)
        if down:
            main = F.max_pool2d(x, 2)
            zeros = torch.zeros(y.shape[0], width - main.shape[1], *y.shape[2:])
            main = torch.cat([main, zeros], dim=1)
        return self.prelu(main + y, last or f"{name}_out")

    def forward(self, x):
        maps = self.plain_conv(x, "stem", 13, 3, stride=2, padding=1)
        x = self.norm(torch.cat([maps, F.max_pool2d(x, 2)], dim=1), "stem_norm", eps=1e-3)
        x = self.keep("stage1", self.prelu(x, "stage1"))
        for i in range(5):
            x = self.bottleneck(x, f"stage2_{i}", 64, "stage2" if i == 4 else None, down=i == 0)
        self.keep("stage2", x)
        x = self.bottleneck(x, "stage3_0", 128, None, down=True)
        kinds = ({}, {"dilation": 2}, {"flat": True}, {"dilation": 4})
        kinds += ({}, {"dilation": 8}, {"flat": True}, {"dilation": 16})
        for i, kind in enumerate(2 * kinds, start=1):
            x = self.bottleneck(x, f"stage3_{i}", 128, "stage3" if i == 16 else None, **kind)
        x = self.keep("stage3", x).mean(dim=(2, 3))
        return self.dense(x, "predictions", CLASSES)


class Slopes(nn.Module):
    """PReLU, whose parameter is called by what it is."""

    def __init__(self, channels):
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.prelu(x, self.slope)


class CifarBlock(nn.Module):
    """Two 3x3 convolutions, and a shortcut without parameters."""

    def __init__(self, inputs: int, filters: int, stride: int, *, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.stride, self.more, self.residual = stride, filters - inputs, residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.residual:
            x = x[:, :, :: self.stride, :: self.stride]
            y = y + F.pad(x, (0, 0, 0, 0, self.more // 2, self.more // 2))
        return F.relu(y)


class CifarNet(nn.Module):
    """A network of 6n + 2 layers."""

    def __init__(self, n: int, *, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for stage, (inputs, filters) in enumerate(((16, 16), (16, 32), (32, 64)), start=1):
            first = CifarBlock(inputs, filters, 1 if stage == 1 else 2, residual=residual)
            rest = (CifarBlock(filters, filters, 1, residual=residual) for _ in range(n - 1))
            self.add_module(f"layer{stage}", nn.Sequential(first, *rest))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


def root_resnet50(root):
    """torchvision's ResNet-50 whose 3x3 convolutions work in groups, fewer in each stage."""
    model = torchvision.models.resnet50(num_classes=CLASSES)
    for stage in range(4):
        for block in getattr(model, f"layer{stage + 1}"):
            width, groups = block.conv2.in_channels, root >> stage
            step = block.conv2.stride
            block.conv2 = nn.Conv2d(width, width, 3, step, 1, groups=groups, bias=False)
    return model


def main():
    """Writes all files."""
    by_layer = (
        ("alexnet", AlexNet(), 99, centred),
        ("zfnet", ZFNet(), 96, centred),
        ("nin", NIN(), 32, standardised),
        ("nin_root", NIN(groups=(4, 2), norm=True), 32, standardised),
        ("nin_imagenet", NINImageNet(), 64, standardised),
        ("enet", ENet(), 64, unit),
    )
    for name, net, size, prepare in by_layer:
        net.write(name, size, prepare)
    stages = {f"stage{s}": f"layer{s + 1}" for s in range(3)}
    for name, residual in (("resnet20", True), ("plainnet20", False)):
        net = CifarNet(3, residual=residual)
        write_golden(name, BY_HAND, net, stages, 32, lambda x: standardised(x, *CIFAR))
    stages = {"stage1": "relu", **{f"stage{s}": f"layer{s - 1}" for s in (2, 3, 4, 5)}}
    write_golden("resnet50_root", BY_HAND, root_resnet50(64), stages, 64)


if __name__ == "__main__":
    main()
