"""torchvision and timm as an independent implementation, on a CPU without torchvision's kernels.

The scripts `make_*.py` in this folder import this module. They need an environment of their own:

    pip install torch==2.13.0 numpy pillow safetensors huggingface_hub pyyaml
    pip install --no-deps torchvision timm

Beside a CPU build of torch, torchvision's compiled operators may not load, and its import stops at
the first that it describes to torch. Classification uses none of them: defining their names is
enough.
"""

import torch

_library = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _library.define(f"{_name}(Tensor a) -> Tensor")

import timm  # noqa: E402
import torchvision  # noqa: E402
import torchvision.models  # noqa: E402

__all__ = ["timm", "torch", "torchvision"]
