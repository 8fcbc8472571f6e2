"""torchvision and timm as an independent implementation, on a CPU without torchvision's kernels.

The scripts `make_*.py` in this folder import this module. They need an environment of their own:

    pip install torch==2.13.0 numpy pillow safetensors huggingface_hub pyyaml
    pip install --no-deps torchvision timm

Beside a CPU build of torch, torchvision's compiled operators may not load, and its import stops at
the first that it describes to torch. Classification uses none of them: defining their names is
enough.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from recording import parameter, pixels, write

_library = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _library.define(f"{_name}(Tensor a) -> Tensor")

import timm  # noqa: E402
import torchvision  # noqa: E402
import torchvision.models  # noqa: E402

__all__ = [
    "BY_HAND",
    "TIMM",
    "TORCHVISION",
    "centred",
    "record",
    "shapes",
    "standardised",
    "timm",
    "torch",
    "torchvision",
    "write_golden",
]

TORCHVISION = f"torchvision {torchvision.__version__.partition('+')[0]}"
TIMM = f"timm {timm.__version__}"
BY_HAND = "PyTorch, from the paper"

Prepare = Callable[[np.ndarray], np.ndarray]


def standardised(
    images: np.ndarray, mean: tuple = (0.485, 0.456, 0.406), std: tuple = (0.229, 0.224, 0.225)
) -> np.ndarray:
    """Pixels in 0..1, less a mean, divided by a deviation: ImageNet's by default."""
    return (images / 255 - np.array(mean)) / np.array(std)


def centred(images: np.ndarray) -> np.ndarray:
    """Pixels less ImageNet's mean colour."""
    return images - np.array([123.68, 116.779, 103.939])


def shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The parameters' shapes; the counters of batch normalisation left out."""
    state = model.state_dict().items()
    return {name: tuple(v.shape) for name, v in state if not name.endswith("num_batches_tracked")}


def fill(model: torch.nn.Module) -> None:
    """Gives every parameter the value that belongs to its name and shape."""
    values = {name: torch.from_numpy(parameter(name, s)) for name, s in shapes(model).items()}
    model.load_state_dict(values, strict=False)


def record(
    model: torch.nn.Module, taps: Mapping[str, str], images: np.ndarray
) -> dict[str, np.ndarray]:
    """Scores and feature maps, channels last, of a model with known parameters.

    Args:
        model: Gets its parameters here.
        taps: Name of an output -> the module that gives it.
        images: Prepared, channels last.
    """
    fill(model)
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module, _inputs, maps: torch.Tensor) -> None:
            outputs[name] = maps.permute(0, 2, 3, 1).numpy().copy()

        return hook

    handles = [model.get_submodule(at).register_forward_hook(keep(n)) for n, at in taps.items()]
    with torch.no_grad():
        scores = model.eval()(torch.from_numpy(images.astype("float32").transpose(0, 3, 1, 2)))
    for handle in handles:
        handle.remove()
    return {"scores": scores.numpy(), **outputs}


def write_golden(
    name: str,
    peer: str,
    model: torch.nn.Module,
    taps: Mapping[str, str],
    size: int,
    prepare: Prepare = standardised,
) -> None:
    """Writes `name`.npz for images of `size`; `prepare` makes raw pixels what the model takes."""
    shape = (size, size, 3)
    write(name, peer, shape, shapes(model), record(model, taps, prepare(pixels(shape))))
