"""What a convolution costs: O(K N) directly, O(N^2) as a dense matrix, O(N log N) by the FFT.

    python benchmarks/convolution_cost.py [--rounds 7] [--budget 120] [--smoke]

Times `kerascnn.signal` on one axis and on two, the sizes of a sweep in turns, and fits
seconds = c * size^exponent to the medians of the larger half, where fixed costs no longer count.
The expected exponents: 1 for the direct way in N and in K, 2 for the matrix, 1 and a little for the
FFT in N, 0 for the FFT in K. Also tells from which kernel on the FFT is faster. Writes
benchmarks/results/convolution_cost.json. `--smoke` only shows that it runs, and writes nothing.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import record
import turns

from kerascnn import signal


@dataclass(frozen=True)
class Sweep:
    """One way of convolving, at growing sizes."""

    name: str
    grows: str
    expected: str
    sizes: tuple[int, ...]
    action: Callable[[int], Callable[[], Any]]


def direct(n: int, k: int, method: Any = "direct") -> Callable[[], Any]:
    """Convolves N values with K taps."""
    x, kernel = _values(n), _values(k)
    return lambda: signal.convolve(x, kernel, "valid", method)


def matrix(n: int, k: int) -> Callable[[], Any]:
    """Multiplies with the dense matrix of a convolution; making it is not counted."""
    # A copy: of the zeros of a fresh matrix, the system keeps one page for all.
    x, dense = _values(n), signal.convolution_matrix(_values(k), n, "same").copy()
    return lambda: dense @ x


def image(side: int, k: int, method: Any) -> Callable[[], Any]:
    """Convolves a square image with K x K taps."""
    x, kernel = _values(side, side), _values(k, k)
    return lambda: signal.convolve(x, kernel, "valid", method)


def _doubling(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**power for power in range(first, last + 1))


def _values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def sweeps(smoke: bool) -> list[Sweep]:
    """What is measured: everything, or sizes that take no time."""

    if smoke:
        signals = long_kernels = sides = (256, 512)
        taps, long = (8, 16), 1024
    else:  # each within one level of memory: crossing a cache's size costs more than the sums do
        signals, taps, long = _doubling(12, 16), _doubling(6, 11), 2**16
        long_kernels, sides = _doubling(12, 16), _doubling(11, 13)
    return [
        Sweep("direct", "N, with K = 64", "1", signals, lambda n: direct(n, 64)),
        Sweep("direct", f"K, with N = {long}", "1", taps, lambda k: direct(long, k)),
        Sweep("direct", "N, with K = N / 4", "2", long_kernels, lambda n: direct(n, n // 4)),
        Sweep("matrix", "N, with K = 64", "2", sides, lambda n: matrix(n, 64)),
        Sweep("fft", "N, with K = 64", "1 and a little", signals, lambda n: direct(n, 64, "fft")),
        Sweep("fft", f"K, with N = {long}", "0", taps, lambda k: direct(long, k, "fft")),
    ]


def measured(
    sizes: tuple[int, ...], action: Callable[[int], Callable[[], Any]], args: argparse.Namespace
) -> dict[int, dict[str, float]]:
    """Seconds at each size, in turns."""
    actions = {str(size): action(size) for size in sizes}
    result = turns.race(actions, args.rounds, warmup=1, budget_s=args.budget)
    return {int(s): record.summary([turn.wall for turn in of]) for s, of in result.items()}


def exponent(seconds: Mapping[int, Mapping[str, float]]) -> float:
    """Slope of log time over log size, from the medians of the larger half of the sizes."""
    sizes = sorted(seconds)
    larger = sizes[len(sizes) // 2 :] if len(sizes) > 3 else sizes
    times = [max(seconds[size]["median"], 1e-9) for size in larger]
    return round(float(np.polyfit(np.log(larger), np.log(times), 1)[0]), 3)


def crossing(side: int, windows: tuple[int, ...], args: argparse.Namespace) -> dict[str, Any]:
    """Both ways on an image of side x side, and the smallest window where the FFT is faster."""
    actions = {
        f"{method} {k}": image(side, k, method) for k in windows for method in ("direct", "fft")
    }
    result = turns.race(actions, args.rounds, warmup=1, budget_s=args.budget)
    medians = {name: statistics.median(t.wall for t in of) for name, of in result.items()}
    faster = [k for k in windows if medians[f"fft {k}"] < medians[f"direct {k}"]]
    return {
        "image": [side, side],
        "seconds": {name: round(value, 6) for name, value in medians.items()},
        "fft_is_faster_from_window": min(faster) if faster else None,
    }


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=120, help="seconds for each sweep")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes; writes nothing")
    args = parser.parse_args()
    rows = []
    for sweep in sweeps(args.smoke):
        seconds = measured(sweep.sizes, sweep.action, args)
        rows.append(
            {
                "way": sweep.name,
                "grows": sweep.grows,
                "expected_exponent": sweep.expected,
                "exponent": exponent(seconds),
                "seconds": {str(size): row for size, row in seconds.items()},
            }
        )
        print(
            f"{sweep.name:<8} {sweep.grows:<20} exponent {rows[-1]['exponent']:.2f}, expected "
            f"{sweep.expected}",
            flush=True,
        )
    side, windows = (32, (3, 5)) if args.smoke else (512, (3, 5, 7, 9, 11, 15, 21, 31))
    images = crossing(side, windows, args)
    print(f"{side}x{side}: the FFT is faster from {images['fft_is_faster_from_window']}")
    if not args.smoke:
        figures = {"benchmark": "convolution_cost", "rounds": args.rounds, "sweeps": rows}
        print(record.write("convolution_cost", {**figures, "image": images}))


if __name__ == "__main__":
    main()
