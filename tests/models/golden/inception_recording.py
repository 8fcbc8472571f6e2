"""What the golden files of the inception families hold, and how; numpy only.

A file holds another implementation's logits for one image, two averages of each stage, and the
names and shapes of its parameters. The image and the parameters themselves are made anew from
seeds, here, by the script that writes the file and by the test that reads it.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def parameter(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a PyTorch parameter, by its name and shape."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) > 1:  # keeps the variance through a ReLU
        return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype("float32")
    if name.endswith(("bn.weight", "running_var")):
        return rng.uniform(0.7, 1.3, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")


def pixels(size: int) -> np.ndarray:
    """One raw RGB image of coarse blobs and noise, (1, size, size, 3), whole numbers in 0..255."""
    rng = np.random.default_rng(size)
    coarse = rng.uniform(0, 200, (1, size // 8 + 1, size // 8 + 1, 3))
    blobs = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    return np.floor(blobs + rng.uniform(0, 56, blobs.shape)).astype("float32")


def averages(maps: np.ndarray) -> list[np.ndarray]:
    """Of feature maps (1, height, width, channels): by channel, and by place, in about 28x28."""
    step = maps.shape[1] // 28 + 1
    return [maps[0].mean(axis=(0, 1)), maps[0, ::step, ::step].mean(axis=-1)]


def write(
    name: str, shapes: Mapping[str, tuple[int, ...]], outputs: Mapping[str, np.ndarray], size: int
) -> None:
    """Writes `name`.npz; outputs are vectors, or feature maps to be averaged."""
    arrays = {"size": np.array(size), "shapes": np.array(json.dumps(shapes))}
    for key, value in outputs.items():
        parts = averages(value) if value.ndim == 4 else [value]
        arrays |= {f"{key}/{i}": part.astype("float32") for i, part in enumerate(parts)}
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)


def read(name: str) -> tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]], np.ndarray]:
    """Parameters, recorded outputs and the image of `name`.npz."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        shapes = json.loads(str(file["shapes"]))
        size = int(file["size"])
        outputs: dict[str, list[np.ndarray]] = {}
        for key in file.files:
            if "/" in key:
                outputs.setdefault(key.partition("/")[0], []).append(file[key])
    state = {key: parameter(key, tuple(shape)) for key, shape in shapes.items()}
    return state, outputs, pixels(size)
