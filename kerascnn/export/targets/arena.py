"""How much memory tflite-micro needs to run a file: its tensor arena.

Measured with tflite-micro's own interpreter where it is installed (PyPI `tflite-micro`, a
pre-release; `KERASCNN_TFLM_PYTHON` names the Python of another environment that has it), in a
process of its own: it reports to the C error stream, and ends the process on some files. Elsewhere
estimated. The interpreter here has 64-bit pointers, so a microcontroller needs a little less.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kerascnn.errors import ExportError
from kerascnn.export.flatbuffer.file import Tensor, TFLiteFile

_CHILD = Path(__file__).with_name("_arena_child.py")
_ABSENT = 4  # exit code of the child where tflite-micro is not installed
_TIMEOUT = 1800  # seconds; MobileNet 0.25 takes two
_ALIGNMENT = 16
_WIDTHS = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "int64": 8, "float64": 8}
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
# Bookkeeping, which stays at the other end of the arena: bytes for each operator and each tensor,
# each output channel of a weighted operator (a multiplier and a shift), and once. Measured on
# LeNet-5, ResNet-20 and MobileNet, and rounded up.
_PER_OPERATOR, _PER_TENSOR, _PER_CHANNEL, _ONCE = 200, 32, 8, 2048


@dataclass(frozen=True)
class Arena:
    """Memory for tensors and bookkeeping.

    Attributes:
        bytes: Size of the arena.
        measured: Whether tflite-micro's interpreter used that much; an estimate otherwise.
    """

    bytes: int
    measured: bool


def find_arena(content: bytes, graph: TFLiteFile) -> Arena:
    """The arena of a file that runs on tflite-micro.

    Args:
        content: The `.tflite` file.
        graph: What it holds.

    Raises:
        ExportError: tflite-micro's interpreter is there and cannot run the file.
    """
    used = measure(content)
    if used is not None:
        return Arena(used, measured=True)
    return Arena(estimate(graph), measured=False)


def measure(content: bytes) -> int | None:
    """Bytes of arena that tflite-micro's interpreter used for one pass; None where it is absent.

    Raises:
        ExportError: It cannot run the file.
    """
    python = os.environ.get("KERASCNN_TFLM_PYTHON") or sys.executable
    try:
        done = subprocess.run(
            [python, "-I", str(_CHILD)],
            input=content,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"tflite-micro's interpreter could not be run: {error}") from error
    if done.returncode == _ABSENT:
        return None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ExportError(f"tflite-micro's interpreter refuses the file: {lines[0].strip()}")
    return int(json.loads(done.stdout.splitlines()[-1])["arena_bytes"])


def estimate(graph: TFLiteFile) -> int:
    """The arena, from the file alone.

    Tensors are laid out as tflite-micro's `GreedyMemoryPlanner` does: largest first, of equal ones
    the last in the file, each at the lowest place that is free while it lives. The bookkeeping is
    estimated generously.
    """
    used = {
        tensor.index: tensor
        for operator in graph.operators
        for tensor in (*operator.inputs, *operator.outputs)
        if tensor is not None
    }
    channels = sum(
        operator.outputs[0].shape[-1] for operator in graph.operators if operator.name in _WEIGHTED
    )
    bookkeeping = (
        _PER_OPERATOR * len(graph.operators)
        + _PER_TENSOR * len(used)
        + _PER_CHANNEL * channels
        + _ONCE
    )
    return _planned(graph) + bookkeeping


def _planned(graph: TFLiteFile) -> int:
    """Bytes that the computed tensors take together."""
    order = sorted(_lives(graph), key=lambda life: (-_size(life.tensor), -life.tensor.index))
    placed: list[tuple[int, int, _Life]] = []
    for life in order:
        size, start = _size(life.tensor), 0
        for other_start, other_end, other in sorted(placed, key=lambda place: place[0]):
            if other.last < life.first or life.last < other.first:
                continue
            if start + size <= other_start:
                break
            start = max(start, other_end)
        placed.append((start, start + size, life))
    return max((end for _, end, _ in placed), default=0)


@dataclass
class _Life:
    """A computed tensor, and the first and last operator that uses it."""

    tensor: Tensor
    first: int
    last: int


def _lives(graph: TFLiteFile) -> list[_Life]:
    lives = {tensor.index: _Life(tensor, 0, 0) for tensor in graph.inputs}
    for number, operator in enumerate(graph.operators):
        for tensor in operator.activations():
            lives.setdefault(tensor.index, _Life(tensor, number, number)).last = number
    for tensor in graph.outputs:
        lives[tensor.index].last = len(graph.operators)
    return list(lives.values())


def _size(tensor: Tensor) -> int:
    size = tensor.elements * _WIDTHS.get(tensor.dtype, 4)
    return -(-size // _ALIGNMENT) * _ALIGNMENT
