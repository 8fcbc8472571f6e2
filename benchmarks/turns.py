"""Taking turns: A B A B ..., so that whatever slows the machine down slows all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import record

# Between turns: PyTorch's threads go on spinning for a moment after their work.
PAUSE_S = 0.02


@dataclass(frozen=True)
class Turn:
    """One measurement: seconds by the clock, and of all cores together."""

    wall: float
    cpu: float


def race(
    actions: Mapping[str, Callable[[], Any]], rounds: int, warmup: int, budget_s: float
) -> dict[str, list[Turn]]:
    """Lets every action have its turn, `rounds` times; the warm-up is not counted.

    When the time is up there are no more rounds, but there are always five.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in actions}
    for _ in range(warmup):
        for action in actions.values():
            action()
    start = time.perf_counter()
    for number in range(max(5, rounds)):
        if number >= 5 and time.perf_counter() - start > budget_s:
            break
        for name, action in actions.items():
            gc.collect()
            time.sleep(PAUSE_S)
            wall, cpu = time.perf_counter(), time.process_time()
            action()
            turns[name].append(Turn(time.perf_counter() - wall, time.process_time() - cpu))
    return turns


def figures(turns: list[Turn], images: int) -> dict[str, Any]:
    """Seconds with their spread, and images per second by the median."""
    wall = record.summary([turn.wall for turn in turns])
    cpu = statistics.median(turn.cpu for turn in turns)
    return {
        "seconds": wall,
        "cpu_seconds": round(cpu, 6),
        "images_per_second": round(images / wall["median"], 2),
        "rounds": len(turns),
    }


def advantage(ours: list[Turn], theirs: list[Turn]) -> dict[str, float]:
    """How many times as fast ours is: the median over the rounds, and the middle half of them.

    `cpu` is the same for the seconds of all cores: it does not change when others use the machine.
    """
    walls = [b.wall / a.wall for a, b in zip(ours, theirs, strict=True)]
    cpus = [b.cpu / a.cpu for a, b in zip(ours, theirs, strict=True)]
    low, median, high = statistics.quantiles(walls, n=4)
    return {
        "median": round(median, 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "cpu": round(statistics.median(cpus), 3),
    }
