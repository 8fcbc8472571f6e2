"""Golden outputs of the classic families: `python make_classic.py`.

Needs the environment that torch_oracle.py describes. AlexNet with one tower, SqueezeNet and VGG
with batch normalisation are torchvision's. AlexNet with two towers, ZFNet, NIN and ENet nobody
maintains: they are written here in PyTorch, from the papers, under the names of our layers.
"""

from classic_recording import parameter, pixels, write
from torch_oracle import torch, torchvision

nn, F = torch.nn, torch.nn.functional
CLASSES = 10
MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])
MEAN_RGB = torch.tensor([123.68, 116.779, 103.939])


def standardised(x):
    return (x / 255 - MEAN) / STD


def centred(x):
    return x - MEAN_RGB


def unit(x):
    return x / 255


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

    def shapes(self):
        return {
            f"{name}.{key}": tuple(value.shape)
            for name, module in self.parts.items()
            for key, value in module.state_dict().items()
            if key != "num_batches_tracked"
        }

    def keep(self, name, x):
        self.kept[name] = x.permute(0, 2, 3, 1).numpy() if x.ndim == 4 else x.numpy()
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


def by_hand(name, net, size, prepare):
    images = pixels((size, size, 3))
    with torch.no_grad():
        x = prepare(torch.from_numpy(images)).permute(0, 3, 1, 2)
        scores = net(x).numpy()
    write(name, (size, size, 3), net.shapes(), {"scores": scores, **net.kept})


def of_torchvision(name, model, size, stages):
    """`stages`: our stage -> the module that gives it."""
    model = model.eval()
    shapes = {
        key: tuple(value.shape)
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    state = {key: torch.from_numpy(parameter(key, shape)) for key, shape in shapes.items()}
    model.load_state_dict(state, strict=False)
    outputs = {}
    modules = dict(model.named_modules())
    for stage, module in stages.items():
        modules[module].register_forward_hook(
            lambda _module, _input, y, stage=stage: outputs.__setitem__(stage, y.clone())
        )
    images = pixels((size, size, 3))
    with torch.no_grad():
        scores = model(standardised(torch.from_numpy(images)).permute(0, 3, 1, 2))
    maps = {stage: y.permute(0, 2, 3, 1).numpy() for stage, y in outputs.items()}
    write(name, (size, size, 3), shapes, {"scores": scores.numpy(), **maps})


def narrow(model, inputs):
    """Replaces the dense layers by narrow ones: 64 and 48 units."""
    widths = ((inputs, 64), (64, 48), (48, CLASSES))
    places = [i for i, part in enumerate(model.classifier) if isinstance(part, nn.Linear)]
    for place, (before, after) in zip(places, widths, strict=True):
        model.classifier[place] = nn.Linear(before, after)
    for part in model.modules():  # the hooks need values before the activation changes them
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return model


if __name__ == "__main__":
    models = torchvision.models
    by_hand("alexnet", AlexNet(), 99, centred)
    by_hand("zfnet", ZFNet(), 96, centred)
    by_hand("nin", NIN(), 32, standardised)
    by_hand("nin_root", NIN(groups=(4, 2), norm=True), 32, standardised)
    by_hand("nin_imagenet", NINImageNet(), 64, standardised)
    by_hand("enet", ENet(), 64, unit)
    # 112 pixels make maps of 2x2, which adaptive pooling widens to 6x6.
    alexnet = narrow(models.alexnet(), 256 * 36)
    stages = {"stage2": "features.1", "stage3": "features.4", "stage4": "features.11"}
    of_torchvision("alexnet_torchvision", alexnet, 112, {**stages, "stage5": "features.12"})
    vgg = narrow(models.vgg11_bn(), 512 * 49)
    stages = {"stage1": "features.6", "stage2": "features.13", "stage3": "features.20"}
    stages |= {"stage4": "features.27", "stage5": "features.28"}
    of_torchvision("vgg11_bn_torchvision", vgg, 64, stages)
    stages = {"stage1": "features.1", "stage2": "features.5", "stage3": "features.10"}
    squeezenet = models.squeezenet1_0(num_classes=CLASSES)
    of_torchvision("squeezenet1_0_torchvision", squeezenet, 64, {**stages, "stage4": "features.12"})
    stages = {"stage1": "features.1", "stage2": "features.4", "stage3": "features.7"}
    squeezenet = models.squeezenet1_1(num_classes=CLASSES)
    of_torchvision("squeezenet1_1_torchvision", squeezenet, 71, {**stages, "stage4": "features.12"})
