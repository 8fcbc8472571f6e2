"""What the golden files of the residual families hold, and how; numpy only.

A file holds another implementation's scores for two images, and of each stage the mean and
deviation of up to 128 of its maps; besides, the names and shapes of the parameters. Images and
parameters are made anew from seeds by the script that writes the file and by the test that reads
it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

if __package__:  # imported by a test; by a script otherwise
    from .mobile_recording import parameter, pixels
else:
    from mobile_recording import parameter, pixels

FOLDER = Path(__file__).parent
KEPT = 128


def averages(maps: np.ndarray) -> np.ndarray:
    """Mean and deviation of maps (batch, height, width, channels), of every n-th channel."""
    kept = maps[..., :: max(1, maps.shape[-1] // KEPT)]
    return np.stack([kept.mean(axis=(1, 2)), kept.std(axis=(1, 2))]).astype("float32")


def write(
    name: str,
    size: int,
    shapes: Mapping[str, tuple[int, ...]],
    scores: np.ndarray,
    stages: Mapping[str, np.ndarray],
) -> None:
    """Writes `name`.npz; `stages` holds feature maps by the names of our layers."""
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        size=np.array(size),
        shapes=np.array(json.dumps(shapes)),
        predictions=scores,
        **{layer: averages(maps) for layer, maps in stages.items()},
    )


def read(name: str) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    """Parameters, images, and what was recorded by layer, of `name`.npz."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        shapes = json.loads(str(file["shapes"]))
        recorded = {key: file[key] for key in file.files if key not in ("size", "shapes")}
        images = pixels(int(file["size"]))
    return {key: parameter(key, tuple(shape)) for key, shape in shapes.items()}, images, recorded
