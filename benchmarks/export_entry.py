"""Measures one model for export_matrix.py, in a process of its own: python export_entry.py JOB.

JOB is JSON: model, photos, weights, files, latency_only (the entry so far), result.
"""

import ast
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import kerascnn
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.runtime.benchmark import compare, cpu_name
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect
from kerascnn.export.runtime.verify import keras_outputs
from kerascnn.export.tflite import export_tflite

THREADS = 2
RECIPES = ("float32", "int8")
IMAGES = (".jpg", ".jpeg", ".png", ".webp")
QUIET = 0.5  # load average below which nothing else was going on


def main(job: dict[str, Any]) -> dict[str, Any]:
    """The entry of a model."""
    load = [round(value, 2) for value in os.getloadavg()]
    name, options = parse(job["model"])
    folder = Path(job["files"])
    paths = {recipe: folder / f"{job['model']}_{recipe}.tflite" for recipe in RECIPES}
    entry = job["latency_only"]
    if entry is None:
        folder.mkdir(parents=True, exist_ok=True)
        entry = _export(name, options, job, paths)
    _time(entry, paths, load, quiet=job["latency_only"] is not None and load[0] < QUIET)
    return entry


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """("MobileNet", {"alpha": 0.25}) from "MobileNet(alpha=0.25)"."""
    match = re.fullmatch(r"(\w+)(?:\((.*)\))?", text)
    if match is None:
        raise SystemExit(f"expected NAME or NAME(option=value, ...), got {text!r}")
    pairs = [pair.split("=", 1) for pair in (match[2] or "").split(",") if pair.strip()]
    return match[1], {key.strip(): ast.literal_eval(value) for key, value in pairs}


def _export(
    name: str, options: dict[str, Any], job: dict[str, Any], paths: dict[str, Path]
) -> dict[str, Any]:
    keras.utils.set_random_seed(0)
    model = kerascnn.create_model(name, weights=job["weights"], **options)
    macs = kerascnn.catalog.find(name).macs
    count = 64 if macs < 1e9 else 32 if macs < 5e9 else 12
    images = photos(job["photos"], model.input_shape[1:], 2 * count)
    samples, held_out = images[::2], images[1::2]
    if job["weights"] is None:
        enliven(model, samples[:16])
    wanted = keras_outputs(model, held_out)
    seconds, start = {}, time.perf_counter()
    float_file = convert_float(model, cache=False)
    seconds["conversion"] = time.perf_counter() - start
    files: dict[str, Any] = {}
    outputs = {"keras": wanted}
    for recipe, path in paths.items():
        start = time.perf_counter()
        result = export_tflite(
            model, path, recipe, samples, verify=False, overwrite=True, float_model=float_file
        )
        seconds[recipe] = time.perf_counter() - start
        summary = inspect(path)
        outputs[recipe] = TFLiteModel(path, threads=THREADS).predict(held_out)
        files[recipe] = {
            "bytes": result.bytes,
            "partitions": summary.delegate_partitions,
            "undelegated": dict(summary.undelegated_operators),
            "reasons": dict(summary.undelegated_reasons),
            "flex": list(summary.flex_operators),
        }
    files["float32"].update(_agreement(outputs["float32"], wanted))
    files["int8"].update(_agreement(outputs["int8"], outputs["float32"]))
    return {
        "input_shape": list(model.input_shape[1:]),
        "parameters": model.count_params(),
        "weights": "random" if job["weights"] is None else "trained",
        "images": {"kind": "photos" if job["photos"] else "digits", "held out": len(held_out)},
        "files": files,
        "seconds": {key: round(value, 2) for key, value in seconds.items()},
    }


def _time(entry: dict[str, Any], paths: dict[str, Path], load: list[float], quiet: bool) -> None:
    """Adds latencies, run by run in turn, and the seconds of one core that a run takes."""
    once = compare(list(paths.values()), threads=THREADS, runs=1, warmup=1).results[0].median_ms
    runs = int(np.clip(4000 / max(once, 1e-3), 10, 200))
    measured = compare(list(paths.values()), threads=THREADS, runs=runs, warmup=3)
    for recipe, result, cpu in zip(paths, measured.results, _cpu(paths, runs // 2), strict=True):
        entry["files"][recipe]["latency_ms"] = {
            "median": round(result.median_ms, 4),
            "min": round(result.min_ms, 4),
        }
        entry["files"][recipe]["cpu_ms"] = round(cpu, 4)
    entry["latency"] = {
        "threads": THREADS,
        "runs": runs,
        "load_average": load,
        "quiet": quiet,
        "cpu": cpu_name(),
    }


def _cpu(paths: dict[str, Path], runs: int) -> list[float]:
    """Median milliseconds of processor time on one thread: steady on a busy machine."""
    models = [TFLiteModel(path, threads=1) for path in paths.values()]
    pixels = [np.zeros(model.input.shape, model.input.dtype) + 100 for model in models]
    times: list[list[float]] = [[] for _ in models]
    for turn in range(2 + max(5, runs)):
        for model, image, taken in zip(models, pixels, times, strict=True):
            start = time.process_time()
            model.run(image.astype(model.input.dtype))
            if turn >= 2:
                taken.append((time.process_time() - start) * 1000)
    return [float(np.median(taken)) for taken in times]


def _agreement(got: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Share of equal best classes, and the error by how much the outputs differ between images."""
    spread = np.abs(wanted - wanted.mean(axis=0)).mean()
    return {
        "top1_agreement": round(float((got.argmax(-1) == wanted.argmax(-1)).mean()), 4),
        "relative_error": round(float(np.abs(got - wanted).mean() / max(spread, 1e-12)), 6),
    }


def photos(folder: str | None, shape: tuple[int, int, int], count: int) -> np.ndarray:
    """Images [count, height, width, channels], uint8: photos of a folder, or digits."""
    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    if folder is None:
        from sklearn.datasets import load_digits

        drawn = load_digits().images[:count] * (255 / 16)
        opened = [Image.fromarray(image.astype("uint8")) for image in drawn]
    else:
        found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in IMAGES)
        if len(found) < count:
            raise SystemExit(f"{folder} has {len(found)} images, {count} are needed")
        opened = [Image.open(found[i]) for i in np.linspace(0, len(found) - 1, count).astype(int)]
    sized = [image.convert(mode).resize((width, height), Image.BILINEAR) for image in opened]
    return np.stack([np.asarray(image).reshape(shape) for image in sized])


def enliven(model: keras.Model, images: np.ndarray) -> None:
    """Makes an untrained classifier answer differently to different images.

    Fresh networks give nearly the same answer to everything, which shows nothing of a file. Batch
    normalisation gets the statistics of these images, and the last layer is scaled and centred so
    that its probabilities spread.
    """
    norms = [layer for layer in model._flatten_layers() if hasattr(layer, "moving_mean")]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    if norms:  # in a graph, which lets go of what it no longer needs
        tf.function(model)(images.astype("float32"), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    weighted = [
        layer for layer in model._flatten_layers() if getattr(layer, "bias", None) is not None
    ]
    probabilities = keras_outputs(model, images).astype(np.float64)
    if not weighted or not np.allclose(probabilities.sum(-1), 1, atol=1e-3):
        return
    logits = np.log(np.maximum(probabilities, 1e-30))
    logits -= logits.mean(-1, keepdims=True)
    factor = 2.0 / max(float((logits - logits.mean(0)).std()), 1e-6)
    head = weighted[-1]
    if head.bias.shape[-1] == logits.shape[-1]:
        head.bias.assign((np.asarray(head.bias) - logits.mean(0)) * factor)
        head.kernel.assign(np.asarray(head.kernel) * factor)


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    answer = json.dumps(main(request))
    Path(request["result"]).write_text(answer, encoding="utf-8")
