"""A run folder: what was trained, on what, and how it went."""

import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.errors import InputError
from kerascnn.files import PathLike, write_text
from kerascnn.training.defaults import Settings
from kerascnn.training.plan import FineTune

if TYPE_CHECKING:
    import keras

    from kerascnn.data import Splits

SCHEMA_VERSION = 1
MODEL, CONFIG, HISTORY = "model.keras", "config.json", "history.csv"
LABELS, METRICS, BACKUP = "labels.txt", "metrics.json", "backup"
CURVES, CONFUSION = "curves.png", "confusion_matrix.png"
REPORT = "report.html"
QUANTIZE_AWARE = "quantize_aware"  # a folder with the model of those epochs


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a run, so that it can be resumed, evaluated and exported later.

    Attributes:
        source: The data source, as `kerascnn.data.load` takes it (a folder as an absolute path).
        model: Name in the catalogue.
        options: Options of the architecture, beside the input shape and the classes.
        input_shape: (height, width, channels).
        class_names: Of the outputs, in their order: classes, labels or targets.
        resize: The resize rule as a dict, or "auto" before the data was seen.
        weights: Weight file or published tag the training started from, or None.
        training: Epochs, learning rate and the like.
        validation_split, seed, data_dir: As `kerascnn.data.load` takes them.
        fine_tuning: The plan, if the run fine-tunes; it decides the epochs and learning rates.
        augment: Name of the augmentation of the training images.
        task: One of `kerascnn.tasks.names()`.
        precision: Policy of the layers: "float32", "mixed_float16" or "mixed_bfloat16".
        quantize_aware: Epochs with the rounding of 8 bits after all others.
    """

    source: str
    model: str
    options: dict[str, Any]
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    resize: dict[str, Any]
    weights: str | None
    training: Settings
    validation_split: float | None
    seed: int
    data_dir: str | None
    versions: dict[str, str]
    fine_tuning: FineTune | None = None
    augment: str = "none"  # also that of runs older than this entry
    task: str = "classification"  # likewise
    precision: str = "float32"  # likewise
    quantize_aware: int = 0  # likewise
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: PathLike) -> "RunConfig":
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{origin} is not valid JSON: {error}.") from error
        known = {item.name for item in fields(cls)}
        required = {item.name for item in fields(cls) if item.default is MISSING}
        if not isinstance(values, dict) or values.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"{origin} is not a run configuration of schema version {SCHEMA_VERSION}."
            )
        missing, unknown = sorted(required - set(values)), sorted(set(values) - known)
        if missing or unknown:
            raise InputError(
                f"{origin} does not have the expected keys: missing {missing}, unknown {unknown}."
            )
        values["input_shape"] = tuple(values["input_shape"])
        values["class_names"] = tuple(values["class_names"])
        values["training"] = Settings(**values["training"])
        if values.get("fine_tuning") is not None:
            values["fine_tuning"] = FineTune.from_dict(values["fine_tuning"])
        return cls(**values)


@dataclass(frozen=True)
class Run:
    """An existing run folder, opened by `open_run`."""

    folder: Path
    config: RunConfig

    @property
    def model_path(self) -> Path:
        """Path of the trained model; an InputError if the run did not finish."""
        path = self.folder / MODEL
        if not path.is_file():
            raise InputError(
                f"run {self.folder} has no {MODEL}: its training did not finish. "
                "Run `kerascnn train --resume` on it first."
            )
        return path

    @property
    def quantize_aware_path(self) -> Path | None:
        """Path of the quantisation-aware model; None for a run without."""
        path = self.folder / QUANTIZE_AWARE / MODEL
        return path if path.is_file() else None

    def load_model(self) -> "keras.Model":
        """Loads the trained model."""
        from kerascnn.serialization import load_model

        return load_model(self.model_path)

    def data(self, **changes: Any) -> "Splits":
        """Loads the run's own data: same splits, same resize rule, same colour."""
        config = self.config
        return load_data(config, **changes)

    def history(self) -> list[dict[str, float]]:
        """Reads history.csv: one row per epoch."""
        lines = (self.folder / HISTORY).read_text(encoding="utf-8").splitlines()
        names = lines[0].split(",")
        return [dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]]


def load_data(config: RunConfig, **changes: Any) -> "Splits":
    """Loads the data that a configuration describes; `changes` override arguments of `load`."""
    from kerascnn import data

    height, width, channels = config.input_shape
    arguments: dict[str, Any] = {
        "image_size": (height, width),
        "batch_size": config.training.batch_size,
        "task": config.task,
        "channels": channels,
        "validation_split": config.validation_split,
        "seed": config.seed,
        "resize": data.ResizeRule.from_dict(config.resize),
        "data_dir": config.data_dir,
        **changes,
    }
    splits = data.load(config.source, **arguments)
    if splits.class_names != config.class_names:
        raise InputError(
            f"the data in {config.source} changed since this run: it had the classes "
            f"{list(config.class_names)}, now it has {list(splits.class_names)}."
        )
    return splits


def open_run(folder: PathLike) -> Run:
    """Opens a run folder.

    Raises:
        InputError: No such folder, or none that `kerascnn.train` wrote.
    """
    folder = Path(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"not a run folder: {folder} (it has no {CONFIG}).")
    return Run(folder, RunConfig.from_json(path.read_text(encoding="utf-8"), path))


def write_history(folder: Path, rows: Sequence[dict[str, float]]) -> None:
    """Writes history.csv."""
    lines = [",".join(rows[0])] if rows else []
    lines += [",".join(f"{value:.9g}" for value in row.values()) for row in rows]
    write_text(folder / HISTORY, "\n".join(lines) + "\n")
