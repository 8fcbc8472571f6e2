"""How long a model takes to be there: building it, and its first step and prediction.

    python benchmarks/build_time.py [MODEL ...] [--peers keras.applications] [--batch 16]
        [--size 128] [--runs 3] [--name build_time]

Every measurement is a fresh process, libraries in turn; importing them is not counted. The first
training step and the first prediction include tracing and compiling. Writes
benchmarks/results/NAME.json and the tables of benchmarks/README.md.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import record
import tables

STEPS = ("build", "first_step", "first_prediction")


def child(library: str, peer: str, model: str, batch: int, size: int) -> dict[str, float]:
    """Measures one library in this process; ours with the details of `peer`."""
    import contenders
    import keras

    work = contenders.Work(batch, size, 1)
    _warm_up(keras)
    make = (
        contenders.our_builder(model, work, peer)
        if library == contenders.OURS
        else contenders.builder(library, model, work)
    )
    if make is None:
        return {}
    moments = [time.perf_counter()]
    built = make()
    moments.append(time.perf_counter())
    ready = contenders.contender(library, built, work)
    ready.train()
    moments.append(time.perf_counter())
    ready.infer()
    moments.append(time.perf_counter())
    return {name: moments[i + 1] - moments[i] for i, name in enumerate(STEPS)}


def _warm_up(keras: Any) -> None:
    """What the first model of a process pays, whatever it is."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    model.compile("sgd", "mse")
    zeros = keras.ops.zeros((2, 4))
    model.train_on_batch(zeros, zeros[:, :2])


def main() -> None:
    """Runs the benchmark from the command line."""
    import contenders

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ["ResNet50", "MobileNetV2", "EfficientNetB0", "ConvNeXtTiny"]
    parser.add_argument("models", nargs="*", default=default, metavar="MODEL")
    installed = [peer for peer in contenders.PEERS if contenders.installed(peer)]
    parser.add_argument("--peers", nargs="+", choices=contenders.PEERS, default=installed)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--name", default="build_time", help="of the file in benchmarks/results")
    parser.add_argument("--child", metavar="LIBRARY", help=argparse.SUPPRESS)
    args = parser.parse_args()
    models, peers = contenders.check(args.models, args.peers)
    if args.child:
        print(json.dumps(child(args.child, peers[0], models[0], args.batch, args.size)))
        return
    report = {model: _compare(model, peers, args) for model in models}
    figures = {
        "benchmark": "build_time",
        "batch": args.batch,
        "size": args.size,
        "runs": args.runs,
        "peer_versions": contenders.versions(),
        "models": report,
    }
    print(record.write(args.name, figures))
    tables.update()


def _compare(model: str, peers: list[str], args: argparse.Namespace) -> dict[str, Any]:
    import contenders

    libraries = [contenders.OURS, *peers]
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(args.runs):
        for library in libraries:
            command = [sys.executable, __file__, model, "--child", library, "--peers", peers[0]]
            command += ["--batch", str(args.batch), "--size", str(args.size)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{library}: {done.stderr[-2000:]}")
            for step, value in json.loads(done.stdout.splitlines()[-1]).items():
                seconds.setdefault(library, {}).setdefault(step, []).append(value)
    result: dict[str, Any] = {}
    for library, steps in seconds.items():
        result[library] = {step: record.summary(values) for step, values in steps.items()}
        times = "  ".join(f"{step} {row['median']:.2f} s" for step, row in result[library].items())
        print(f"{model:<18} {library:<19} {times}", flush=True)
    return result


if __name__ == "__main__":
    main()
