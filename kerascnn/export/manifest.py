"""The manifest of a bundle: what a device must know about the files, and nothing it must guess.

Standard library only. Reading is strict: a key that is missing, unknown, doubled or of the wrong
type, a newer schema, a path out of the bundle, an altered file are each one BundleError.
`export/CONTRACT.md` describes the format in prose; `export/manifest.schema.json` is its schema.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kerascnn.errors import BundleError
from kerascnn.export import strict_json
from kerascnn.export.strict_json import mismatch
from kerascnn.files import PathLike, write_text

SCHEMA_VERSION = 1
FILE_NAME = "manifest.json"
_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")  # no separator, drive or "..", ever
_SHA256 = re.compile(r"[0-9a-f]{64}")

DType = Literal["float32", "uint8", "int8", "int16"]
DTYPES: tuple[DType, ...] = ("float32", "uint8", "int8", "int16")


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The libraries that made the bundle."""

    kerascnn: str
    keras: str
    tensorflow: str
    ai_edge_litert: str
    litert_quantizer: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """The model the files were made from; `parameters` counts all its weights."""

    name: str
    task: Literal["image-classification"]
    classes: int
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Resize:
    """How an image of another size becomes the input size."""

    fit: Literal["stretch", "crop", "pad"]
    filter: Literal["bilinear"]
    antialias: Literal[True]
    pad_value: int


@dataclass(frozen=True, kw_only=True)
class Input:
    """What every file takes, before its own quantisation: raw pixels."""

    shape: tuple[int, int, int, int]
    layout: Literal["NHWC"]
    color: Literal["grayscale", "rgb"]
    range: tuple[int, int]
    resize: Resize


@dataclass(frozen=True, kw_only=True)
class Output:
    """What every file gives, after dequantisation."""

    shape: tuple[int, int]
    kind: Literal["probabilities", "logits"]


@dataclass(frozen=True, kw_only=True)
class FileRef:
    """A file of the bundle and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Golden(FileRef):
    """A few inputs and the Keras model's outputs for them."""

    count: int


@dataclass(frozen=True, kw_only=True)
class TensorIO:
    """A tensor of one file: real value = (stored - zero_point) * scale; float32 has neither."""

    dtype: DType
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far the file's outputs may be from the Keras model's on the golden inputs."""

    max_abs: float
    mean_abs: float
    top1_agreement: float


@dataclass(frozen=True, kw_only=True)
class ModelFile(FileRef):
    """One `.tflite` file."""

    recipe: str
    bytes: int
    input: TensorIO
    output: TensorIO
    tolerance: Tolerance


@dataclass(frozen=True, kw_only=True)
class Reports:
    """The measurements, for programs and for people."""

    json: FileRef
    html: FileRef


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`manifest.json`; `files[0]` is what a kit runs unless told otherwise."""

    schema_version: int
    versions: Versions
    model: Model
    input: Input
    output: Output
    labels: FileRef
    golden: Golden
    files: tuple[ModelFile, ...]
    reports: Reports

    def references(self) -> tuple[FileRef, ...]:
        """Every file the manifest names, itself excluded."""
        return (self.labels, self.golden, *self.files, self.reports.json, self.reports.html)

    def file(self, recipe: str) -> ModelFile:
        """The file made by `recipe`.

        Raises:
            BundleError: The bundle has no such file.
        """
        for file in self.files:
            if file.recipe == recipe:
                return file
        known = ", ".join(file.recipe for file in self.files)
        raise BundleError(f"the bundle has no recipe {recipe!r}. It has: {known}")


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
    folder = Path(folder)
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise BundleError(f"no such bundle: {folder} is not a folder")
    if not path.is_file():
        raise BundleError(f"not a bundle: {folder} has no {FILE_NAME}")
    try:
        manifest = parse(path.read_bytes().decode("utf-8"))
        _check_files(manifest, folder)
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: not UTF-8 text ({error.reason})") from error
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error
    return manifest


def read_labels(folder: PathLike, manifest: Manifest) -> tuple[str, ...]:
    """The class names of a bundle that `read` has checked, in the order of the outputs."""
    text = (Path(folder) / manifest.labels.path).read_bytes().decode("utf-8")
    return tuple(text.removesuffix("\n").split("\n"))


def write(manifest: Manifest, folder: PathLike) -> Path:
    """Writes `manifest.json`; equal manifests give equal bytes.

    Raises:
        BundleError: The manifest breaks its own schema.
    """
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False) + "\n"
    parse(text)
    path = Path(folder) / FILE_NAME
    write_text(path, text)
    return path


def parse(text: str) -> Manifest:
    """The manifest in `text`, its values checked; the files it names are not looked at.

    Raises:
        BundleError: The text is not a manifest of this schema version.
    """
    data = strict_json.loads(text)
    if isinstance(data, dict):  # before its keys: another version may have others
        _check_version(data.get("schema_version"))
    manifest = strict_json.build(Manifest, data)
    _check_values(manifest)
    return manifest


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise BundleError(f"schema_version: expected the integer {SCHEMA_VERSION}, got {version!r}")
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"made by a newer kerascnn: schema {version}, this one reads {SCHEMA_VERSION}: upgrade"
        )


def _check_values(manifest: Manifest) -> None:
    """What types cannot say."""
    height_and_width = manifest.input.shape[1:3]
    channels = {"grayscale": 1, "rgb": 3}[manifest.input.color]
    expected = (1, *height_and_width, channels)
    if manifest.input.shape != expected or min(height_and_width) < 1:
        raise mismatch("input.shape", f"[1, H, W, {channels}]", list(manifest.input.shape))
    if manifest.input.range != (0, 255):
        raise mismatch("input.range", "[0, 255]", list(manifest.input.range))
    if not 0 <= manifest.input.resize.pad_value <= 255:
        raise mismatch("input.resize.pad_value", "0 to 255", manifest.input.resize.pad_value)
    if manifest.output.shape != (1, manifest.model.classes):
        expected_text = f"[1, {manifest.model.classes}] (model.classes)"
        raise mismatch("output.shape", expected_text, list(manifest.output.shape))
    for where, count in (
        ("model.classes", manifest.model.classes),
        ("model.parameters", manifest.model.parameters + 1),
        ("golden.count", manifest.golden.count),
        ("files", len(manifest.files)),
    ):
        if count < 1:
            raise BundleError(f"{where}: there must be at least one")
    for i, file in enumerate(manifest.files):
        _check_model_file(file, f"files[{i}]")
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


def _check_model_file(file: ModelFile, where: str) -> None:
    for side, tensor in (("input", file.input), ("output", file.output)):
        quantised = tensor.dtype != "float32"
        known = tensor.scale is not None and tensor.zero_point is not None
        absent = tensor.scale is None and tensor.zero_point is None
        if not (known if quantised else absent):
            needs = "a scale and a zero point" if quantised else "null scale and zero point"
            raise BundleError(f"{where}.{side}: {tensor.dtype} needs {needs}")
        if tensor.scale is not None and not 0 < tensor.scale < math.inf:
            raise mismatch(f"{where}.{side}.scale", "a number above 0", tensor.scale)
    limits = dataclasses.asdict(file.tolerance)
    for name, limit in limits.items():
        if not 0 <= limit <= (1 if name == "top1_agreement" else math.inf):
            raise mismatch(f"{where}.tolerance.{name}", "a limit of its range", limit)
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
