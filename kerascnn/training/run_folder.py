"""A run folder: what was trained, on what, and how it went."""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.errors import InputError
from kerascnn.files import (
    CSV,
    JSON,
    TEXT,
    FolderKind,
    PathLike,
    atomic_folder,
    json_object,
    read_text,
    user_path,
    write_text,
)
from kerascnn.training.defaults import Settings
from kerascnn.training.plan import FineTune

if TYPE_CHECKING:
    import keras

    from kerascnn.data import Fingerprint, Splits

logger = logging.getLogger("kerascnn.training")

SCHEMA_VERSION = 1
MODEL, CONFIG, HISTORY = "model.keras", "config.json", "history.csv"
LABELS, METRICS, BACKUP = "labels.txt", "metrics.json", "backup"
CURVES, CONFUSION = "curves.png", "confusion_matrix.png"
REPORT = "report.html"
QUANTIZE_AWARE = "quantize_aware"  # a folder with the model of those epochs
_LARGEST = 1 << 26  # bytes of a configuration
_KEYS = {"schema_version", "source", "model", "class_names", "training"}


def _contents(mark: Path) -> tuple[str, ...] | None:
    if not (json_object(mark) or {}).keys() >= _KEYS:
        return None
    files = (HISTORY, METRICS, MODEL, BACKUP, f"{BACKUP}/*")
    aware = (f"{QUANTIZE_AWARE}/{name}" for name in files)
    return (*files, LABELS, CURVES, CONFUSION, REPORT, QUANTIZE_AWARE, *aware)


RUN = FolderKind(
    "a run folder",
    CONFIG,
    _contents,
    ", go on with the run that is there: resume=True, on the command line --resume",
)


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
        fingerprint: Of a source that is a folder or a table, to know it again; None else.
        pixel_range: Of images with more than 8 bits, as `kerascnn.data.load` takes it.
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
    fingerprint: "Fingerprint | None" = None  # likewise
    pixel_range: tuple[float, float] | None = None  # likewise
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: PathLike) -> "RunConfig":
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
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
        try:
            _check_types(values)
            values["input_shape"] = tuple(values["input_shape"])
            values["class_names"] = tuple(values["class_names"])
            if values.get("pixel_range") is not None:
                values["pixel_range"] = tuple(values["pixel_range"])
            values["training"] = Settings(**values["training"])
            if values.get("fine_tuning") is not None:
                values["fine_tuning"] = FineTune.from_dict(values["fine_tuning"])
            if values.get("fingerprint") is not None:
                from kerascnn.data import Fingerprint

                values["fingerprint"] = Fingerprint(**values["fingerprint"])
            return cls(**values)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"{origin} is damaged, or of a newer kerascnn: {error}.") from error


def _check_types(values: dict[str, Any]) -> None:
    """Raises TypeError for values of a configuration that are not of their kind."""
    kinds: tuple[tuple[type | tuple[type, ...], tuple[str, ...]], ...] = (
        (str, ("source", "model", "augment", "task", "precision")),
        (dict, ("options", "resize", "training", "versions")),
        (list, ("input_shape", "class_names")),
        (int, ("seed", "quantize_aware")),
        ((str, type(None)), ("weights", "data_dir")),
    )
    for kind, names in kinds:
        for name in names:
            if name in values and not isinstance(values[name], kind):
                raise TypeError(f"{name} is {type(values[name]).__name__}")
    if [*map(type, values["input_shape"])] != [int] * 3 or min(values["input_shape"]) < 1:
        raise TypeError("input_shape is not height, width, channels")
    if not values["class_names"] or not all(isinstance(n, str) for n in values["class_names"]):
        raise TypeError("class_names are not all names")


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
        """Loads the run's own data: same splits, same resize rule, same colour.

        `changes` are those of `load_data`: `source` is where the data is now, if it has moved.
        """
        return load_data(self.config, **changes)

    def knows(self, source: PathLike) -> bool:
        """Whether a folder or table holds the data of this run, by its fingerprint."""
        from kerascnn import data

        own = self.config.fingerprint
        if own is None or not data.is_path(source):
            return False
        return data.fingerprint(source, self.config.task) == own

    def history(self) -> list[dict[str, float]]:
        """Reads history.csv: one row per epoch."""
        lines = read_text(self.folder / HISTORY, "history", most=_LARGEST).splitlines()
        names = lines[0].split(",")
        return [dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]]


def load_data(config: RunConfig, source: PathLike | None = None, **changes: Any) -> "Splits":
    """Loads the data that a configuration describes.

    Args:
        config: Of a run.
        source: Where the data is now, if it has moved.
        **changes: Override arguments of `kerascnn.data.load`.

    Raises:
        InputError: It is not there any more; other data at `source`; or other classes.
        DataError: It cannot be read.
    """
    from kerascnn import data
    from kerascnn.names import same_form

    place = config.source if source is None else recorded(source)
    moved = place != config.source
    if not moved:
        require_data(config)
    found = data.fingerprint(place, config.task)
    if found != config.fingerprint:
        _judge_other_data(place, moved, config.fingerprint, found)
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
        "pixel_range": config.pixel_range,
        **changes,
    }
    splits = data.load(place, **arguments)
    if splits.class_names != tuple(map(same_form, config.class_names)):
        raise InputError(
            f"the data in {place} changed since this run: it had the classes "
            f"{list(config.class_names)}, now it has {list(splits.class_names)}."
        )
    return splits


def require_data(config: RunConfig) -> None:
    """Raises InputError where the data of a run has moved."""
    from kerascnn import data

    if data.is_path(config.source) and not Path(config.source).exists():
        raise InputError(
            f"the data of this run is not in {config.source} any more. Say where it is: SOURCE of "
            "`kerascnn train --resume`, --data of the other commands, source= in Python."
        )


def recorded(source: PathLike) -> str:
    """A source as a run keeps it: folders and tables as absolute paths."""
    from kerascnn import data

    return str(user_path(source, "source").absolute()) if data.is_path(source) else str(source)


def _judge_other_data(
    place: PathLike, moved: bool, expected: "Fingerprint | None", found: "Fingerprint | None"
) -> None:
    """Says, or raises, what it means that data is not known again."""
    if expected is None:
        if moved:
            logger.info("%s is taken for the data of this run, which kept no fingerprint", place)
        return
    files = 0 if found is None else found.files
    counts = f"{files:,} files, {expected.files:,} were expected"
    if files == expected.files:
        counts = "other names or sizes of files"
    if moved:
        raise InputError(f"{place} does not hold the data of this run: {counts}.")
    logger.warning(
        "the data in %s changed since this run (%s): its validation and test images may be others "
        "now, some of which the run was trained on",
        *(place, counts),
    )


def open_run(folder: PathLike) -> Run:
    """Opens a run folder.

    Raises:
        InputError: No such folder, or none that `kerascnn.train` wrote.
    """
    folder = user_path(folder)
    path = folder / CONFIG
    if not path.exists():
        raise InputError(f"not a run folder: {folder} (it has no {CONFIG}).")
    text = read_text(path, "run configuration", most=_LARGEST)
    return Run(folder, RunConfig.from_json(text, path))


def start_folder(folder: Path, config: RunConfig, overwrite: bool) -> None:
    """Writes the folder of a run that begins: all of it appears at once, with its backup.

    So whatever moment the process is killed at, the run either can be resumed or did not begin.
    """
    with atomic_folder(folder, RUN, overwrite=overwrite) as temporary:
        (temporary / BACKUP).mkdir()
        write_text(temporary / LABELS, "\n".join(config.class_names) + "\n", TEXT)
        write_text(temporary / CONFIG, config.to_json(), JSON)


def remove_backups(folder: Path) -> None:
    """Removes what a run goes on from, when it is finished."""
    for place in (folder / QUANTIZE_AWARE, folder):
        if (place / BACKUP).is_dir():
            shutil.rmtree(place / BACKUP)


def write_history(folder: Path, rows: Sequence[dict[str, float]]) -> None:
    """Writes history.csv."""
    lines = [",".join(rows[0])] if rows else []
    lines += [",".join(f"{value:.9g}" for value in row.values()) for row in rows]
    write_text(folder / HISTORY, "\n".join(lines) + "\n", CSV)
