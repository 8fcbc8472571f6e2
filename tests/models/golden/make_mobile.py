"""Writes the golden files of MobileNetV2, MobileNetV3, EfficientNet and EfficientNet-Lite.

    python make_mobile.py

in the environment that `torch_oracle.py` describes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mobile_recording import parameter, pixels, write
from torch_oracle import timm, torch, torchvision

SIZE, CLASSES = 64, 10
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AUTHORS = (127 / 255,) * 3, (128 / 255,) * 3


@dataclass(frozen=True)
class Golden:
    """A model, the modules whose outputs are our stage1 to stage5, and its mean and deviation."""

    build: Callable[..., torch.nn.Module]
    stages: tuple[str, ...]
    pixels: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET


def _timm(name: str) -> Callable[..., torch.nn.Module]:
    return lambda num_classes: timm.create_model(name, num_classes=num_classes)


_TIMM_STAGES = tuple(f"blocks.{row}" for row in (0, 1, 2, 4))
GOLDEN = {
    "mobilenet_v2_torchvision": Golden(
        torchvision.models.mobilenet_v2, tuple(f"features.{i}" for i in (1, 3, 6, 13, 18))
    ),
    "mobilenet_v2_timm": Golden(_timm("mobilenetv2_050"), (*_TIMM_STAGES, "bn2")),
    "mobilenet_v3_large_torchvision": Golden(
        torchvision.models.mobilenet_v3_large, tuple(f"features.{i}" for i in (1, 3, 6, 12, 16))
    ),
    "mobilenet_v3_small_torchvision": Golden(
        torchvision.models.mobilenet_v3_small, tuple(f"features.{i}" for i in (0, 1, 3, 8, 12))
    ),
    "efficientnet_b0_torchvision": Golden(
        torchvision.models.efficientnet_b0, tuple(f"features.{i}" for i in (1, 2, 3, 5, 8))
    ),
    "efficientnet_b0_timm": Golden(_timm("efficientnet_b0"), (*_TIMM_STAGES, "bn2")),
    "efficientnet_lite0_timm": Golden(_timm("efficientnet_lite0"), (*_TIMM_STAGES, "bn2")),
    "tf_efficientnet_lite0_timm": Golden(
        _timm("tf_efficientnet_lite0"), (*_TIMM_STAGES, "bn2"), AUTHORS
    ),
}


def record(name: str, golden: Golden) -> None:
    """Writes one file."""
    model = golden.build(num_classes=CLASSES).eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    model.load_state_dict(
        {key: torch.from_numpy(parameter(key, shape)) for key, shape in shapes.items()},
        strict=False,
    )
    stages = {}
    for level, module in enumerate(golden.stages, start=1):
        model.get_submodule(module).register_forward_hook(
            lambda _module, _inputs, maps, level=level: stages.update(
                {level: maps.permute(0, 2, 3, 1).numpy()}
            )
        )
    mean, deviation = (torch.tensor(values) for values in golden.pixels)
    images = (torch.from_numpy(pixels(SIZE)) / 255 - mean) / deviation
    with torch.no_grad():
        scores = model(images.permute(0, 3, 1, 2)).numpy()
    write(name, SIZE, shapes, scores, stages)


if __name__ == "__main__":
    for key, value in GOLDEN.items():
        record(key, value)
