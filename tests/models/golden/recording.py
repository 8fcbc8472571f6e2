"""What the golden files hold, and how; numpy only.

A file holds another implementation's scores for two images, two averages of each of its feature
maps, and the names and shapes of its parameters. Images and parameters are made anew from seeds,
here, by the script that writes the file and by the test that reads it.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
# Parameters that start at one, or are slopes of a PReLU: they stay away from zero.
SCALES = ("weight", "running_var", "slope")


def parameter(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a PyTorch parameter, by its name and shape.

    Kernels keep the variance through a ReLU, and scales are about one.
    """
    rng = np.random.default_rng(zlib.crc32(f"{name}{tuple(shape)}".encode()))
    if len(shape) > 1:
        deviation = np.float32(np.sqrt(2 / np.prod(shape[1:])))
        return rng.standard_normal(shape, dtype="float32") * deviation
    if name.endswith(SCALES):
        return rng.uniform(0.7, 1.3, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")


def pixels(shape: tuple[int, int, int]) -> np.ndarray:
    """Two raw images of coarse blobs and noise, whole numbers in 0..255."""
    rng = np.random.default_rng(shape[0])
    height, width, channels = shape
    coarse = rng.uniform(0, 200, (2, height // 8 + 1, width // 8 + 1, channels))
    blobs = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    return np.floor(blobs + rng.uniform(0, 56, blobs.shape)).astype("float32")


def averages(maps: np.ndarray) -> list[np.ndarray]:
    """Of maps (2, height, width, channels): by channel, and by place in about 14x14."""
    step = maps.shape[1] // 15 + 1
    return [maps.mean(axis=(1, 2)), maps[:, ::step, ::step].mean(axis=-1)]


@dataclass(frozen=True)
class Golden:
    """A file that was read.

    Attributes:
        peer: Who computed the outputs: a library with its version, or PyTorch by hand.
        images: Raw pixels (2, height, width, channels).
        state: PyTorch's parameters by name.
        outputs: By name, a vector per image ("scores"), or the averages of maps.
    """

    peer: str
    images: np.ndarray
    state: dict[str, np.ndarray]
    outputs: dict[str, list[np.ndarray]]


def write(
    name: str,
    peer: str,
    shape: tuple[int, int, int],
    shapes: Mapping[str, tuple[int, ...]],
    outputs: Mapping[str, np.ndarray],
) -> None:
    """Writes `name`.npz for images of `shape`; outputs are vectors, or maps to be averaged."""
    facts = {"peer": peer, "shape": shape, "shapes": shapes}
    arrays = {"facts": np.array(json.dumps(facts))}
    for key, value in outputs.items():
        parts = averages(value) if value.ndim == 4 else [value]
        arrays |= {f"{key}/{i}": part.astype("float32") for i, part in enumerate(parts)}
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    print(path.name, path.stat().st_size)


def read(name: str) -> Golden:
    """Reads `name`.npz."""
    outputs: dict[str, list[np.ndarray]] = {}
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        for key in file.files:
            if "/" in key:
                outputs.setdefault(key.partition("/")[0], []).append(file[key])
    state = {key: parameter(key, tuple(shape)) for key, shape in facts["shapes"].items()}
    return Golden(facts["peer"], pixels(tuple(facts["shape"])), state, outputs)
