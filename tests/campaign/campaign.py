"""Hundreds of bad inputs, and trainings that are killed: what must be 0 in every column.

    python tests/campaign/campaign.py                           # all of it, about half an hour
    python tests/campaign/campaign.py --cases 60 --kills 0      # a sample, drawn by --seed
    python tests/campaign/campaign.py --only table --verbose    # one group, with what was said

Each case runs in a process forked from this one, which has loaded TensorFlow and done nothing with
it, under limits of memory, time and file size. `judging.FAULTS` are the columns. The full
campaign's table, written by --record, is benchmarks/results/bad_inputs.json.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERASCNN_CONVERSIONS"] = "off"
sys.path[:0] = [str(HERE), *(str(TESTS / name) for name in ("", "kits", "data", "inputs", "files"))]
sys.path.append(str(TESTS.parent / "benchmarks"))

# ruff: noqa: E402
import bad_calls
import bad_images
import bad_models_and_bundles
import bad_options
import bad_tables
import kills
import record
import world
from judging import FAULTS, Case, Outcome, judge

SOURCES = (bad_images, bad_tables, bad_options, bad_models_and_bundles, bad_calls)


def all_cases(seed: int) -> list[Case]:
    return [case for source in SOURCES for case in source.cases(seed)]


def chosen(cases: list[Case], count: int | None, seed: int) -> list[Case]:
    """A sample with something of each group."""
    if count is None or count >= len(cases):
        return cases
    rng = random.Random(f"sample {seed}")
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    share = count / len(cases)
    return [
        case
        for group in groups.values()
        for case in rng.sample(group, max(1, round(share * len(group))))
    ]


def preload() -> None:
    """Imports what cases use, so that each fork has it; nothing may compute here."""
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import tensorflow  # noqa: F401

    import kerascnn.export
    import kerascnn.inference
    import kerascnn.training
    import kerascnn.transfer
    import kerascnn.visualize  # noqa: F401


def table(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """How many cases of each group there were, and what was wrong with them."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        row = found.setdefault(outcome.case.group, Counter(dict.fromkeys(("cases", *FAULTS), 0)))
        row["cases"] += 1
        row.update(outcome.faults)
    rows = {group: dict(row) for group, row in found.items()}
    rows["all"] = {name: sum(row[name] for row in rows.values()) for name in ("cases", *FAULTS)}
    return rows


def show(rows: dict[str, dict[str, int]]) -> None:
    names = ("cases", *FAULTS)
    print(" " * 10, *(f"{name:>9}" for name in names))
    for group, row in rows.items():
        print(f"{group:10}", *(f"{row[name]:9}" for name in names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, help="a sample of so many [all]")
    parser.add_argument("--kills", type=int, default=20, help="trainings killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="cases whose group and name have this in them")
    parser.add_argument("--json", type=Path, help="where the table goes")
    parser.add_argument("--record", action="store_true", help="write it into benchmarks/results")
    parser.add_argument("--verbose", action="store_true", help="show what each case said")
    given = parser.parse_args()
    cases = chosen(all_cases(given.seed), given.cases, given.seed)
    if given.only:
        cases = [case for case in cases if given.only in f"{case.group}: {case.name}"]
    preload()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder) / "world"
        world.make(good)
        for number, case in enumerate(cases):
            outcome = judge(case, good, Path(folder) / f"{number:04}")
            outcomes.append(outcome)
            if outcome.faults or given.verbose:
                told = " ".join(outcome.said.split())
                told = told if len(told) < 600 else f"{told[:300]} ... {told[-300:]}"
                faults = ", ".join(outcome.faults) or "well"
                print(
                    f"{faults}: {case.group}: {case.name!a}: exit {outcome.code}, "
                    f"{outcome.seconds:.1f} s, {outcome.memory >> 20} MiB: {told!a}",
                    flush=True,
                )
        if given.kills:
            outcomes += kills.all_of(Path(folder) / "kills", given.kills, given.seed)
    rows = table(outcomes)
    show(rows)
    if given.json is not None:
        given.json.write_text(json.dumps({"seed": given.seed, "table": rows}, indent=1) + "\n")
    if given.record:
        record.write("bad_inputs", {"benchmark": "bad_inputs", "seed": given.seed, "table": rows})
    sys.exit(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    main()
