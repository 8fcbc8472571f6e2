"""The manifest of a bundle: what a device must know about the files, and nothing it must guess.

Reading is strict: a key that is missing, unknown, doubled or of the wrong
type, a newer schema, a path out of the bundle, an altered file are each one BundleError.
`export/CONTRACT.md` describes the format in prose; `export/manifest.schema.json` is its schema.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kerascnn import tasks
from kerascnn.errors import BundleError, InputError
from kerascnn.export.contract import strict_json
from kerascnn.export.contract.manifest_schema import DTYPES as DTYPES
from kerascnn.export.contract.manifest_schema import DType as DType
from kerascnn.export.contract.manifest_schema import FileRef as FileRef
from kerascnn.export.contract.manifest_schema import Golden as Golden
from kerascnn.export.contract.manifest_schema import Input as Input
from kerascnn.export.contract.manifest_schema import Manifest as Manifest
from kerascnn.export.contract.manifest_schema import Model as Model
from kerascnn.export.contract.manifest_schema import ModelFile as ModelFile
from kerascnn.export.contract.manifest_schema import Reports as Reports
from kerascnn.export.contract.manifest_schema import Resize as Resize
from kerascnn.export.contract.manifest_schema import TensorIO as TensorIO
from kerascnn.export.contract.manifest_schema import Tolerance as Tolerance
from kerascnn.export.contract.manifest_schema import Versions as Versions
from kerascnn.export.contract.manifest_versions import NEWEST, upgraded
from kerascnn.export.contract.strict_json import mismatch
from kerascnn.files import (
    JSON,
    FolderKind,
    PathLike,
    json_object,
    read_bytes,
    user_path,
    write_text,
)
from kerascnn.tasks import Output as Output

SCHEMA_VERSION = NEWEST  # what is written; versions 1 and 2 are read
FILE_NAME = "manifest.json"
_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")  # no separator, drive or "..", ever
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LARGEST = 1 << 26  # bytes of a manifest, or of labels
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _contents(mark: Path) -> list[str] | None:
    """The files of a bundle by its manifest, which may be of another version."""
    data = json_object(mark)
    if data is None or not {"schema_version", "golden", "files"} <= set(data):
        return None
    return [*_references(data), "tflm/*"]


def _references(value: Any) -> Iterator[str]:
    """The path of every file whose hash a manifest holds."""
    if isinstance(value, dict):
        path = value.get("path")
        if "sha256" in value and isinstance(path, str) and is_bare_name(path):
            yield path
        value = [*value.values()]
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)


BUNDLE = FolderKind("a bundle", FILE_NAME, _contents)


def sha256_of(path: PathLike) -> str:
    """The SHA-256 of a file's bytes, in lower-case hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_bare_name(name: str) -> bool:
    """Whether `name` may be the path of a file in a bundle."""
    return _BARE_NAME.fullmatch(name) is not None


def label_lines(labels: Sequence[str]) -> str:
    """The content of a labels file: one class per line, each line ended by a line feed."""
    return "".join(f"{label}\n" for label in labels)


def read(folder: PathLike) -> Manifest:
    """Reads a bundle's manifest and checks every file it names.

    Raises:
        BundleError: The folder, the manifest or a file of the bundle is missing, damaged, altered
            or made by a newer version; the message names the key or file.
    """
    folder = user_path(folder)
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise BundleError(f"no such bundle: {folder} is not a folder")
    if not path.exists():
        raise BundleError(f"not a bundle: {folder} has no {FILE_NAME}")
    content = read_bytes(path, "manifest", most=_LARGEST, error=BundleError)
    try:
        manifest = parse(content.decode("utf-8"))
        _check_files(manifest, folder)
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: not UTF-8 text ({error.reason})") from error
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error
    return manifest


def read_labels(folder: PathLike, manifest: Manifest) -> tuple[str, ...]:
    """The class names of a bundle that `read` has checked, in the order of the outputs."""
    path = user_path(folder) / manifest.labels.path
    text = read_bytes(path, "labels file", most=_LARGEST, error=BundleError).decode("utf-8")
    return tuple(text.removesuffix("\n").split("\n"))


def write(manifest: Manifest, folder: PathLike) -> Path:
    """Writes `manifest.json`; equal manifests give equal bytes.

    Raises:
        BundleError: The manifest breaks its own schema.
    """
    text = to_json(manifest)
    parse(text)
    path = Path(folder) / FILE_NAME
    write_text(path, text, JSON)
    return path


def to_json(manifest: Manifest) -> str:
    """The content of `manifest.json`."""
    data = dataclasses.asdict(manifest)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def parse(text: str) -> Manifest:
    """The manifest in `text`, its values checked; the files it names are not looked at.

    Manifests of older versions come in the form of the newest.

    Raises:
        BundleError: The text is not a manifest of this schema version.
    """
    data = strict_json.loads(text)
    if isinstance(data, dict):  # before its keys: another version may have others
        _check_version(data.get("schema_version"))
    older = isinstance(data, dict) and data["schema_version"] < SCHEMA_VERSION
    manifest = upgraded(data) if older else strict_json.build(Manifest, data)
    _check_values(manifest)
    return manifest


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise BundleError(f"schema_version: expected 1 to {SCHEMA_VERSION}, got {version!r}")
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"made by a newer kerascnn: schema {version}, this one reads {SCHEMA_VERSION}: upgrade"
        )


def _check_outputs(manifest: Manifest) -> None:
    """Roles, kinds and sizes, and whether the task can have such outputs."""
    known = tasks.names()
    if manifest.model.task not in known:
        raise mismatch("model.task", " or ".join(map(json.dumps, known)), manifest.model.task)
    roles = [output.role for output in manifest.outputs]
    for i, output in enumerate(manifest.outputs):
        where = f"outputs[{i}]"
        if not _ROLE.fullmatch(output.role) or output.role == "inputs":
            raise mismatch(f"{where}.role", "lower-case letters, digits and _", output.role)
        if roles.count(output.role) > 1:
            raise BundleError(
                f"{where}.role: {output.role!r} appears {roles.count(output.role)} times"
            )
        if not output.shape or output.shape[0] != 1 or min(output.shape) < 1:
            raise mismatch(f"{where}.shape", "[1, ...] of sizes above 0", list(output.shape))
        count = output.shape[-1]
        for name, values, wanted in (
            ("thresholds", output.thresholds, output.kind == "independent"),
            ("ranges", output.ranges, output.kind == "quantities"),
        ):
            if values is not None and (not wanted or len(values) != count):
                raise mismatch(f"{where}.{name}", f"{count} of them" if wanted else "null", values)
        if output.kind == "quantities" and output.ranges is None:
            raise mismatch(f"{where}.ranges", f"{count} of them", None)
        for threshold in output.thresholds or ():
            if not 0 <= threshold <= 1:
                raise mismatch(f"{where}.thresholds", "numbers in 0..1", threshold)
        for low, high in output.ranges or ():
            if not low <= high:
                raise mismatch(f"{where}.ranges", "pairs of a low and a high value", [low, high])
    task = tasks.get(manifest.model.task)
    try:
        task.check_outputs(manifest.outputs, manifest.model.classes)
        needed = task.names(manifest.outputs)
    except InputError as error:
        raise BundleError(str(error)) from None
    if needed != manifest.model.classes:
        raise mismatch("model.classes", f"{needed}, as the outputs say", manifest.model.classes)


def _check_values(manifest: Manifest) -> None:
    """What types cannot say."""
    _check_outputs(manifest)
    height_and_width = manifest.input.shape[1:3]
    channels = {"grayscale": 1, "rgb": 3}[manifest.input.color]
    expected = (1, *height_and_width, channels)
    if manifest.input.shape != expected or min(height_and_width) < 1:
        raise mismatch("input.shape", f"[1, H, W, {channels}]", list(manifest.input.shape))
    if manifest.input.range != (0, 255):
        raise mismatch("input.range", "[0, 255]", list(manifest.input.range))
    if not 0 <= manifest.input.resize.pad_value <= 255:
        raise mismatch("input.resize.pad_value", "0 to 255", manifest.input.resize.pad_value)
    for where, count in (
        ("model.classes", manifest.model.classes),
        ("model.parameters", manifest.model.parameters + 1),
        ("golden.count", manifest.golden.count),
        ("files", len(manifest.files)),
    ):
        if count < 1:
            raise BundleError(f"{where}: there must be at least one")
    for i, file in enumerate(manifest.files):
        _check_model_file(file, f"files[{i}]", manifest.outputs)
    for reference in manifest.references():
        if not is_bare_name(reference.path) or reference.path == FILE_NAME:
            raise BundleError(
                f"path {reference.path!r} leaves the bundle: expected the name of a file in it"
            )
        if not _SHA256.fullmatch(reference.sha256):
            raise mismatch(f"sha256 of {reference.path}", "64 hex digits", reference.sha256)
    for what, names in (
        ("recipe", [file.recipe for file in manifest.files]),
        ("path", [reference.path for reference in manifest.references()]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise BundleError(f"{what} {name!r} appears {names.count(name)} times")


def _check_model_file(file: ModelFile, where: str, outputs: Sequence[Output]) -> None:
    for name, parts in (("outputs", file.outputs), ("tolerances", file.tolerances)):
        if len(parts) != len(outputs):
            raise BundleError(f"{where}.{name}: expected {len(outputs)} of them, got {len(parts)}")
    ends = [("input", file.input)]
    ends += [(f"outputs[{i}]", tensor) for i, tensor in enumerate(file.outputs)]
    for side, tensor in ends:
        quantised = tensor.dtype != "float32"
        known = tensor.scale is not None and tensor.zero_point is not None
        absent = tensor.scale is None and tensor.zero_point is None
        if not (known if quantised else absent):
            needs = "a scale and a zero point" if quantised else "null scale and zero point"
            raise BundleError(f"{where}.{side}: {tensor.dtype} needs {needs}")
        if tensor.scale is not None and not 0 < tensor.scale < math.inf:
            raise mismatch(f"{where}.{side}.scale", "a number above 0", tensor.scale)
    for i, (limits, output) in enumerate(zip(file.tolerances, outputs, strict=True)):
        for name, limit in dataclasses.asdict(limits).items():
            place, share = f"{where}.tolerances[{i}].{name}", name == "agreement"
            if share and not output.decides:
                if limit is not None:
                    raise mismatch(place, f"null for {output.kind}", limit)
            elif limit is None or not 0 <= limit <= (1 if share else math.inf):
                raise mismatch(place, "a limit of its range", limit)
    if file.bytes < 1:
        raise mismatch(f"{where}.bytes", "at least 1", file.bytes)


def _check_files(manifest: Manifest, folder: Path) -> None:
    for reference in manifest.references():
        path = folder / reference.path
        if path.resolve().parent != folder.resolve():
            raise BundleError(f"{reference.path} is a link that leaves the bundle")
        if not path.is_file():
            raise BundleError(f"{reference.path} is missing from the bundle")
        size = path.stat().st_size
        if isinstance(reference, ModelFile) and size != reference.bytes:
            raise BundleError(
                f"{reference.path} is damaged: expected {reference.bytes} bytes, got {size}"
            )
        digest = sha256_of(path)
        if digest != reference.sha256:
            raise BundleError(
                f"{reference.path} was altered: expected sha256 {reference.sha256}, got {digest}"
            )
    try:
        lines = len(read_labels(folder, manifest))
    except UnicodeDecodeError as error:
        raise BundleError(f"{manifest.labels.path} is not UTF-8 text ({error.reason})") from error
    if lines != manifest.model.classes:
        raise BundleError(
            f"{manifest.labels.path} has {lines} lines for {manifest.model.classes} classes"
        )
