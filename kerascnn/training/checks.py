"""What can be said of a training before anything is loaded. Importing it does not load Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kerascnn import augment as augmentation
from kerascnn import catalog, data
from kerascnn.catalog import Entry, published
from kerascnn.data.images.deep_pixels import check_pixel_range
from kerascnn.errors import InputError
from kerascnn.files import PathLike, claim, refuse_existing, sweep, user_path
from kerascnn.tasks.average_precision import require_pycocotools
from kerascnn.training.defaults import AUGMENTATIONS, Settings, defaults_for
from kerascnn.training.detection_options import kind_of, without_kind
from kerascnn.training.plan import AUGMENTATION, MODEL, FineTune, pretrained
from kerascnn.training.plan import image_size as plan_image_size
from kerascnn.training.run_folder import (
    BACKUP,
    CONFIG,
    RUN,
    Run,
    open_run,
    recorded,
    remove_backups,
)
from kerascnn.training.run_folder import MODEL as MODEL_FILE

# Options of a factory that the data decides, or that would not give a classifier.
RESERVED_OPTIONS = ("include_top", "input_tensor", "input_shape", "classes", "pooling", "weights")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A new run before its data is read.

    Attributes:
        folder: The run folder to write.
        source: The data source, a folder or table as an absolute path.
        entry: Of the architecture.
        options: Of the architecture.
        settings: Epochs, learning rate and the like.
        fine_tuning: The phases, or None.
        weights: What the training starts from, or None.
        image_size: (height, width) that images are brought to.
        enlarged: Whether that is more than the architecture's own, because it is fine-tuned.
        augment: Name of the augmentation.
        pixel_range: Of images with more than 8 bits, as `kerascnn.data.load` takes it.
    """

    folder: Path
    source: str
    entry: Entry
    options: dict[str, Any]
    settings: Settings
    fine_tuning: FineTune | None
    weights: str | None
    image_size: tuple[int, int]
    enlarged: bool
    augment: str
    pixel_range: tuple[float, float] | None


def check_new(
    source: PathLike | None,
    model: str | None,
    out: PathLike,
    *,
    task: str = "auto",
    options: Mapping[str, Any] | None = None,
    weights: PathLike | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | tuple[int, int] | None = None,
    validation_split: float | None = None,
    resize: str = "auto",
    patience: int | None = None,
    augment: str | None = None,
    fine_tune: bool | FineTune = False,
    quantize_aware: int = 0,
    seed: int = 0,
    data_dir: PathLike | None = None,
    pixel_range: Sequence[float] | None = None,
    overwrite: bool = False,
) -> Plan:
    """The plan of a new run; arguments are those of `train`.

    What is most basic is checked first: a source that is missing is not hidden behind an output
    that exists.

    Raises:
        DataError: No such source.
        InputError: A value that cannot be used, or a run folder among the data.
        UnknownOptionError: An option that the architecture does not have.
        OutputExistsError: `out` exists and may not be replaced.
    """
    detects = task == "detection"
    if (fine_tune or detects) and model is None:
        model = MODEL
    if source is None or model is None:
        raise InputError("training needs a data source and a model.")
    place = data.check_source(source, task, data_dir)
    entry = catalog.find(model)
    for name in options or {}:
        if name in RESERVED_OPTIONS:
            raise InputError(f"option {name!r} is decided by the data when training; leave it out.")
    own = dict(options or {})
    if detects:
        kind_of(entry, own)
        own = without_kind(own)
    elif entry.task != "classification":
        raise InputError(
            f"{entry.name} is made for {entry.task}. Expected --task {entry.task} (task="
            f"{entry.task!r}), or another model. Received: task={task!r}."
        )
    catalog.check_options(entry, own)
    given: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "patience": patience,
    }
    settings = replace(
        defaults_for(entry.name, entry.family, task),
        **{k: v for k, v in given.items() if v is not None},
    )
    data.check_arguments(
        settings.batch_size,
        image_size,
        validation_split=validation_split,
        seed=seed,
        resize=resize,
        pixel_range=pixel_range,
    )
    if detects:
        _check_detection(fine_tune, quantize_aware, resize)
    if quantize_aware < 0:
        raise InputError(f"`quantize_aware` must be 0 epochs or more, not {quantize_aware}.")
    plan, own_size = None, entry.input_shape[:2]
    if fine_tune and patience is not None:
        raise InputError("`patience` does not go with `fine_tune`, whose phases have an end.")
    start = None if weights is None else str(weights)
    if fine_tune:
        plan = FineTune() if fine_tune is True else fine_tune
        own_size = plan_image_size(own_size, settings.fine_tuning_scale)
    if plan is not None or detects:
        start = pretrained(entry.name, start)
    if plan is not None:
        plan = plan.completed(settings, epochs, learning_rate, start)
    if start is not None:
        file = published.local_file(entry.name, start)
        start = start if file is None else str(file.absolute())
    if augment is None:
        augment = AUGMENTATIONS.get(task, "none" if plan is None else AUGMENTATION)
    if not isinstance(augment, str):
        raise InputError(
            f"`augment` must be one of {', '.join(augmentation.NAMES)}. Received: "
            f"{type(augment).__name__}. A pipeline of your own is for model.fit or "
            "kerascnn.transfer.fine_tune(augmented=...)."
        )
    augmentation.get(augment, 32)
    folder = user_path(out, "run folder")
    if place is not None and place.is_dir() and place.resolve() in folder.resolve().parents:
        raise InputError(
            f"the run folder {folder} would lie among the data in {place}, and count as a class of "
            "images. Choose another place for it."
        )
    refuse_existing(folder, RUN, overwrite)
    return Plan(
        folder=folder,
        source=recorded(source),
        entry=entry,
        options=dict(options or {}),
        settings=settings,
        fine_tuning=plan,
        weights=start,
        image_size=own_size if image_size is None else data.check_size(image_size),
        enlarged=image_size is None and own_size != entry.input_shape[:2],
        augment=augment.lower(),
        pixel_range=check_pixel_range(pixel_range),
    )


def _check_detection(fine_tune: bool | FineTune, quantize_aware: int, resize: str) -> None:
    """Raises InputError for what a run of detection does not have."""
    require_pycocotools()
    if fine_tune:
        raise InputError(
            "detection trains all layers in one phase, from the published weights of the backbone. "
            "Leave fine_tune out (--fine-tune)."
        )
    if quantize_aware:
        raise InputError("quantize_aware is not for detection. Leave it out.")
    if resize not in ("auto", "stretch"):
        raise InputError(
            f"detection takes whole pictures: resize must be 'auto' or 'stretch'. Received: "
            f"{resize!r}."
        )


def check_resumed(
    out: PathLike,
    source: PathLike | None = None,
    model: str | None = None,
    *,
    augment: str | None = None,
    task: str = "auto",
    precision: str = "auto",
    quantize_aware: int = 0,
    pixel_range: Sequence[float] | None = None,
) -> Run:
    """The run to go on with; arguments are those of `train`, and must not contradict it.

    Raises:
        InputError: No run, one that is finished, or one of something else.
        DataError: No such source.
    """
    folder = user_path(out, "run folder")
    if not (folder / CONFIG).exists():
        raise InputError(
            f"nothing to resume: {folder} is not a run folder (it has no {CONFIG}). Leave resuming "
            "out to begin a run there."
        )
    run = open_run(folder)
    config = run.config
    if source is not None and recorded(source) != config.source:
        # Folders and tables may have moved: `load_data` compares what is in them.
        if not (data.is_path(source) and data.is_path(config.source)):
            raise InputError(f"run {folder} was started on {config.source}, not on {source}.")
        data.check_source(source, config.task)
    if model is not None and catalog.find(model).name != config.model:
        raise InputError(f"run {folder} trains {config.model}, not {model}.")
    if augment is not None and augment.lower() not in ("none", config.augment):
        raise InputError(f"run {folder} has the augmentation {config.augment}, not {augment}.")
    if task not in ("auto", config.task):
        raise InputError(f"run {folder} is of the task {config.task}, not {task}.")
    if precision not in ("auto", config.precision):
        raise InputError(f"run {folder} has the precision {config.precision}, not {precision}.")
    if quantize_aware not in (0, config.quantize_aware):
        raise InputError(
            f"run {folder} has {config.quantize_aware} quantisation-aware epochs, not "
            f"{quantize_aware}."
        )
    if pixel_range is not None and check_pixel_range(pixel_range) != config.pixel_range:
        raise InputError(
            f"run {folder} has the pixel range {config.pixel_range}, not {tuple(pixel_range)}."
        )
    if (folder / MODEL_FILE).is_file():
        if (folder / BACKUP).is_dir():  # killed at the very end
            with claim(folder):
                remove_backups(folder)
        sweep(folder)  # or right behind it
        raise InputError(f"run {folder} is finished; there is nothing to resume.")
    if not (folder / BACKUP).is_dir():
        raise InputError(
            f"run {folder} has neither a model nor a backup to go on from. Train it anew, with "
            "overwrite=True, on the command line --overwrite."
        )
    return run
