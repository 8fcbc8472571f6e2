"""Reads a kerascnn bundle strictly, as export/CONTRACT.md asks, and judges a self-test.

The same file lies in every kit that needs it, so that each kit can be copied alone, and its parts
are those of the Python kit. Python 3.9 or newer and numpy; no file of kerascnn.
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
import warnings
import zipfile
from pathlib import Path

import numpy as np

SCHEMA_VERSION = 3
# {...: ...} an object with exactly these keys, [x] a list of x, (x, y) a list of an x and a y,
# {a, b} one of these, a type any value of it, a range an integer in it, NUMBER also one below 0.
# fmt: off
COUNT, NUMBER, LARGEST = range(1, 1 << 31), "a number", float(np.finfo(np.float32).max)
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
# What the one output of versions 1 and 2 has by its task.
KINDS = {
    "image-classification": {"kind": {"probabilities", "logits"}, "thresholds": None,
                             "ranges": None},
    "image-multi-label": {"kind": {"scores"}, "thresholds": [float], "ranges": None},
    "image-regression": {"kind": {"quantities"}, "thresholds": None,
                         "ranges": [(NUMBER, NUMBER)]},
}
AGREEMENT = {"image-classification": "top1_agreement", "image-multi-label": "decision_agreement"}
TASKS = {"image-classification": ("classification", "scores"),  # in version 3, and the role
         "image-multi-label": ("multi_label", "scores"),
         "image-regression": ("regression", "values")}
OBJECT_ROLES = ["boxes", "classes", "scores", "count"]  # of finished objects, in this order
SAME = 0.5  # overlap from which on two boxes of one class are of the same object
LINE = 300  # characters of an error; what is longer loses its middle
TEXT_BYTES, GOLDEN_BYTES = 1 << 24, 1 << 30  # the largest that are read
TRIAL_SECONDS = 300  # of computing: a file that takes longer counts as one that never answers
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
        exact = isinstance(spec, tuple)
        wanted = f"a list of {len(spec)}" if exact else "a list of 1 or more"
        right = count == len(spec) if exact else count > 0
        require(right, f"{where} must be {wanted}, not {shown(value)}")
        for i in range(count):
            check(value[i], spec[min(i, len(spec) - 1)], f"{where}[{i}]")
    else:
        options = spec if isinstance(spec, set) else {spec}
        right = any(fits(value, option) for option in options)
        wanted = " or ".join(sorted(map(words, options)))
        require(right, f"{where} must be {wanted}, not {shown(value)}")


def spec_of(manifest: object) -> dict:
    """What a manifest of this version, with these outputs, must hold."""
    manifest = manifest if isinstance(manifest, dict) else {}
    version, outputs = manifest.get("schema_version"), manifest.get("outputs")
    if version in (1, 2):
        return old_spec(manifest, version)
    specs, limits = [], []
    for output in outputs if isinstance(outputs, list) else []:
        given = output if isinstance(output, dict) else {}
        kind, has_thresholds = given.get("kind"), given.get("thresholds") is not None
        specs.append({
            "role": str, "shape": [COUNT],
            "kind": {"probabilities", "logits", "independent", "quantities"},
            "thresholds": [float] if kind == "independent" and has_thresholds else None,
            "ranges": [(NUMBER, NUMBER)] if kind == "quantities" else None,
        })  # fmt: skip
        agreement = None if kind == "quantities" else float
        limits.append({"max_abs": float, "mean_abs": float, "agreement": agreement})
    file = {**FILE, "outputs": (TENSOR,) * len(specs), "tolerances": tuple(limits)}
    return {**MANIFEST, "outputs": tuple(specs) or [dict], "files": [file]}


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
        del output["thresholds"], output["ranges"], limits["decision_agreement"]
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
    manifest = upgraded(manifest)
    files, outputs, classes = manifest["files"], manifest["outputs"], manifest["model"]["classes"]
    channels = {"rgb": 3, "grayscale": 1}[manifest["input"]["color"]]
    named = names_of(outputs[0]) if not gives_objects(manifest) else last_class(outputs) + 1
    agree = channels == manifest["input"]["shape"][3] and classes == named
    require(agree, "manifest.json: a shape disagrees with input.color or model.classes")
    require(len({one["role"] for one in outputs}) == len(outputs), "outputs: a role appears twice")
    for output in outputs:
        role, shape = output["role"], output["shape"]
        right = re.fullmatch(r"[a-z][a-z0-9_]{0,39}", role) and role != "inputs"
        require(right, f"manifest.json: outputs: {shown(role)} cannot be a role")
        right = shape[0] == 1
        require(right, f"manifest.json: {role}: shape must be [1, ...], not {shown(shape)}")
        thresholds, ranges = output["thresholds"] or [], output["ranges"] or []
        for key, values in (("thresholds", thresholds), ("ranges", ranges)):
            count = len(values or range(shape[-1]))
            require(count == shape[-1], f"manifest.json: {role}: {count} {key} for {shape[-1]}")
        right = max(thresholds, default=0) <= 1
        require(right, f"manifest.json: {role}: thresholds must be 0 to 1, not {shown(thresholds)}")
        right = all(low <= high for low, high in ranges)
        require(right, f"manifest.json: {role}: ranges must be [low, high], not {shown(ranges)}")
    require(len({file["recipe"] for file in files}) == len(files), "files: a recipe appears twice")
    for name, _, stored in (end for file in files for end in ends_of(manifest, file)):
        dtype, scale, zero = (stored[key] for key in TENSOR)
        whole = dtype != "float32"
        right = (scale is not None and scale > 0 and zero is not None) if whole else scale is zero
        about = f"{name}: a {dtype} tensor has scale {shown(scale)}, zero {shown(zero)}"
        require(right, f"manifest.json: {about}")
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


def ends_of(manifest: dict, file: dict) -> list[tuple]:
    """Name, shape and stored form of a file's input and of each of its outputs."""
    ends = [("input", manifest["input"]["shape"], file["input"])]
    for output, stored in zip(manifest["outputs"], file["outputs"]):  # noqa: B905 (Python 3.9)
        ends.append((f"output {output['role']}", output["shape"], stored))
    return ends


def real_outputs(manifest: dict, file: dict, stored: list) -> dict:
    """The outputs for one image by role, real numbers, from the tensors that a file gave."""
    found = {}
    for output, given, values in zip(manifest["outputs"], file["outputs"], stored):  # noqa: B905
        role, shape = output["role"], values.shape
        require(shape == tuple(output["shape"]), f"{file['path']}: output {role} became {shape}")
        values = values[0].astype(np.float32)
        if given["dtype"] != "float32":
            values = (values - np.float32(given["zero_point"])) * np.float32(given["scale"])
        found[role] = values
    return found


def is_binary(output: dict) -> bool:
    """Whether one number stands for two classes: it is the probability of the second."""
    single = output["kind"] == "independent" and output["shape"][-1] == 1
    return single and output["thresholds"] is None


def names_of(output: dict) -> int:
    """How many classes, labels or quantities an output has."""
    return 2 if is_binary(output) else output["shape"][-1]


def gives_objects(manifest: dict) -> bool:
    """Whether the files of a detector give finished objects."""
    outputs = manifest["outputs"]
    return [one["role"] for one in outputs] == OBJECT_ROLES and bool(outputs[2]["thresholds"])


def last_class(outputs: list) -> int:
    """The number of the last class that finished objects can have."""
    return int(outputs[1]["ranges"][0][1]) if outputs[1]["ranges"] else 0


def widened(output: dict, values: np.ndarray) -> np.ndarray:
    """The values with one for each class."""
    return np.concatenate([1 - values, values], axis=-1) if is_binary(output) else values


def read_golden(folder: Path, manifest: dict) -> tuple[np.ndarray, dict]:
    """Golden inputs, uint8 [n, H, W, C], and by role the outputs, float32 [n, ...]."""
    path, count = folder / manifest["golden"]["path"], manifest["golden"]["count"]
    older, outputs = manifest["schema_version"] < 3, manifest["outputs"]
    roles = [output["role"] for output in outputs]
    shapes = [(count, *one["shape"][1:]) for one in (manifest["input"], *outputs)]
    pixels, *answers = map(math.prod, shapes)
    room = min(pixels + 4 * sum(answers) + 2048 * len(shapes), GOLDEN_BYTES)
    try:
        with zipfile.ZipFile(path) as archive:  # a small one can unpack to more than the memory
            size = sum(member.file_size for member in archive.infolist())
            require(size <= room, f"{size} bytes unpacked, expected {room} at most")
        with np.load(path, allow_pickle=False) as archive:
            names = ["inputs", *(["outputs"] if older else roles)]
            arrays = [np.asarray(archive[name]) for name in names]  # of a file that is none, bytes
    except Exception as error:  # on damaged files, whatever NumPy and zipfile happen to raise
        raise KitError(f"{path} cannot be read: {error or type(error).__name__}") from error
    kinds = [np.uint8, *(np.float32 for _ in outputs)]
    right = [array.shape for array in arrays] == shapes
    right = right and [array.dtype for array in arrays] == kinds
    require(right, f"{path} does not hold what the manifest says")
    return arrays[0], dict(zip(roles, arrays[1:]))  # noqa: B905 (Python 3.9)


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
    with np.errstate(all="ignore"):  # what is no number passes no limit
        difference = np.abs(found - expected) / units(output)
        largest, mean = difference.max(), difference.mean()
    passed = largest <= limits["max_abs"] and mean <= limits["mean_abs"]
    share, name = agreement(output, expected, found)
    passed = bool(passed and (share is None or share >= limits["agreement"]))
    alike = "" if share is None else f"{name} on {share:.0%} of {len(expected)}, "
    part = "" if share is not None else " of range"
    return passed, (
        f"{alike}difference{part} max {largest:.3g} (limit {limits['max_abs']:.3g}), "
        f"mean {mean:.3g} (limit {limits['mean_abs']:.3g})"
    )


def judge_objects(manifest: dict, file: dict, found: dict, expected: dict):
    """The same of finished objects: those from the threshold on are matched, whatever their order,
    and the edges and scores of each pair compared; none may be left over."""
    limits = dict(zip(OBJECT_ROLES, file["tolerances"]))  # noqa: B905 (Python 3.9)
    threshold = manifest["outputs"][2]["thresholds"][0]
    edges, scores, alone = [0.0], [0.0], 0
    for image in range(len(expected["scores"])):
        wanted, got = ([
            (int(one["classes"][image, i]), one["boxes"][image, i], float(one["scores"][image, i]))
            for i in np.flatnonzero(one["scores"][image] >= threshold)
        ] for one in (expected, found))  # fmt: skip
        pairs = sorted(
            ((overlap(one[1], other[1]), i, j) for i, one in enumerate(wanted)
             for j, other in enumerate(got) if one[0] == other[0]),
            key=lambda pair: -pair[0],
        )  # fmt: skip
        first, second = set(range(len(wanted))), set(range(len(got)))
        for shared, i, j in pairs:
            if shared >= SAME and i in first and j in second:
                first.remove(i)
                second.remove(j)
                edges.extend(np.abs(wanted[i][1] - got[j][1]).tolist())
                scores.append(abs(wanted[i][2] - got[j][2]))
        alone += len(first) + len(second)
    numbers = all(np.isfinite(values).all() for values in found.values())
    pairs = (("boxes", edges), ("scores", scores))
    passed = numbers and alone == 0
    said = [f"objects: {alone} found by one of the two only"]
    for role, values in pairs:
        largest, mean = max(values), sum(values) / max(1, len(values) - 1)
        passed = passed and largest <= limits[role]["max_abs"] and mean <= limits[role]["mean_abs"]
        said.append(
            f"{role}: difference max {largest:.3g} (limit {limits[role]['max_abs']:.3g}), "
            f"mean {mean:.3g} (limit {limits[role]['mean_abs']:.3g})"
        )
    return passed, said


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes (top, left, bottom, right)."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(np.maximum(box[2:] - box[:2], 0))) for box in (first, second)]
    union = sum(areas) - shared
    return shared / union if union > 0 else 0.0


def judge(manifest: dict, file: dict, found: dict, expected: dict, note="") -> bool:
    """Prints one line on a file's answers to the golden inputs; whether they are near enough."""
    outputs, passed, said = manifest["outputs"], True, []
    if gives_objects(manifest):
        passed, said = judge_objects(manifest, file, found, expected)
        outputs = []
    for output, limits in zip(outputs, file["tolerances"]):  # noqa: B905 (Python 3.9)
        role = output["role"]
        good, about = near(output, limits, expected[role], found[role])
        passed = passed and good
        said.append(f"{role}: {about}" if len(outputs) > 1 else about)
    verdict = "ok  " if passed else "FAIL"
    print(f"{verdict} {printable(file['recipe']):<16} {'; '.join(said)}{note}")
    return passed


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise KitError(f"{message} ({self.prog} --help shows the usage)")

    def print_help(self, file=None):
        print(self.format_help(), end="", flush=True)  # argparse would not say that it cannot
