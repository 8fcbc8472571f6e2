"""What `manifest.json` holds, as frozen dataclasses: the annotations are the schema.

Standard library only. `manifest.py` reads and checks it.
"""

from dataclasses import dataclass
from typing import Literal

from kerascnn.errors import BundleError

DType = Literal["float32", "uint8", "int8", "int16"]
DTYPES: tuple[DType, ...] = ("float32", "uint8", "int8", "int16")


Task = Literal["image-classification", "image-multi-label", "image-regression"]
Kind = Literal["probabilities", "logits", "scores", "quantities"]
# Task -> what its outputs can be.
KINDS: dict[Task, tuple[Kind, ...]] = {
    "image-classification": ("probabilities", "logits"),
    "image-multi-label": ("scores",),
    "image-regression": ("quantities",),
}


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

    `classes` is the number of its outputs: of classes, labels or quantities; `parameters` counts
    all its weights.
    """

    name: str
    task: Task
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
    """What every file gives, after dequantisation.

    `thresholds` are for scores: above its own a label is given. `ranges` are for quantities: the
    smallest and the largest value of each that the Keras model gave for the samples.
    """

    shape: tuple[int, int]
    kind: Kind
    thresholds: tuple[float, ...] | None = None
    ranges: tuple[tuple[float, float], ...] | None = None


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
    """How far the file's outputs may be from the Keras model's on the golden inputs.

    `top1_agreement` is for classes, `decision_agreement` for labels; quantities have neither, and
    their differences are shares of `unit`.
    """

    max_abs: float
    mean_abs: float
    top1_agreement: float | None
    decision_agreement: float | None = None


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


def unit(low: float, high: float) -> float:
    """What differences of a quantity with this range are divided by before they are compared.

    Far from zero float32 itself is coarser than a narrow range: a hundredth of the values is the
    least.
    """
    return max(high - low, 0.01 * max(abs(low), abs(high)), 1e-6)
