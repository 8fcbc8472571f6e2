"""What the benchmarks of training and inference share: arguments, groups, ratios, the result."""

import argparse
import gc
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import contenders
import keras
import record
import tables
import turns
from contenders import OURS, PEERS, Contender, Work

# Libraries whose details our network follows when it runs against them.
GROUPS = (("keras.applications",), ("torchvision", "timm", "keras-hub"))
# Over which models the means are taken. Without ConvNeXt against keras.applications, where one
# slow convolution of theirs would carry the mean.
HEADLINE = {
    "keras.applications": (
        *("ResNet50", "MobileNetV2", "MobileNetV3Large", "EfficientNetB0"),
        *("DenseNet121", "InceptionV3", "VGG16"),
    ),
    "torchvision": ("ResNet50", "MobileNetV2", "EfficientNetB0", "ConvNeXtTiny"),
}


def main(
    name: str,
    description: str | None,
    models: Sequence[str],
    action: Callable[[Contender], Any],
    batches: int,
) -> None:
    """Runs a benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=list(models), metavar="MODEL")
    installed = [peer for peer in PEERS if contenders.installed(peer)]
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=installed)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--budget", type=float, default=120.0, help="seconds per group of models")
    parser.add_argument("--threads", type=int, help="of PyTorch; default: all cores")
    parser.add_argument("--name", default=name, help="of the file in benchmarks/results")
    args = parser.parse_args()
    models, peers = contenders.check(args.models, args.peers)
    _set_threads(args.threads)
    work = Work(args.batch, args.size, batches)
    report: dict[str, Any] = {}
    for model in models:
        report[model] = _compare(model, peers, work, action, args)
    figures = {
        "benchmark": name,
        "batch": args.batch,
        "size": args.size,
        "images_per_turn": args.batch * batches,
        "backend": keras.backend.backend(),
        "dtype": keras.config.dtype_policy().name,
        "peer_versions": contenders.versions(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "models": report,
        "geometric_means": _means(report),
    }
    print("geometric means:", figures["geometric_means"])
    print(record.write(args.name, figures))
    tables.update()


def _set_threads(threads: int | None) -> None:
    if contenders.installed("torchvision"):
        import torch

        torch.set_num_threads(threads or os.cpu_count() or 1)


def _compare(
    model: str,
    peers: Sequence[str],
    work: Work,
    action: Callable[[Contender], Any],
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Figures of every library, and our advantage over each peer."""
    result: dict[str, Any] = {"libraries": {}, "advantage": {}}
    for group in GROUPS:
        builders = {
            peer: make
            for peer in group
            if peer in peers and (make := contenders.builder(peer, model, work)) is not None
        }
        if not builders:
            continue
        builders = {OURS: contenders.our_builder(model, work, next(iter(builders))), **builders}
        ready = {name: contenders.contender(name, make(), work) for name, make in builders.items()}
        actions = {name: (lambda c=c: action(c)) for name, c in ready.items()}
        measured = turns.race(actions, args.rounds, args.warmup, args.budget)
        images = args.batch * work.batches
        for name, taken in measured.items():
            key = f"{OURS} like {group[0]}" if name == OURS else name
            result["libraries"][key] = {
                "trainable_parameters": ready[name].parameters,
                **turns.figures(taken, images),
            }
        for peer in group:
            if peer in measured:
                result["advantage"][peer] = turns.advantage(measured[OURS], measured[peer])
                line = result["advantage"][peer]
                print(
                    f"{model:<18} {peer:<19} {line['median']:6.2f}x "
                    f"({line['low']:.2f} to {line['high']:.2f}; cores {line['cpu']:.2f}x)  "
                    f"{images / _median(measured[OURS]):8.1f} against "
                    f"{images / _median(measured[peer]):8.1f} images/s",
                    flush=True,
                )
        del ready, actions, measured
        keras.utils.clear_session()
        gc.collect()
    return result


def _median(taken: list[turns.Turn]) -> float:
    return turns.figures(taken, 1)["seconds"]["median"]


def _means(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Per peer: geometric means by the clock and over all cores, of the models in HEADLINE."""
    means = {}
    for peer in PEERS:
        chosen = HEADLINE.get(peer, tuple(report))
        found = {
            name: row["advantage"][peer]
            for name, row in report.items()
            if name in chosen and peer in row["advantage"]
        }
        if found:
            means[peer] = {
                "models": list(found),
                "median": round(_geometric([line["median"] for line in found.values()]), 3),
                "cpu": round(_geometric([line["cpu"] for line in found.values()]), 3),
                "smallest": min(line["median"] for line in found.values()),
            }
    return means


def _geometric(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))
