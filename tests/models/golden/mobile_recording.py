"""What the golden files of the mobile families hold, and how; numpy only.

A file holds another implementation's scores for two images, the mean and deviation of each stage
per channel, and the names and shapes of its parameters. Images and parameters are made anew from
seeds, here, by the script that writes the file and by the tests that read it.
"""

import json
import zlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
STAGES = (1, 2, 3, 4, 5)


def parameter(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a PyTorch parameter, by its name and shape."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) > 1:  # keeps the variance through a ReLU
        return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype("float32")
    if name.endswith(("weight", "running_var")):  # of a normalisation
        return rng.uniform(0.7, 1.3, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")


def pixels(size: int) -> np.ndarray:
    """Two raw RGB images of coarse blobs and noise, whole numbers in 0..255, float32."""
    rng = np.random.default_rng(size)
    coarse = rng.uniform(0, 200, (2, size // 8, size // 8, 3))
    blobs = coarse.repeat(8, axis=1).repeat(8, axis=2)
    return np.floor(blobs + rng.uniform(0, 56, blobs.shape)).astype("float32")


def averages(maps: np.ndarray) -> np.ndarray:
    """Mean and deviation per image and channel of maps (batch, height, width, channels)."""
    return np.stack([maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))]).astype("float32")


def write(
    name: str,
    size: int,
    shapes: dict[str, tuple[int, ...]],
    scores: np.ndarray,
    stages: dict[int, np.ndarray],
) -> None:
    """Writes `name`.npz; `stages` holds feature maps."""
    arrays = {f"stage{level}": averages(maps) for level, maps in stages.items()}
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        size=np.array(size),
        shapes=np.array(json.dumps(shapes)),
        scores=scores,
        **arrays,
    )


def read(name: str) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    """Parameters, images and recorded outputs ("scores", "stage1" ...) of `name`.npz."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        shapes = json.loads(str(file["shapes"]))
        outputs = {key: file[key] for key in file.files if key.startswith(("scores", "stage"))}
        images = pixels(int(file["size"]))
    return {key: parameter(key, tuple(shape)) for key, shape in shapes.items()}, images, outputs
