"""How long one image takes on this machine, measured on the file that devices get."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn.arguments import whole
from kerascnn.errors import InputError
from kerascnn.export.runtime.any_inputs import AnyFile
from kerascnn.export.runtime.opening import MOST_THREADS
from kerascnn.files import PathLike


@dataclass(frozen=True)
class BenchmarkResult:
    """Latency of one file, batch 1, in milliseconds.

    Attributes:
        median_ms: Half of the runs were faster.
        p10_ms: One run in ten was faster.
        p90_ms: Nine runs in ten were faster.
        min_ms: The fastest run: what the machine can do when nothing else is going on.
        runs: Timed runs.
        threads: CPU threads of the kernels.
        delegate: Whether XNNPACK took what it can.
        cpu: Name of the processor the times belong to.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    min_ms: float
    runs: int
    threads: int
    delegate: bool
    cpu: str

    def __str__(self) -> str:
        return (
            f"{self.median_ms:.3f} ms ({self.p10_ms:.3f} to {self.p90_ms:.3f}), {self.runs} runs, "
            f"{self.threads} thread(s)"
        )


@dataclass(frozen=True)
class Comparison:
    """Several files measured in turn, so that a busy moment of the machine hits all alike.

    Attributes:
        results: One per file, in the order given.
        ratios: Median of each file divided by the first file's; below 1 is faster than it.
    """

    results: tuple[BenchmarkResult, ...]
    ratios: tuple[float, ...]


def benchmark_tflite(
    path: PathLike | bytes,
    *,
    threads: int = 1,
    runs: int = 50,
    warmup: int = 5,
    delegate: bool = True,
) -> BenchmarkResult:
    """Times single runs of any `.tflite` file on seeded random input of its own type.

    Only the run counts: neither loading nor preparing the image is in the figures.

    Args:
        path: The file, or its content.
        threads: CPU threads of the kernels, 1 to 1024.
        runs: Timed runs, at least 1.
        warmup: Runs before them that are not counted, at least 0.
        delegate: False times the built-in kernels without XNNPACK.

    Raises:
        InputError: No such file, or a number out of range.
        BundleError: The file is damaged, or the runtime refuses it.
    """
    return compare([path], threads=threads, runs=runs, warmup=warmup, delegate=delegate).results[0]


def compare(
    paths: Sequence[PathLike | bytes],
    *,
    threads: int = 1,
    runs: int = 50,
    warmup: int = 5,
    delegate: bool = True,
) -> Comparison:
    """Times several `.tflite` files run by run in turn (A B C A B C ...).

    Args:
        paths: The files, at least one; the first is what the others are compared with.
        threads: CPU threads of the kernels, 1 to 1024.
        runs: Timed runs of each file, at least 1.
        warmup: Uncounted runs of each file before them, at least 0.
        delegate: False times the built-in kernels without XNNPACK.

    Raises:
        InputError: No files, a missing one, or a number out of range.
        BundleError: A file is damaged, or the runtime refuses it.
    """
    if not paths:
        raise InputError("nothing to compare: expected at least one .tflite file, received none.")
    threads = whole("threads", threads, most=MOST_THREADS)
    runs, warmup = whole("runs", runs), whole("warmup", warmup, 0)
    models = [AnyFile(path, threads=threads, delegate=delegate) for path in paths]
    seconds: list[list[float]] = [[] for _ in models]
    for turn in range(warmup + runs):
        for model, times in zip(models, seconds, strict=True):
            start = time.perf_counter()
            model.run()
            elapsed = time.perf_counter() - start
            if turn >= warmup:
                times.append(elapsed)
    cpu = cpu_name()
    results = tuple(_result(times, threads, delegate, cpu) for times in seconds)
    return Comparison(results, tuple(r.median_ms / results[0].median_ms for r in results))


def cpu_name() -> str:
    """Name of this machine's processor, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    except OSError:
        pass  # no such file outside Linux
    return platform.processor() or platform.machine() or "unknown"


def _result(times: list[float], threads: int, delegate: bool, cpu: str) -> BenchmarkResult:
    p10, median, p90 = np.percentile(times, [10, 50, 90]) * 1000
    return BenchmarkResult(
        median_ms=float(median),
        p10_ms=float(p10),
        p90_ms=float(p90),
        min_ms=min(times) * 1000,
        runs=len(times),
        threads=threads,
        delegate=delegate,
        cpu=cpu,
    )
