"""What `manifest.json` holds, as frozen dataclasses: the annotations are the schema.

`manifest.py` reads and checks it, `manifest_versions.py` brings older ones to this form.
"""

from dataclasses import dataclass
from typing import Literal

from kerascnn.errors import BundleError
from kerascnn.tasks import Output

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
    """The model the files were made from.

    `task` is one of `kerascnn.tasks.names()`; `classes` is the number of names in the labels file:
    of classes, labels or quantities; `parameters` counts all its weights.
    """

    name: str
    task: str
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
class FileRef:
    """A file of the bundle and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Golden(FileRef):
    """A few inputs and the Keras model's outputs for them, an array for each role."""

    count: int


@dataclass(frozen=True, kw_only=True)
class TensorIO:
    """A tensor of one file: real value = (stored - zero_point) * scale; float32 has neither."""

    dtype: DType
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far one output of a file may be from the Keras model's on the golden inputs.

    `agreement` is the least share of best classes, or of labels, that are alike; quantities have
    none, and their differences are shares of `tasks.outputs.unit`.
    """

    max_abs: float
    mean_abs: float
    agreement: float | None


@dataclass(frozen=True, kw_only=True)
class ModelFile(FileRef):
    """One `.tflite` file; `outputs` and `tolerances` are in the order of the manifest's outputs."""

    recipe: str
    bytes: int
    input: TensorIO
    outputs: tuple[TensorIO, ...]
    tolerances: tuple[Tolerance, ...]

    @property
    def output(self) -> TensorIO:
        """The first output."""
        return self.outputs[0]


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
    outputs: tuple[Output, ...]
    labels: FileRef
    golden: Golden
    files: tuple[ModelFile, ...]
    reports: Reports

    @property
    def output(self) -> Output:
        """The first output, which is the only one of the tasks that kerascnn brings."""
        return self.outputs[0]

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
