"""How long the library and its command line take to start: whole processes, in turn.

    python benchmarks/startup.py [--runs 15]

Writes benchmarks/results/startup.json. `import keras` is there for comparison.
"""

import argparse
import subprocess
import sys
import time

import record

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import kerascnn": [sys.executable, "-c", "import kerascnn"],
    "kerascnn --help": [sys.executable, "-m", "kerascnn", "--help"],
    "import keras": [sys.executable, "-c", "import keras"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):  # the first turn warms the file cache and is not counted
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    figures = {name: record.summary(values) for name, values in seconds.items()}
    bare = figures["python -c pass"]["median"]
    for name, figure in figures.items():
        figure["over_bare_python_ms"] = round(1000 * (figure["median"] - bare), 1)
        print(
            f"{name:<16} {1000 * figure['median']:8.1f} ms "
            f"({figure['over_bare_python_ms']:+.1f} ms over bare Python)"
        )
    print(record.write("startup", {"runs": runs, "seconds": figures}))


if __name__ == "__main__":
    main()
