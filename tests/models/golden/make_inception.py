"""Writes inception_v3.npz and inception_v4.npz: torchvision's and timm's outputs on fixed weights.

    python make_inception.py

in the environment that `torch_oracle.py` describes.
"""

import numpy as np
from inception_recording import parameter, pixels, write
from torch_oracle import timm, torch, torchvision

SIZE = 107
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def record(
    model: torch.nn.Module, taps: dict[str, torch.nn.Module], image: np.ndarray
) -> dict[str, np.ndarray]:
    """Logits, and what comes out of `taps`, channels last, for a prepared channels-last image."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                value.copy_(torch.from_numpy(parameter(name, tuple(value.shape))))
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str) -> None:
        def hook(_module, _inputs, output: torch.Tensor) -> None:
            value = output.detach().numpy()
            outputs[name] = value.transpose(0, 2, 3, 1).copy() if value.ndim == 4 else value

        taps[name].register_forward_hook(hook)

    for name in taps:
        keep(name)
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(image.astype("float32").transpose(0, 3, 1, 2)))
    return {"predictions": logits.numpy(), **outputs}


def shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The parameters' shapes; the counters of batch normalisation left out."""
    state = model.state_dict().items()
    return {name: tuple(v.shape) for name, v in state if not name.endswith("num_batches_tracked")}


def main() -> None:
    """Writes both files."""
    # With its published weights torchvision takes ImageNet's mean and deviation and undoes them.
    v3 = torchvision.models.inception_v3(
        weights=None, init_weights=False, num_classes=10, transform_input=True
    )
    taps = {
        "stage1": v3.Conv2d_2b_3x3,
        "stage2": v3.Conv2d_4a_3x3,
        "stage3": v3.Mixed_5d,
        "stage4": v3.Mixed_6e,
        "stage5": v3.Mixed_7c,
    }
    image = (pixels(SIZE) / 255 - MEAN) / STD
    write("inception_v3", shapes(v3), record(v3, taps, image), SIZE)

    v4 = timm.create_model("inception_v4", num_classes=10)
    places = {"stage1": 2, "stage2": 4, "stage3": 9, "stage4": 17, "stage5": 21}
    taps = {name: v4.features[place] for name, place in places.items()}
    config = v4.default_cfg
    image = (pixels(SIZE) / 255 - config["mean"]) / config["std"]
    write("inception_v4", shapes(v4), record(v4, taps, image), SIZE)


if __name__ == "__main__":
    main()
