"""Our .tflite files against those of keras.applications by Keras's own export, of equal networks.

    python benchmarks/export.py [MODEL ...] [--size 224] [--images 32] [--photos FOLDER]
        [--threads 2] [--rounds 60] [--budget 60] [--name export]

float32: `kerascnn.export.convert_float` against `model.export(..., format="litert")`. int8:
`kerascnn.export.quantize` against the TensorFlow converter's post-training quantisation, on the
same images, both with uint8 input and output. Weights are random, the number of parameters is
equal, but for biases that end up in others. The files take turns, run by run. Writes
benchmarks/results/NAME.json.

A ratio is ours divided by theirs, the median over the rounds: below 1 is faster. `cpu` is the same
for the seconds of all cores together, which is the steadier figure on a machine with other work.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contenders
import export_entry
import keras
import numpy as np
import record
import turns
from contenders import Work

from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect

MODELS = (
    "ResNet50",
    "MobileNetV2",
    "MobileNetV3Large",
    "EfficientNetB0",
    "DenseNet121",
    "InceptionV3",
    "VGG16",
    "ConvNeXtTiny",
)
THEIRS = "keras.applications"
# ResNet50 of theirs has biases in front of batch normalisation; in a file both have one bias.
_BIASES = 0.002


def main() -> None:
    """Compares all models and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=32, help="to calibrate int8 on")
    parser.add_argument("--photos", help="folder of images to calibrate on; digits otherwise")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds per pair of files")
    parser.add_argument("--name", default="export", help="of the file in benchmarks/results")
    args = parser.parse_args()
    names, _ = contenders.check(args.models, [THEIRS])
    report: dict[str, Any] = {}
    load = [round(value, 2) for value in os.getloadavg()]
    for name in names:
        report[name] = _compare(name, args)
        keras.utils.clear_session()
        figures = {
            "benchmark": "export",
            "size": args.size,
            "images": args.images,
            "threads": args.threads,
            "load_average": load,
            "models": report,
            "geometric_means": _means(report),
        }
        path = record.write(args.name, figures)  # after each model: nothing is lost
    print("geometric means, ours / theirs:", figures["geometric_means"])
    print(path)


def _compare(name: str, args: argparse.Namespace) -> dict[str, Any]:
    work = Work(1, args.size, 1)
    make = contenders.builder(THEIRS, name, work)
    if make is None:
        raise SystemExit(f"keras.applications has no {name}")
    images = export_entry.photos(args.photos, (args.size, args.size, 3), args.images)
    keras.utils.set_random_seed(0)
    ours, theirs = contenders.our_builder(name, work, THEIRS)(), make()
    parameters = [_trainable(ours), _trainable(theirs)]
    if abs(parameters[0] - parameters[1]) > _BIASES * parameters[1]:
        raise SystemExit(f"{name}: {parameters[0]} trainable parameters against {parameters[1]}")
    seconds: dict[str, dict[str, float]] = {"float32": {}, "int8": {}}
    float_files, int8_files = [], []
    start = time.perf_counter()
    float_files.append(convert_float(ours, cache=False))
    seconds["float32"]["kerascnn"] = time.perf_counter() - start
    int8_files.append(quantize(float_files[0], "int8", images, "uint8"))
    seconds["int8"]["kerascnn"] = time.perf_counter() - start
    for kind, files, convert in (
        ("float32", float_files, _keras_float),
        ("int8", int8_files, _converter_int8),
    ):
        start = time.perf_counter()
        files.append(convert(theirs, images))
        seconds[kind][THEIRS] = time.perf_counter() - start
    result: dict[str, Any] = {"trainable_parameters": parameters}
    for kind, files in (("float32", float_files), ("int8", int8_files)):
        made = seconds[kind]
        result[kind] = {
            "kerascnn": _describe(files[0], made["kerascnn"]),
            THEIRS: _describe(files[1], made[THEIRS]),
            "making": round(made["kerascnn"] / made[THEIRS], 3),
            **_race(files, args),
        }
        ratio = result[kind]["ratio"]
        print(
            f"{name:<18} {kind:<8} {ratio['median']:.3f}x (cores {ratio['cpu']:.3f}x), made in "
            f"{made['kerascnn']:.1f} s against {made[THEIRS]:.1f} s; partitions "
            + " against ".join(str(result[kind][owner]["partitions"]) for owner in made),
            flush=True,
        )
    return result


def _keras_float(model: keras.Model, images: np.ndarray) -> bytes:
    """What `model.export` writes; `images` are for conversions that need some."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        model.export(str(path), format="litert", verbose=False)
        return path.read_bytes()


def _converter_int8(model: keras.Model, images: np.ndarray) -> bytes:
    """Post-training quantisation as the converter's guide has it."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32")]
        model.export(folder, input_signature=signature, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [image[np.newaxis].astype("float32")] for image in images
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        content: bytes = converter.convert()
        return content


def _race(files: list[bytes], args: argparse.Namespace) -> dict[str, Any]:
    """Latencies of our and their file, and how they compare in the same round."""
    actions: dict[str, Callable[[], Any]] = {}
    for owner, file in zip(("kerascnn", THEIRS), files, strict=True):
        model = TFLiteModel(file, threads=args.threads)
        shape = [1 if size == -1 else size for size in model.input.shape]
        pixels = np.random.default_rng(0).integers(0, 256, shape).astype(model.input.dtype)
        actions[owner] = lambda model=model, pixels=pixels: model.run(pixels)  # type: ignore[misc]
    measured = turns.race(actions, args.rounds, 5, args.budget)
    walls, cpus = (
        [
            getattr(a, field) / getattr(b, field)
            for a, b in zip(measured["kerascnn"], measured[THEIRS], strict=True)
        ]
        for field in ("wall", "cpu")
    )
    low, median, high = statistics.quantiles(walls, n=4)
    return {
        "latency_ms": {
            owner: record.summary([1000 * turn.wall for turn in taken])
            for owner, taken in measured.items()
        },
        "ratio": {
            "median": round(median, 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "cpu": round(statistics.median(cpus), 3),
        },
        "rounds": len(walls),
    }


def _describe(file: bytes, seconds: float) -> dict[str, Any]:
    summary = inspect(file)
    return {
        "bytes": summary.bytes,
        "partitions": summary.delegate_partitions,
        "undelegated": dict(summary.undelegated_operators),
        "seconds": round(seconds, 2),
    }


def _means(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Geometric means over the models: latency by the clock and by all cores, and making."""
    rows = report.values()
    return {
        kind: {
            "latency": _geometric([row[kind]["ratio"]["median"] for row in rows]),
            "cpu": _geometric([row[kind]["ratio"]["cpu"] for row in rows]),
            "making": _geometric([row[kind]["making"] for row in rows]),
        }
        for kind in ("float32", "int8")
    }


def _geometric(values: list[float]) -> float:
    return round(math.exp(sum(map(math.log, values)) / len(values)), 3)


def _trainable(model: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


if __name__ == "__main__":
    main()
