#!/usr/bin/env python3
"""Runs the image models of a kerascnn bundle, where there is no TensorFlow.

    python run.py --selftest BUNDLE                does this device compute what Keras computed?
    python run.py BUNDLE IMAGE... [--recipe int8]  what is on these pictures, or those in a folder?
    python run.py --benchmark BUNDLE [--threads N] how fast is each file here?

Everything it needs to know is in the bundle's manifest.json; nothing is guessed. It needs numpy,
Pillow and ai-edge-litert (or the older tflite-runtime), and no file of kerascnn but this one.
Exit codes: 0 all well, 1 a self-test failed, 2 bad input (one line on stderr says which).
"""

import argparse
import hashlib
import json
import math
import re
import struct
import sys
import time
import warnings
import zipfile
import zlib
from pathlib import Path

try:
    import numpy as np
    from PIL import Image, ImageOps

    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
except ImportError as error:
    print(f"run.py: error: {error}: pip install -r requirements.txt", file=sys.stderr)
    sys.exit(2)

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
RUNS = 100
IMAGE_FORMATS = {"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"}
SUFFIXES = {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif",
            ".tiff", ".webp"}
READ_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError,
               ArithmeticError, EOFError, MemoryError, RuntimeError, struct.error, zlib.error,
               zipfile.BadZipFile, Image.DecompressionBombError)
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


def read_bundle(folder: Path) -> tuple[dict, list[str]]:
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


def read_golden(folder: Path, manifest: dict) -> tuple[np.ndarray, dict]:
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


class ImageModel:
    """One .tflite file: raw pixels in, real numbers out."""

    def __init__(self, folder: Path, manifest: dict, file: dict, threads: int) -> None:
        self.file, path = file, folder / file["path"]
        try:
            self.interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise KitError(f"{path} cannot be opened: {error}") from error
        taken, given = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        self.outputs = manifest["outputs"]
        right = len(taken) == 1 and len(given) == len(self.outputs)
        require(right, f"{path} must have one input and the {len(self.outputs)} outputs")
        self.input_index, self.indices = taken[0]["index"], [tensor["index"] for tensor in given]
        wanted = [("input", manifest["input"]["shape"], file["input"])]
        wanted += [
            (f"output {output['role']}", output["shape"], tensor)
            for output, tensor in zip(self.outputs, file["outputs"])  # noqa: B905 (Python 3.9)
        ]
        for (side, shape, stored), tensor in zip(wanted, taken + given):  # noqa: B905
            expected = [shape, *(stored[key] for key in TENSOR)]
            kind = np.dtype(tensor["dtype"]).name
            scale = tensor["quantization"] if kind != "float32" else (None, None)
            found = [tensor["shape"].tolist(), kind, *scale]
            require(found == expected, f"{path}: {side} is {found}, the manifest says {expected}")

    def run(self, pixels: np.ndarray) -> dict:
        """The outputs by role, real numbers, for pixels [H, W, C] of 0 to 255."""
        taken = self.file["input"]
        values = pixels[np.newaxis].astype(np.float64)
        if taken["dtype"] != "float32":
            limits = np.iinfo(taken["dtype"])
            steps = np.floor(values / taken["scale"] + 0.5) + taken["zero_point"]
            values = steps.clip(limits.min, limits.max)
        self.interpreter.set_tensor(self.input_index, values.astype(taken["dtype"]))
        self.interpreter.invoke()
        found = {}
        for output, index, given in zip(self.outputs, self.indices, self.file["outputs"]):  # noqa: B905
            values = self.interpreter.get_tensor(index)[0].astype(np.float32)
            if given["dtype"] != "float32":
                values = (values - np.float32(given["zero_point"])) * np.float32(given["scale"])
            found[output["role"]] = values
        return found


def load_image(path: Path, manifest: dict) -> np.ndarray:
    """Decode, turn upright (EXIF), convert the colours, resize: in this order."""
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[*(IMAGE_FORMATS & Image.OPEN.keys())]) as image:
                require(image.width * image.height <= Image.MAX_IMAGE_PIXELS, "too many pixels")
                return to_pixels(ImageOps.exif_transpose(image), manifest)
    except (KitError, *READ_ERRORS) as error:
        raise KitError(f"{path} is not a readable image: {error}") from error


def to_pixels(image: Image.Image, manifest: dict) -> np.ndarray:
    """An upright image as the model takes it: its colours, its size."""
    height, width, channels = manifest["input"]["shape"][1:]
    return resize(convert(image, channels), height, width, manifest["input"]["resize"])


def find_images(paths: list[Path]) -> list[Path]:
    """Files as they are; of folders the image files in them, at any depth, by name."""
    found = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if is_image(file))
        require(inside, f"{path} holds no image file ({', '.join(sorted(SUFFIXES))})")
        found += inside
    return found


def is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")


def convert(image: Image.Image, channels: int) -> Image.Image:
    """To 8-bit grey or RGB: transparency over white, 16-bit grey divided by 257."""
    require(image.mode != "F", "floating-point pixels have no fixed range")
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        require(values.min() >= 0 and values.max() <= 65535, "its pixels leave 0..65535")
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(canvas, image).convert("RGB")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def resize(image: Image.Image, height: int, width: int, rule: dict) -> np.ndarray:
    """Pixels [height, width, channels]; "pad" never enlarges, "crop" covers, "stretch" distorts."""
    new_height, new_width = height, width
    if rule["fit"] != "stretch":
        scales = height / image.height, width / image.width
        scale = max(scales) if rule["fit"] == "crop" else min(*scales, 1.0)
        least = (height, width) if rule["fit"] == "crop" else (1, 1)
        new_height = max(least[0], math.floor(image.height * scale + 0.5))
        new_width = max(least[1], math.floor(image.width * scale + 0.5))
    if image.size != (new_width, new_height):
        image = image.resize((new_width, new_height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8).reshape(new_height, new_width, -1)
    if rule["fit"] == "crop":
        top, left = (new_height - height) // 2, (new_width - width) // 2
        return pixels[top : top + height, left : left + width]
    canvas = np.full((height, width, pixels.shape[2]), rule["pad_value"], np.uint8)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    canvas[top : top + new_height, left : left + new_width] = pixels
    return canvas


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


def judge(output: dict, limits: dict, expected: np.ndarray, found: np.ndarray):
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


def selftest(folder: Path, manifest: dict, files: list[dict], options) -> int:
    inputs, expected = read_golden(folder, manifest)
    outputs, failures = manifest["outputs"], 0
    for file in files:
        model = ImageModel(folder, manifest, file, options.threads)
        runs = [model.run(pixels) for pixels in inputs]
        passed, words = True, []
        for output, limits in zip(outputs, file["tolerances"]):  # noqa: B905 (Python 3.9)
            role = output["role"]
            found = np.stack([values[role] for values in runs])
            good, about = judge(output, limits, expected[role], found)
            passed = passed and good
            words.append(f"{role}: {about}" if len(outputs) > 1 else about)
        failures += not passed
        print(f"{'ok  ' if passed else 'FAIL'} {file['recipe']:<16} {'; '.join(words)}")
    return 1 if failures else 0


def benchmark(folder: Path, manifest: dict, files: list[dict], options) -> int:
    inputs, _ = read_golden(folder, manifest)
    models = [ImageModel(folder, manifest, file, options.threads) for file in files]
    times = np.zeros((len(models), 10 + RUNS))
    for turn in range(times.shape[1]):  # in turns, so that a busy moment hits all files alike
        for i, model in enumerate(models):
            start = time.perf_counter()
            model.run(inputs[turn % len(inputs)])
            times[i, turn] = 1000 * (time.perf_counter() - start)
    for i, file in enumerate(files):
        low, median, high = np.percentile(times[i, 10:], (10, 50, 90))  # the first ten warm up
        print(
            f"{file['recipe']:<16} median {median:.3f} ms (10 % below {low:.3f}, "
            f"90 % below {high:.3f}), {RUNS} runs, {options.threads} threads"
        )
    return 0


def answer(manifest: dict, labels: list[str], values: dict, top: int) -> dict:
    """What the outputs of one image say, for a program: classes, labels or values.

    The labels are those of the first output; others stand under their roles.
    """
    found = {}
    for place, output in enumerate(manifest["outputs"]):
        key, said = of_output(output, values[output["role"]], labels if place == 0 else None, top)
        found[key if place == 0 else output["role"]] = said
    return found


def of_output(output: dict, values: np.ndarray, labels, top: int):
    """What kind of answer an output gives, and the answer."""
    if labels is None:
        labels = [str(i) for i in range(names_of(output))]
    if values.ndim > 1:  # maps, such as masks: for programs that read them
        return "shape", list(values.shape)
    if output["kind"] == "quantities":
        found = [{"label": labels[i], "index": i, "value": float(v)} for i, v in enumerate(values)]
        return "values", found
    values = widened(output, values)
    if output["kind"] == "logits":
        powers = np.exp(values - values.max())
        values = powers / powers.sum()
    order = np.argsort(-values, kind="stable").tolist()
    if output["thresholds"] is not None:
        limits = output["thresholds"]
        return "labels", [
            {"label": labels[i], "index": i, "probability": float(values[i]),
             "threshold": limits[i], "given": bool(values[i] > limits[i])}
            for i in order
        ]  # fmt: skip
    best = order[:top]
    return "top", [{"label": labels[i], "index": i, "probability": float(values[i])} for i in best]


def in_words(found: dict) -> str:
    """The same for people."""
    return "; ".join(words_of(key, said) for key, said in found.items())


def words_of(key: str, said: list) -> str:
    own = key in ("values", "top", "labels")
    before = "" if own else f"{key} "
    if not isinstance(said[0], dict):
        return f"{before}{said}"
    if "value" in said[0]:
        named = len(said) > 1 or own
        shown = (f"{item['label']} {item['value']:.4g}" if named else f"{item['value']:.4g}"
                 for item in said)  # fmt: skip
        return before + ", ".join(shown)
    given = [one for one in said if one.get("given", True)]
    if not given:
        return f"{before}no label (first: {said[0]['label']} {said[0]['probability']:.1%})"
    return before + ", ".join(f"{item['label']} {item['probability']:.1%}" for item in given)


class Output:
    """Writes answers: in words, as one JSON list at the end, or as one JSON object per line."""

    def __init__(self, options) -> None:
        self.as_list, self.as_lines = getattr(options, "json", False), options.json_lines
        self.answers = []

    def write(self, source: dict, recipe: str, found: dict, words: str) -> None:
        """One answer; `source` says for a program where the image is from, `words` for people."""
        record = {**source, "recipe": recipe, **found}
        if self.as_lines:
            print(json.dumps(record), flush=True)
        elif self.as_list:
            self.answers.append(record)
        else:
            print(f"{words}: {in_words(found)}", flush=True)

    def close(self) -> None:
        if self.as_list:
            print(json.dumps(self.answers, indent=2))


def complain(error: Exception, program: str = "run.py") -> None:
    """One line on stderr, always."""
    print(f"{program}: error:", *str(error).split(), file=sys.stderr)


def classify(folder: Path, manifest: dict, file: dict, labels: list[str], options) -> int:
    paths = find_images(options.images)
    model, output, failures = (
        ImageModel(folder, manifest, file, options.threads),
        Output(options),
        0,
    )
    for path in paths:
        try:
            values = model.run(load_image(path, manifest))
        except KitError as error:  # the other pictures still get their answer
            complain(error)
            failures += 1
            continue
        found = answer(manifest, labels, values, options.top)
        output.write({"image": str(path)}, file["recipe"], found, str(path))
    output.close()
    return 2 if failures else 0


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise KitError(f"{message} ({self.prog} --help shows the usage)")


def parser_for(program: str, description: str) -> Parser:
    """The options that the programs of this kit share."""
    parser = Parser(program, None, description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with a manifest.json")
    parser.add_argument("--recipe", help="the file to use; for images: default the first")
    parser.add_argument("--top", type=int, default=5, help="classes to show (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument(
        "--json-lines", action="store_true", help="for images: print a JSON object per line"
    )
    return parser


def open_bundle(options) -> tuple[dict, list[str], list[dict]]:
    """The manifest, the labels and the files asked for."""
    require(min(options.top, options.threads) >= 1, "--top and --threads must be at least 1")
    manifest, labels = read_bundle(options.bundle)
    files = [file for file in manifest["files"] if options.recipe in (None, file["recipe"])]
    known = [file["recipe"] for file in manifest["files"]]
    require(files, f"no recipe {options.recipe!r} in the bundle; it has {known}")
    return manifest, labels, files


def main(arguments=None) -> int:
    parser = parser_for("run.py", __doc__)
    parser.add_argument(
        "images", type=Path, nargs="*", metavar="IMAGE", help="what to classify: files, folders"
    )
    parser.add_argument("--selftest", action="store_true", help="replay the golden inputs")
    parser.add_argument("--benchmark", action="store_true", help="time each file")
    parser.add_argument("--json", action="store_true", help="for IMAGEs: print a JSON list")
    try:
        options = parser.parse_intermixed_args(arguments)
        asked = options.selftest + options.benchmark + bool(options.images)
        require(asked == 1, "give one of: IMAGEs, --selftest, --benchmark (see run.py --help)")
        require(not (options.json and options.json_lines), "give --json or --json-lines, not both")
        manifest, labels, files = open_bundle(options)
        if options.selftest:
            return selftest(options.bundle, manifest, files, options)
        if options.benchmark:
            return benchmark(options.bundle, manifest, files, options)
        return classify(options.bundle, manifest, files[0], labels, options)
    except (KitError, OSError) as error:
        complain(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
