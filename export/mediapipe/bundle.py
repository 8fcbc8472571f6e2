"""Reads a kerascnn bundle strictly, as export/CONTRACT.md asks, and judges a self-test.

The same file lies in every kit that needs it, so that each kit can be copied alone. Python 3.9 or
newer and numpy; no file of kerascnn.
"""

import hashlib
import json
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

SCHEMA_VERSION = 2
# {...: ...} an object with exactly these keys, [x] a list of x, (x, y) a list of an x and a y,
# {a, b} one of these, a type any value of it, a range an integer in it, NUMBER also one below 0.
# fmt: off
COUNT, NUMBER = range(1, 1 << 31), "a number"
REFERENCE = {"path": str, "sha256": str}
TENSOR = {"dtype": {"float32", "uint8", "int8", "int16"}, "scale": {float, None},
          "zero_point": {int, None}}
RESIZE = {"fit": {"stretch", "crop", "pad"}, "filter": {"bilinear"}, "antialias": {True},
          "pad_value": range(256)}
TOLERANCE = {"max_abs": float, "mean_abs": float, "top1_agreement": float}
FILE = {**REFERENCE, "recipe": str, "bytes": COUNT, "input": TENSOR, "output": TENSOR,
        "tolerance": TOLERANCE}
MANIFEST = {
    "schema_version": 1,
    "versions": {"kerascnn": str, "keras": str, "tensorflow": str, "ai_edge_litert": str,
                 "litert_quantizer": str},
    "model": {"name": str, "task": {"image-classification"}, "classes": COUNT,
              "parameters": range(1 << 62)},
    "input": {"shape": ({1}, COUNT, COUNT, {1, 3}), "layout": {"NHWC"},
              "color": {"grayscale", "rgb"}, "range": ({0}, {255}), "resize": RESIZE},
    "output": {"shape": ({1}, COUNT), "kind": {"probabilities", "logits"}},
    "labels": REFERENCE,
    "golden": {**REFERENCE, "count": COUNT},
    "files": [FILE],
    "reports": {"json": REFERENCE, "html": REFERENCE},
}
# Version 2 knows more tasks: what their outputs and the limits of the self-test have.
KINDS = {
    "image-classification": {"kind": {"probabilities", "logits"}, "thresholds": None,
                             "ranges": None},
    "image-multi-label": {"kind": {"scores"}, "thresholds": [float], "ranges": None},
    "image-regression": {"kind": {"quantities"}, "thresholds": None,
                         "ranges": [(NUMBER, NUMBER)]},
}
AGREEMENT = {"image-classification": "top1_agreement", "image-multi-label": "decision_agreement"}
READ_ERRORS = (OSError, ValueError, TypeError, LookupError, EOFError, MemoryError, struct.error,
               zlib.error, zipfile.BadZipFile)
# fmt: on


class KitError(Exception):
    """Bad input."""


def require(condition: object, message: str) -> None:
    if not condition:
        raise KitError(message)


def no_doubles(pairs: list) -> dict:
    require(len(dict(pairs)) == len(pairs), "manifest.json has a key twice in one object")
    return dict(pairs)


def fits(value, spec) -> bool:
    if isinstance(spec, range):
        return type(value) is int and value in spec
    if spec in (float, NUMBER):  # none of the manifest's can be infinite or no number
        least = 0 if spec is float else -math.inf
        return type(value) in (int, float) and least <= value and abs(value) < math.inf
    return type(value) is spec or (type(value) is type(spec) and value == spec)


def check(value, spec, where: str = "manifest.json") -> None:
    """Strict in both directions: a key this kit does not know could change what a file means."""
    if isinstance(spec, dict):
        require(isinstance(value, dict), f"{where} must be an object")
        unknown, missing = sorted(value.keys() - spec.keys()), sorted(spec.keys() - value.keys())
        require(not unknown, f"{where}: unknown key {unknown}; known are {list(spec)}")
        require(not missing, f"{where}: missing key {missing}")
        for key, inner in spec.items():
            check(value[key], inner, f"{where}: {key}")
    elif isinstance(spec, (list, tuple)):
        count = len(value) if isinstance(value, list) else 0
        right = count == len(spec) if isinstance(spec, tuple) else count > 0
        require(right, f"{where} must be a list of {len(spec)} or more, not {value!r}")
        for i in range(count):
            check(value[i], spec[min(i, len(spec) - 1)], f"{where}[{i}]")
    else:
        options = spec if isinstance(spec, set) else {spec}
        right = any(fits(value, option) for option in options)
        require(right, f"{where} must be one of {options}, not {value!r}")


def spec_of(manifest: object) -> dict:
    """What a manifest of this version and task must hold."""
    model = manifest.get("model") if isinstance(manifest, dict) else None
    task = model.get("task") if isinstance(model, dict) else None
    if not isinstance(manifest, dict) or manifest.get("schema_version") != 2 or task not in KINDS:
        return MANIFEST  # of version 1, or wrong: the check says where
    keys = ("top1_agreement", "decision_agreement")
    agreement = {key: float if key == AGREEMENT.get(task) else None for key in keys}
    file = {**FILE, "tolerance": {**TOLERANCE, **agreement}}
    return {
        **MANIFEST,
        "schema_version": 2,
        "model": {**MANIFEST["model"], "task": {task}},
        "output": {"shape": ({1}, COUNT), **KINDS[task]},
        "files": [file],
    }


def check_file(folder: Path, reference: dict) -> None:
    path, expected = folder / reference["path"], reference["sha256"]
    bare = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}", reference["path"])
    inside = bare and path.resolve().parent == folder.resolve()
    require(inside, f"manifest.json: path {reference['path']!r} leaves the bundle")
    require(path.is_file(), f"{path} is missing")
    size, found = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = reference.get("bytes", size)
    require(size == wanted, f"{path} is damaged: {size} bytes, expected {wanted}")
    require(found == expected, f"{path} was altered: sha256 {found}, expected {expected}")


def read_bundle(folder: Path) -> tuple:
    """The manifest and the labels, after checking every file the manifest names."""
    path = folder / "manifest.json"
    require(path.is_file(), f"not a bundle: {path} does not exist")
    try:
        manifest = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=no_doubles)
    except (ValueError, RecursionError) as error:
        raise KitError(f"{path} is not JSON: {error}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        newest = f"this kit reads {SCHEMA_VERSION}: upgrade it"
        raise KitError(f"made by a newer kerascnn: schema {version}, {newest}")
    check(manifest, spec_of(manifest))
    files, classes = manifest["files"], manifest["model"]["classes"]
    channels = {"rgb": 3, "grayscale": 1}[manifest["input"]["color"]]
    agree = channels == manifest["input"]["shape"][3] and classes == manifest["output"]["shape"][1]
    require(agree, "manifest.json: a shape disagrees with input.color or model.classes")
    for key in ("thresholds", "ranges"):
        count = len(manifest["output"].get(key) or range(classes))
        require(count == classes, f"manifest.json: output: {count} {key} for {classes} outputs")
    require(len({file["recipe"] for file in files}) == len(files), "files: a recipe appears twice")
    reports = manifest["reports"].values()
    for reference in (manifest["labels"], manifest["golden"], *files, *reports):
        check_file(folder, reference)
    text = (folder / manifest["labels"]["path"]).read_bytes().decode("utf-8", "replace")
    labels = (text[:-1] if text.endswith("\n") else text).split("\n")
    require(len(labels) == classes, f"{len(labels)} labels for {classes} classes")
    return manifest, labels


def choose_files(manifest: dict, recipe) -> list:
    """The files of the bundle, or the one of `recipe`."""
    files = [file for file in manifest["files"] if recipe in (None, file["recipe"])]
    known = [file["recipe"] for file in manifest["files"]]
    require(files, f"no recipe {recipe!r} in the bundle; it has {known}")
    return files


def read_golden(folder: Path, manifest: dict) -> tuple:
    """Golden inputs, uint8 [n, H, W, C], and outputs, float32 [n, classes]."""
    path, count = folder / manifest["golden"]["path"], manifest["golden"]["count"]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs, outputs = arrays["inputs"], arrays["outputs"]
    except READ_ERRORS as error:
        raise KitError(f"{path} cannot be read: {error}") from error
    shapes = [(count, *manifest[side]["shape"][1:]) for side in ("input", "output")]
    right = [inputs.shape, outputs.shape] == shapes and inputs.dtype == np.uint8
    require(right and outputs.dtype == np.float32, f"{path} does not hold what the manifest says")
    return inputs, outputs


def agreement(task: str, output: dict, expected: np.ndarray, found: np.ndarray):
    """The share of answers that are alike, and its name; None for quantities."""
    if task == "image-regression":
        return None, "no agreement"
    if task == "image-multi-label":
        limits = np.array(output["thresholds"])
        return np.mean((expected > limits) == (found > limits)), "same decisions"
    rows, top = np.arange(len(expected)), expected.argmax(axis=1)
    return np.mean(found[rows, top] == found.max(axis=1)), "same top class"  # a tie agrees


def units(output: dict) -> np.ndarray:
    """What differences are divided by before they are compared: the range of each quantity."""
    if not output.get("ranges"):
        return np.ones(1)
    low, high = np.array(output["ranges"], np.float64).T
    return np.maximum(np.maximum(high - low, 0.01 * np.maximum(abs(low), abs(high))), 1e-6)


def judge(manifest: dict, file: dict, found: np.ndarray, expected: np.ndarray, note="") -> bool:
    """Prints one line on a file's answers to the golden inputs; whether they are near enough."""
    task, output, limits = manifest["model"]["task"], manifest["output"], file["tolerance"]
    difference = np.abs(found - expected) / units(output)
    largest, mean = difference.max(), difference.mean()
    passed = largest <= limits["max_abs"] and mean <= limits["mean_abs"]  # never with a NaN
    share, name = agreement(task, output, expected, found)
    passed = bool(passed and (share is None or share >= limits[AGREEMENT[task]]))
    alike = "" if share is None else f"{name} on {share:.0%} of {len(expected)}, "
    part = "" if share is not None else " of range"
    print(
        f"{'ok  ' if passed else 'FAIL'} {file['recipe']:<16} {alike}"
        f"difference{part} max {largest:.3g} (limit {limits['max_abs']:.3g}), "
        f"mean {mean:.3g} (limit {limits['mean_abs']:.3g}){note}"
    )
    return passed
