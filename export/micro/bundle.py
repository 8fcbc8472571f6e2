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

SCHEMA_VERSION = 3
# {...: ...} an object with exactly these keys, [x] a list of x, (x, y) a list of an x and a y,
# {a, b} one of these, a type any value of it, a range an integer in it, NUMBER also one below 0.
# fmt: off
COUNT, NUMBER = range(1, 1 << 31), "a number"
REFERENCE = {"path": str, "sha256": str}
TENSOR = {"dtype": {"float32", "uint8", "int8", "int16"}, "scale": {float, None},
          "zero_point": {int, None}}
RESIZE = {"fit": {"stretch", "crop", "pad"}, "filter": {"bilinear"}, "antialias": {True},
          "pad_value": range(256)}
FILE = {**REFERENCE, "recipe": str, "bytes": COUNT, "input": TENSOR}
MANIFEST = {  # what all versions share
    "schema_version": {1, 2, 3},
    "versions": {"kerascnn": str, "keras": str, "tensorflow": str, "ai_edge_litert": str,
                 "litert_quantizer": str},
    "model": {"name": str, "task": str, "classes": COUNT, "parameters": range(1 << 62)},
    "input": {"shape": ({1}, COUNT, COUNT, {1, 3}), "layout": {"NHWC"},
              "color": {"grayscale", "rgb"}, "range": ({0}, {255}), "resize": RESIZE},
    "labels": REFERENCE,
    "golden": {**REFERENCE, "count": COUNT},
    "reports": {"json": REFERENCE, "html": REFERENCE},
}
# What the one output of versions 1 and 2 has by its task, and the kind that version 3 calls it.
KINDS = {
    "image-classification": {"kind": {"probabilities", "logits"}, "thresholds": None,
                             "ranges": None},
    "image-multi-label": {"kind": {"scores"}, "thresholds": [float], "ranges": None},
    "image-regression": {"kind": {"quantities"}, "thresholds": None,
                         "ranges": [(NUMBER, NUMBER)]},
}
AGREEMENT = {"image-classification": "top1_agreement", "image-multi-label": "decision_agreement"}
TASKS = {"image-classification": ("classification", "scores"),
         "image-multi-label": ("multi_label", "scores"),
         "image-regression": ("regression", "values")}
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
    """What a manifest of this version, with these outputs, must hold."""
    manifest = manifest if isinstance(manifest, dict) else {}
    version, outputs = manifest.get("schema_version"), manifest.get("outputs")
    if version in (1, 2):
        return old_spec(manifest, version)
    outputs = [one for one in outputs if isinstance(one, dict)] if type(outputs) is list else []
    specs, limits = [], []
    for output in outputs:
        kind, given = output.get("kind"), output.get("thresholds") is not None
        specs.append({
            "role": str, "shape": [COUNT],
            "kind": {"probabilities", "logits", "independent", "quantities"},
            "thresholds": [float] if kind == "independent" and given else None,
            "ranges": [(NUMBER, NUMBER)] if kind == "quantities" else None,
        })  # fmt: skip
        agreement = None if kind == "quantities" else float
        limits.append({"max_abs": float, "mean_abs": float, "agreement": agreement})
    tensors = (TENSOR,) * len(specs)
    file = {**FILE, "outputs": tensors, "tolerances": tuple(limits)}
    return {**MANIFEST, "schema_version": 3, "outputs": tuple(specs) or [str], "files": [file]}


def old_spec(manifest: dict, version: int) -> dict:
    """The same of versions 1 and 2, which have one output."""
    model = manifest.get("model")
    task = model.get("task") if isinstance(model, dict) else None
    known = KINDS if version == 2 else ("image-classification",)
    task = task if isinstance(task, str) and task in known else "image-classification"
    output = {"shape": ({1}, COUNT), **KINDS[task]}
    limits = {"max_abs": float, "mean_abs": float}
    for key in ("top1_agreement", "decision_agreement"):
        limits[key] = float if key == AGREEMENT.get(task) else None
    if version == 1:
        for key, part in (("thresholds", output), ("ranges", output)):
            del part[key]
        del limits["decision_agreement"]
    return {
        **MANIFEST,
        "model": {**MANIFEST["model"], "task": {task}},
        "output": output,
        "files": [{**FILE, "output": TENSOR, "tolerance": limits}],
    }


def upgraded(manifest: dict) -> dict:
    """A manifest of version 1 or 2 in the form of version 3; it keeps its number."""
    if manifest["schema_version"] == 3:
        return manifest
    task, role = TASKS[manifest["model"]["task"]]
    agreement = AGREEMENT.get(manifest["model"]["task"])
    output = {"thresholds": None, "ranges": None, **manifest["output"], "role": role}
    if output["kind"] == "scores":
        output["kind"] = "independent"
    files = []
    for file in manifest["files"]:
        limits = file["tolerance"]
        limits = {
            "max_abs": limits["max_abs"], "mean_abs": limits["mean_abs"],
            "agreement": limits[agreement] if agreement else None,
        }  # fmt: skip
        files.append({**file, "outputs": [file["output"]], "tolerances": [limits]})
    model = {**manifest["model"], "task": task}
    return {**manifest, "model": model, "outputs": [output], "files": files}


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
    manifest = upgraded(manifest)
    files, classes, outputs = (
        manifest["files"],
        manifest["model"]["classes"],
        manifest["outputs"],
    )
    channels = {"rgb": 3, "grayscale": 1}[manifest["input"]["color"]]
    agree = channels == manifest["input"]["shape"][3] and classes == names_of(outputs[0])
    require(agree, "manifest.json: a shape disagrees with input.color or model.classes")
    require(len({one["role"] for one in outputs}) == len(outputs), "outputs: a role appears twice")
    for output in outputs:
        shape = output["shape"]
        require(len(shape) > 1 and shape[0] == 1, f"manifest.json: output shape {shape}")
        for key in ("thresholds", "ranges"):
            count = len(output[key] or range(shape[-1]))
            require(count == shape[-1], f"manifest.json: {count} {key} for {shape[-1]} outputs")
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


def is_binary(output: dict) -> bool:
    """Whether one number stands for two classes: it is the probability of the second."""
    single = output["kind"] == "independent" and output["shape"][-1] == 1
    return single and output["thresholds"] is None


def names_of(output: dict) -> int:
    """How many classes, labels or quantities an output has."""
    return 2 if is_binary(output) else output["shape"][-1]


def widened(output: dict, values: np.ndarray) -> np.ndarray:
    """The values with one for each class."""
    return np.concatenate([1 - values, values], axis=-1) if is_binary(output) else values


def read_golden(folder: Path, manifest: dict) -> tuple:
    """Golden inputs, uint8 [n, H, W, C], and by role the outputs, float32 [n, ...]."""
    path, count = folder / manifest["golden"]["path"], manifest["golden"]["count"]
    older, outputs = manifest["schema_version"] < 3, manifest["outputs"]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs = arrays["inputs"]
            found = {one["role"]: arrays["outputs" if older else one["role"]] for one in outputs}
    except READ_ERRORS as error:
        raise KitError(f"{path} cannot be read: {error}") from error
    right = inputs.shape == (count, *manifest["input"]["shape"][1:]) and inputs.dtype == np.uint8
    for output in outputs:
        values = found[output["role"]]
        right = right and values.shape == (count, *output["shape"][1:])
        right = right and values.dtype == np.float32
    require(right, f"{path} does not hold what the manifest says")
    return inputs, found


def agreement(output: dict, expected: np.ndarray, found: np.ndarray):
    """The share of answers that are alike, and its name; None for quantities."""
    if output["kind"] == "quantities":
        return None, "no agreement"
    if output["thresholds"] is not None:
        limits = np.array(output["thresholds"])
        return np.mean((expected > limits) == (found > limits)), "same decisions"
    expected, found = widened(output, expected), widened(output, found)
    top = expected.argmax(axis=-1)[..., np.newaxis]
    alike = np.take_along_axis(found, top, axis=-1)[..., 0] == found.max(axis=-1)
    return np.mean(alike), "same top class"  # a tie agrees


def units(output: dict) -> np.ndarray:
    """What differences are divided by before they are compared: the range of each quantity."""
    if not output["ranges"]:
        return np.ones(1)
    low, high = np.array(output["ranges"], np.float64).T
    return np.maximum(np.maximum(high - low, 0.01 * np.maximum(abs(low), abs(high))), 1e-6)


def near(output: dict, limits: dict, expected: np.ndarray, found: np.ndarray):
    """Whether an output is near enough to the golden one, and what was measured, in words."""
    difference = np.abs(found - expected) / units(output)
    largest, mean = difference.max(), difference.mean()
    passed = largest <= limits["max_abs"] and mean <= limits["mean_abs"]  # never with a NaN
    share, name = agreement(output, expected, found)
    passed = passed and (share is None or share >= limits["agreement"])
    alike = "" if share is None else f"{name} on {share:.0%} of {len(expected)}, "
    part = "" if share is not None else " of range"
    return passed, (
        f"{alike}difference{part} max {largest:.3g} (limit {limits['max_abs']:.3g}), "
        f"mean {mean:.3g} (limit {limits['mean_abs']:.3g})"
    )


def judge(manifest: dict, file: dict, found: dict, expected: dict, note="") -> bool:
    """Prints one line on a file's answers to the golden inputs; whether they are near enough."""
    outputs, passed, words = manifest["outputs"], True, []
    for output, limits in zip(outputs, file["tolerances"]):  # noqa: B905 (Python 3.9)
        role = output["role"]
        good, about = near(output, limits, expected[role], found[role])
        passed = passed and bool(good)
        words.append(f"{role}: {about}" if len(outputs) > 1 else about)
    print(f"{'ok  ' if passed else 'FAIL'} {file['recipe']:<16} {'; '.join(words)}{note}")
    return passed
