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
import contextlib
import errno
import faulthandler
import hashlib
import io
import json
import math
import os
import re
import reprlib
import signal
import stat
import sys
import time
import warnings
import zipfile
from pathlib import Path

try:
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
except ImportError as error:
    reason = " ".join(str(error).split())[:200]
    print(f"run.py: error: {reason}: pip install -r requirements.txt", file=sys.stderr)
    sys.exit(2)

SCHEMA_VERSION = 2
# {...: ...} an object with exactly these keys, [x] a list of x, (x, y) a list of an x and a y,
# {a, b} one of these, a type any value of it, a range an integer in it, NUMBER also one below 0.
# fmt: off
COUNT, NUMBER, LARGEST = range(1, 1 << 31), "a number", float(np.finfo(np.float32).max)
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
RUNS = 100
LINE = 300  # characters of an error; what is longer loses its middle
TEXT_BYTES, GOLDEN_BYTES = 1 << 24, 1 << 30  # the largest that are read
MOST_THREADS = 1024
TRIAL_SECONDS = 300  # of computing: a file that takes longer counts as one that never answers
IMAGE_FORMATS = {"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"}
SUFFIXES = {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif",
            ".tiff", ".webp"}
# fmt: on
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxlong = SHORT.maxother = 80


class KitError(Exception):
    """Bad input."""


def require(condition: object, message: str) -> None:
    if not condition:
        raise KitError(message)


def shown(value: object) -> str:
    """A value that is not ours, as a message shows it: short, however large it is."""
    return SHORT.repr(value)


def printable(text: str) -> str:
    """Text that is not ours, without what would move a terminal's cursor or change its colours."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def complain(error: Exception, program: str) -> None:
    """One line on stderr, always."""
    text = printable(" ".join(str(error).split())) or type(error).__name__
    if len(text) > LINE:
        text = f"{text[: LINE // 2]} ... {text[-LINE // 2 :]}"
    with contextlib.suppress(OSError):  # nobody reads it
        if sys.stderr is not None:
            print(f"{program}: error: {text}", file=sys.stderr, flush=True)


def guarded(program: str, work, interrupted: int = 130) -> int:
    """The exit code of `work()`; bad input, and answers that nobody can read, are a line and 2."""
    for number in range(3):  # a closed stream's number would go to the next file that is opened
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    try:
        require(sys.stdout is not None, "standard output is closed")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names that it cannot encode
        code = work()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return interrupted
    except (KitError, OSError) as error:
        complain(error, program)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # Python would try again at its end, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 2


@contextlib.contextmanager
def open_file(path: Path):
    """A regular file, to read: a pipe or a device could make the program wait for ever."""
    flags = getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, more: os.open(name, flags | more)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file


def read_text(path: Path) -> str:
    """A text file of a bundle, of a size that a person could have looked at."""
    with open_file(path) as file:
        content = file.read(TEXT_BYTES + 1)
    require(len(content) <= TEXT_BYTES, f"{path} is larger than {TEXT_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise KitError(f"{path} is not UTF-8: {error}") from error


def no_doubles(pairs: list) -> dict:
    require(len(dict(pairs)) == len(pairs), "manifest.json has a key twice in one object")
    return dict(pairs)


def fits(value, spec) -> bool:
    if isinstance(spec, range):
        return type(value) is int and value in spec
    if spec in (float, NUMBER):  # a float32 has room for each of the manifest's
        least = 0 if spec is float else -LARGEST
        return type(value) in (int, float) and least <= value <= LARGEST
    return type(value) is spec or (type(value) is type(spec) and value == spec)


def words(spec) -> str:
    """What `fits` takes, in a message."""
    if isinstance(spec, range):
        return f"{spec[0]} to {spec[-1]}"
    names = {str: "text", int: "an integer", float: "a number of 0 or more", NUMBER: "a number"}
    return names.get(spec) or json.dumps(spec)


def check(value, spec, where: str = "manifest.json") -> None:
    """Strict in both directions: a key this kit does not know could change what a file means."""
    if isinstance(spec, dict):
        require(isinstance(value, dict), f"{where} must be an object")
        unknown, missing = sorted(value.keys() - spec.keys()), sorted(spec.keys() - value.keys())
        require(not unknown, f"{where}: unknown key {shown(unknown)}; known are {list(spec)}")
        require(not missing, f"{where}: missing key {missing}")
        for key, inner in spec.items():
            check(value[key], inner, f"{where}: {key}")
    elif isinstance(spec, (list, tuple)):
        count = len(value) if isinstance(value, list) else 0
        right = count == len(spec) if isinstance(spec, tuple) else count > 0
        require(right, f"{where} must be a list of {len(spec)} or more, not {shown(value)}")
        for i in range(count):
            check(value[i], spec[min(i, len(spec) - 1)], f"{where}[{i}]")
    else:
        options = spec if isinstance(spec, set) else {spec}
        right = any(fits(value, option) for option in options)
        wanted = " or ".join(sorted(map(words, options)))
        require(right, f"{where} must be {wanted}, not {shown(value)}")


def spec_of(manifest: object) -> dict:
    """What a manifest of this version and task must hold."""
    model = manifest.get("model") if isinstance(manifest, dict) else None
    task = str(model.get("task")) if isinstance(model, dict) else None
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
    inside = bare and os.path.dirname(os.path.realpath(path)) == os.path.realpath(folder)
    require(inside, f"manifest.json: path {shown(reference['path'])} leaves the bundle")
    require(os.path.exists(path), f"{path} is missing")
    digest = hashlib.sha256()
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        wanted = reference.get("bytes", size)
        require(size == wanted, f"{path} is damaged: {size} bytes, expected {wanted}")
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    found = digest.hexdigest()
    require(found == expected, f"{path} was altered: sha256 {found}, expected {shown(expected)}")


def read_bundle(folder: Path) -> tuple[dict, list[str]]:
    """The manifest and the labels, after checking every file the manifest names."""
    path = folder / "manifest.json"
    require(os.path.exists(path), f"not a bundle: {path} does not exist")
    text = read_text(path)
    try:
        manifest = json.loads(text, object_pairs_hook=no_doubles)
    except (ValueError, RecursionError) as error:
        raise KitError(f"{path} is not JSON: {error}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        newest = f"this kit reads {SCHEMA_VERSION}: upgrade it"
        raise KitError(f"made by a newer kerascnn: schema {shown(version)}, {newest}")
    check(manifest, spec_of(manifest))
    files, classes = manifest["files"], manifest["model"]["classes"]
    channels = {"rgb": 3, "grayscale": 1}[manifest["input"]["color"]]
    agree = channels == manifest["input"]["shape"][3] and classes == manifest["output"]["shape"][1]
    require(agree, "manifest.json: a shape disagrees with input.color or model.classes")
    for key in ("thresholds", "ranges"):
        count = len(manifest["output"].get(key) or range(classes))
        require(count == classes, f"manifest.json: output: {count} {key} for {classes} outputs")
    require(len({file["recipe"] for file in files}) == len(files), "files: a recipe appears twice")
    for tensor in (file[side] for file in files for side in ("input", "output")):
        scale, zero, whole = tensor["scale"], tensor["zero_point"], tensor["dtype"] != "float32"
        right = (scale is not None and scale > 0 and zero is not None) if whole else scale is zero
        require(right, f"manifest.json: a {tensor['dtype']} tensor has scale {scale}, zero {zero}")
    reports = manifest["reports"].values()
    for reference in (manifest["labels"], manifest["golden"], *files, *reports):
        check_file(folder, reference)
    text = read_text(folder / manifest["labels"]["path"])
    labels = (text[:-1] if text.endswith("\n") else text).split("\n")
    require(len(labels) == classes, f"{len(labels)} labels for {classes} classes")
    return manifest, labels


def choose_files(manifest: dict, recipe) -> list[dict]:
    """The files of the bundle, or the one of `recipe`."""
    files = [file for file in manifest["files"] if recipe in (None, file["recipe"])]
    known = [file["recipe"] for file in manifest["files"]]
    require(files, f"no recipe {shown(recipe)} in the bundle; it has {shown(known)}")
    return files


def read_golden(folder: Path, manifest: dict) -> tuple[np.ndarray, np.ndarray]:
    """Golden inputs, uint8 [n, H, W, C], and outputs, float32 [n, classes]."""
    path, count = folder / manifest["golden"]["path"], manifest["golden"]["count"]
    shapes = [(count, *manifest[side]["shape"][1:]) for side in ("input", "output")]
    room = min(math.prod(shapes[0]) + 4 * math.prod(shapes[1]) + 4096, GOLDEN_BYTES)
    try:
        with zipfile.ZipFile(path) as archive:  # a small one can unpack to more than the memory
            size = sum(member.file_size for member in archive.infolist())
            require(size <= room, f"{size} bytes unpacked, expected {room} at most")
        with np.load(path, allow_pickle=False) as arrays:
            inputs, outputs = arrays["inputs"], arrays["outputs"]
    except Exception as error:  # on damaged files, whatever NumPy and zipfile happen to raise
        raise KitError(f"{path} cannot be read: {error or type(error).__name__}") from error
    right = [inputs.shape, outputs.shape] == shapes and inputs.dtype == np.uint8
    require(right and outputs.dtype == np.float32, f"{path} does not hold what the manifest says")
    return inputs, outputs


@contextlib.contextmanager
def silence():
    """Keeps what the interpreter writes itself off stderr."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def rehearse(path: Path, work) -> None:
    """Does `work()` in a child process first: a damaged file can crash the interpreter or keep it
    busy for ever, an old processor may lack what it needs, and no Python code could say so."""
    if sys.platform != "linux":  # elsewhere forking beside the threads of NumPy is not safe
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of those threads, Python 3.12 warns
        child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()  # a crash is told once, in a line
            signal.setitimer(signal.ITIMER_PROF, TRIAL_SECONDS)
            work()
        finally:
            os._exit(0)  # what was raised is raised again, and told, in the parent
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        reasons = {
            "SIGPROF": f"it computes for more than {TRIAL_SECONDS} s",
            "SIGKILL": "killed; is the memory too small for it?",
            "SIGILL": "this processor lacks instructions that the interpreter was built for",
        }
        reason = reasons.get(name, f"the interpreter crashes with {name}; is it damaged?")
        raise KitError(f"{path} cannot be run: {reason}")


class ImageModel:
    """One .tflite file: raw pixels in, real numbers out."""

    def __init__(self, folder: Path, manifest: dict, file: dict, threads: int) -> None:
        self.file, self.path = file, folder / file["path"]
        path = self.path
        try:
            with silence():
                self.interpreter = Interpreter(os.fsencode(path), num_threads=threads)
                self.interpreter.allocate_tensors()
            tensors = self.interpreter.get_input_details() + self.interpreter.get_output_details()
        except (ValueError, RuntimeError, OSError, MemoryError) as error:
            raise KitError(f"{path} cannot be opened: {error}") from error
        require(len(tensors) == 2, f"{path} must have one input and one output")
        self.input_index, self.output_index = (tensor["index"] for tensor in tensors)
        for side, tensor in zip(("input", "output"), tensors):  # noqa: B905 (Python 3.9)
            expected = [manifest[side]["shape"], *(file[side][key] for key in TENSOR)]
            kind = np.dtype(tensor["dtype"]).name
            scale = tensor["quantization"] if kind != "float32" else (None, None)
            found = [tensor["shape"].tolist(), kind, *scale]
            require(found == expected, f"{path}: {side} is {found}, the manifest says {expected}")

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """The outputs, one real number each, for pixels [H, W, C] of 0 to 255."""
        taken, given = self.file["input"], self.file["output"]
        values = pixels[np.newaxis].astype(np.float64)
        if taken["dtype"] != "float32":
            limits = np.iinfo(taken["dtype"])
            steps = np.floor(values / taken["scale"] + 0.5) + taken["zero_point"]
            values = steps.clip(limits.min, limits.max)
        try:
            self.interpreter.set_tensor(self.input_index, values.astype(taken["dtype"]))
            self.interpreter.invoke()
            values = self.interpreter.get_tensor(self.output_index)[0].astype(np.float32)
        except (ValueError, RuntimeError, MemoryError) as error:
            raise KitError(f"{self.path} cannot be run: {error}") from error
        if given["dtype"] == "float32":
            return values
        return (values - np.float32(given["zero_point"])) * np.float32(given["scale"])


def load_image(path: Path, manifest: dict) -> np.ndarray:
    """Decode, turn upright (EXIF), convert the colours, resize: in this order."""
    Image.init()
    try:
        with open_file(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=[*(IMAGE_FORMATS & Image.OPEN.keys())]) as image:
                require(image.width * image.height <= Image.MAX_IMAGE_PIXELS, "too many pixels")
                return to_pixels(ImageOps.exif_transpose(image), manifest)
    except UnidentifiedImageError as error:
        raise KitError(f"{path} is not a readable image: of no known kind") from error
    except Exception as error:  # on damaged files, whatever Pillow's many readers happen to raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise KitError(f"{path} is not a readable image: {reason}") from error


def to_pixels(image: Image.Image, manifest: dict) -> np.ndarray:
    """An upright image as the model takes it: its colours, its size."""
    height, width, channels = manifest["input"]["shape"][1:]
    return resize(convert(image, channels), height, width, manifest["input"]["resize"])


def find_images(paths: list[Path]) -> list[Path]:
    """Files as they are; of folders the image files in them, at any depth, by name."""
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if is_image(file))
        require(inside, f"{path} holds no image file ({', '.join(sorted(SUFFIXES))})")
        found += inside
    return found


def is_image(path: Path) -> bool:
    name = path.name.lower()
    return path.suffix.lower() in SUFFIXES and name[0] != "." and os.path.isfile(path)


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
        f"{'ok  ' if passed else 'FAIL'} {printable(file['recipe']):<16} {alike}"
        f"difference{part} max {largest:.3g} (limit {limits['max_abs']:.3g}), "
        f"mean {mean:.3g} (limit {limits['mean_abs']:.3g}){note}"
    )
    return passed


def selftest(folder: Path, manifest: dict, files: list[dict], options) -> int:
    inputs, expected = read_golden(folder, manifest)
    failures = 0
    for file in files:
        model = ImageModel(folder, manifest, file, options.threads)
        found = np.stack([model.run(pixels) for pixels in inputs])
        failures += not judge(manifest, file, found, expected)
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
            f"{printable(file['recipe']):<16} median {median:.3f} ms (10 % below {low:.3f}, "
            f"90 % below {high:.3f}), {RUNS} runs, {options.threads} threads"
        )
    return 0


def answer(manifest: dict, labels: list[str], values: np.ndarray, top: int) -> dict:
    """What the outputs of one image say, for a program: classes, labels or values."""
    output = manifest["output"]
    require(np.isfinite(values).all(), "the model answers with what is no number")
    if output["kind"] == "quantities":
        found = [{"label": labels[i], "index": i, "value": float(v)} for i, v in enumerate(values)]
        return {"values": found}
    if output["kind"] == "logits":
        powers = np.exp(values - values.max())
        values = powers / powers.sum()
    order = np.argsort(-values, kind="stable").tolist()
    if output["kind"] == "scores":
        limits = output["thresholds"]
        return {
            "labels": [
                {"label": labels[i], "index": i, "probability": float(values[i]),
                 "threshold": limits[i], "given": bool(values[i] > limits[i])}
                for i in order
            ]
        }  # fmt: skip
    best = order[:top]
    return {
        "top": [{"label": labels[i], "index": i, "probability": float(values[i])} for i in best]
    }


def in_words(found: dict) -> str:
    """The same for people."""
    if "values" in found:
        return ", ".join(f"{item['label']} {item['value']:.4g}" for item in found["values"])
    given = found["top"] if "top" in found else [one for one in found["labels"] if one["given"]]
    if not given:
        first = found["labels"][0]
        return f"no label (first: {first['label']} {first['probability']:.1%})"
    return ", ".join(f"{item['label']} {item['probability']:.1%}" for item in given)


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
            print(printable(f"{words}: {in_words(found)}"), flush=True)

    def close(self) -> None:
        if self.as_list:
            print(json.dumps(self.answers, indent=2))


def classify(folder: Path, manifest: dict, file: dict, labels: list[str], options) -> int:
    paths = find_images(options.images)
    model = ImageModel(folder, manifest, file, options.threads)
    output, failures = Output(options), 0
    for path in paths:
        try:
            values = model.run(load_image(path, manifest))
            found = answer(manifest, labels, values, options.top)
        except KitError as error:  # the other pictures still get their answer
            complain(error, "run.py")
            failures += 1
            continue
        output.write({"image": str(path)}, file["recipe"], found, str(path))
    output.close()
    return 2 if failures else 0


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise KitError(f"{message} ({self.prog} --help shows the usage)")

    def print_help(self, file=None):
        print(self.format_help(), end="", flush=True)  # argparse would not say that it cannot


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


def open_bundle(options, every: bool = False) -> tuple[dict, list[str], list[dict]]:
    """The manifest, the labels and the file asked for (or each, if none is), which runs here."""
    require(options.top >= 1, "--top must be at least 1")
    most = f"--threads must be 1 to {MOST_THREADS}, not {shown(options.threads)}"
    require(1 <= options.threads <= MOST_THREADS, most)
    folder = options.bundle
    manifest, labels = read_bundle(folder)
    files = choose_files(manifest, options.recipe)[: None if every else 1]

    def run_once(file: dict) -> None:
        model = ImageModel(folder, manifest, file, options.threads)
        model.run(np.zeros(manifest["input"]["shape"][1:], np.uint8))

    for file in files:
        rehearse(folder / file["path"], lambda file=file: run_once(file))
    return manifest, labels, files


def run(arguments) -> int:
    """What the command line asks for; its exit code."""
    parser = parser_for("run.py", __doc__)
    parser.add_argument(
        "images", type=Path, nargs="*", metavar="IMAGE", help="what to classify: files, folders"
    )
    parser.add_argument("--selftest", action="store_true", help="replay the golden inputs")
    parser.add_argument("--benchmark", action="store_true", help="time each file")
    parser.add_argument("--json", action="store_true", help="for IMAGEs: print a JSON list")
    options = parser.parse_intermixed_args(arguments)
    asked = options.selftest + options.benchmark + bool(options.images)
    require(asked == 1, "give one of: IMAGEs, --selftest, --benchmark (see run.py --help)")
    require(not (options.json and options.json_lines), "give --json or --json-lines, not both")
    manifest, labels, files = open_bundle(options, every=not options.images)
    if options.selftest:
        return selftest(options.bundle, manifest, files, options)
    if options.benchmark:
        return benchmark(options.bundle, manifest, files, options)
    return classify(options.bundle, manifest, files[0], labels, options)


def main(arguments=None) -> int:
    return guarded("run.py", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
