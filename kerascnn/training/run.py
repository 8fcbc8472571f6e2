"""Training: data in, a run folder out."""

import importlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from kerascnn import augment as augmentation
from kerascnn import catalog, data
from kerascnn.errors import InputError, OutputExistsError
from kerascnn.export.any_model import require_tensorflow
from kerascnn.files import PathLike, refuse_existing, write_text
from kerascnn.serialization import load_model
from kerascnn.training import fine_tuned, quantized, run_folder, tasks
from kerascnn.training import precision as computation
from kerascnn.training.defaults import defaults_for
from kerascnn.training.eight_bits import EightBits
from kerascnn.training.finish import finish
from kerascnn.training.keeper import RunKeeper, State, read_state
from kerascnn.training.network import fit
from kerascnn.training.network import network as network_of
from kerascnn.training.plan import AUGMENTATION, MODEL, FineTune, pretrained
from kerascnn.training.plan import image_size as plan_image_size
from kerascnn.training.run_folder import RunConfig, load_data, open_run

# Options of a factory that the data decides, or that would not give a classifier.
RESERVED_OPTIONS = ("include_top", "input_tensor", "input_shape", "classes", "pooling", "weights")


@dataclass(frozen=True)
class RunResult:
    """What `train` did.

    Attributes:
        folder: The run folder.
        metrics: Of the best epoch, for "validation" and, where there is one, "test".
        history: One row per epoch.
        best_epoch: From 1; the saved model is that of this epoch.
        notes: What the data loader said.
        eight_bits: What int8 files cost, where `quantize_aware` asked for it.
    """

    folder: Path
    metrics: dict[str, tasks.Measured]
    history: tuple[dict[str, float], ...]
    best_epoch: int
    notes: tuple[str, ...]
    eight_bits: EightBits | None = None


def train(
    source: str | None,
    model: str | None = None,
    out: PathLike = "run",
    *,
    task: str = "auto",
    options: Mapping[str, Any] | None = None,
    weights: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | tuple[int, int] | None = None,
    validation_split: float | None = None,
    resize: str = "auto",
    patience: int | None = None,
    augment: str | None = None,
    fine_tune: bool | FineTune = False,
    precision: str = "auto",
    quantize_aware: int = 0,
    seed: int = 0,
    data_dir: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunResult:
    """Trains a model of the catalogue and writes a run folder.

    The folder holds the model of the epoch with the best validation accuracy, or in tasks other
    than classification with the lowest validation loss (`model.keras`), `config.json`,
    `history.csv`, `metrics.json`, `labels.txt`, `curves.png` and, in classification,
    `confusion_matrix.png` and `report.html`, the page to look at. While training, `backup/` holds
    what `resume` goes on from.

    Args:
        source: A folder of class folders, a .csv file that names images, "tfds:NAME" or "digits".
            May be None with `resume`.
        model: Name in the catalogue. May be None with `resume`, and with `fine_tune`, which then
            takes MobileNetV2.
        out: The run folder to write.
        task: What the columns of a .csv file are for: "classification", "multi_label" or
            "regression"; by default what they look like, as `kerascnn.data.load` says.
        options: Options of the architecture, such as {"activation": "relu"}.
        weights: A weight file or the tag of published weights to start from. The head of another
            number of classes starts afresh, and a log message says so. With `fine_tune` the
            published weights by default, and "none" for random ones.
        epochs: Passes over the data; by default, like the next two, what suits the family. With
            `fine_tune`, those of the last phase.
        batch_size: Images per step.
        learning_rate: Peak of the schedule. With `fine_tune`, that of the last phase.
        image_size: Height and width; by default the architecture's own, with `fine_tune` often 8/7
            of it.
        validation_split: Share of the training images held out, in (0, 1); by default a fifth,
            but 5,000 images at most.
        resize: "auto", "stretch", "crop" or "pad": how images of other sizes are made to fit.
        patience: Epochs without a better one before training stops.
        augment: Name of one of `kerascnn.augment.NAMES`, such as "standard": done to the training
            images, and drawn anew in each epoch. By default "none", with `fine_tune` "standard".
        fine_tune: Keep the backbone of the weights, give it a new head, and train in phases: the
            head alone first. True takes the plan by default.
        precision: "float32", "mixed_float16", "mixed_bfloat16", or "auto": mixed where the hardware
            gains by it (float16 on NVIDIA GPUs with compute capability 7.0 or more; on JAX,
            bfloat16 on GPUs and TPUs), else float32. Weights and outputs are float32 in any.
        quantize_aware: Epochs with the rounding of 8 bits after all others, from the best of them,
            at a twentieth of the learning rate. Their model is `quantize_aware/model.keras`, which
            int8 exports of the run are made from; `quantize_aware/metrics.json` and the report
            compare int8 files made without and with them. Needs TensorFlow as backend.
        seed: Makes splits, initial weights, the order of the images and their augmentation
            reproducible.
        data_dir: Folder of TensorFlow Datasets.
        resume: Go on with the interrupted run in `out`; other arguments must not contradict it.
        overwrite: Replace an existing run in `out`.
        callbacks: Further Keras callbacks.

    Raises:
        InputError: An unknown model or augmentation, a bad value, or a run that does not fit
            `resume`.
        DataError: A source that cannot be trained on.
        OutputExistsError: `out` exists, and neither `resume` nor `overwrite` is set.
        TrainingError: The loss is not a number any more.
        ExportError: With `quantize_aware`: another backend, or a model that cannot become a file.
    """
    if quantize_aware < 0:
        raise InputError(f"`quantize_aware` must be 0 epochs or more, not {quantize_aware}.")
    if quantize_aware:
        require_tensorflow()
    folder = Path(out)
    if resume:
        config = _resumed_config(folder, source, model, augment, task, precision, quantize_aware)
        state = read_state(folder) or State()
        splits = load_data(config, first_epoch=state.epochs)
    else:
        refuse_existing(folder, overwrite)
        if fine_tune and model is None:
            model = MODEL
        if source is None or model is None:
            raise InputError("training needs a data source and a model.")
        given: dict[str, Any] = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "patience": patience,
        }
        entry = catalog.find(model)
        settings = replace(
            defaults_for(entry.name, entry.family),
            **{k: v for k, v in given.items() if v is not None},
        )
        options = _checked(options)
        plan, own_size = None, entry.input_shape[:2]
        if fine_tune and patience is not None:
            raise InputError("`patience` does not go with `fine_tune`, whose phases have an end.")
        if fine_tune:
            plan = FineTune() if fine_tune is True else fine_tune
            plan = plan.completed(settings, epochs, learning_rate)
            own_size = plan_image_size(own_size, settings.fine_tuning_scale)
            weights = pretrained(entry.name, weights)
        if augment is None:
            augment = "none" if plan is None else AUGMENTATION
        precision = computation.choose(precision)
        augmentation.get(augment, 32)  # an unknown name is an error before anything is loaded
        splits = data.load(
            source,
            own_size if image_size is None else image_size,
            settings.batch_size,
            task=task,
            validation_split=validation_split,
            seed=seed,
            resize=resize,
            data_dir=data_dir,
        )
        config = RunConfig(
            source=_absolute(source),
            model=entry.name,
            options=options,
            input_shape=splits.image_shape,
            class_names=splits.class_names,
            resize=splits.resize.to_dict(),
            weights=weights,
            training=settings,
            validation_split=validation_split,
            seed=seed,
            data_dir=data_dir,
            versions=_versions(),
            augment=augment.lower(),
            task=splits.task,
            fine_tuning=plan,
            precision=precision,
            quantize_aware=quantize_aware,
        )
        state = State()
    keras.utils.set_random_seed(config.seed)
    with computation.computing_in(config.precision):
        network = network_of(config, folder, state, splits)
    if not resume:
        _start_folder(folder, config)
    plan = config.fine_tuning
    if plan is None:
        keeper = RunKeeper(folder, state, config.training.patience)
        epochs = config.training.epochs
    else:
        # Its phases have schedules of their own, that end where the next begins.
        keeper = RunKeeper(folder, state, None, plan.phase_of)
        epochs = plan.epochs
    done = keeper.finished or quantized.has_begun(folder)
    if state.epochs < epochs and not done:
        with data.reading(), computation.computing_in(config.precision):
            if plan is not None:
                fine_tuned.fit(folder, config, plan, network, splits, state, [keeper, *callbacks])
            else:
                fit(config, network, splits, state, [keeper, *callbacks])
    eight_bits = None
    if config.quantize_aware and state.epochs:
        best = load_model(keeper.best_path)
        with data.reading():
            eight_bits = quantized.train_with_rounding(folder, config, best, splits, callbacks)
    metrics = finish(folder, keeper, splits, eight_bits)
    return RunResult(
        folder, metrics, tuple(state.history), state.best_epoch, splits.notes, eight_bits
    )


def _checked(options: Mapping[str, Any] | None) -> dict[str, Any]:
    for name in options or {}:
        if name in RESERVED_OPTIONS:
            raise InputError(f"option {name!r} is decided by the data when training; leave it out.")
    return dict(options or {})


def _absolute(source: str) -> str:
    is_folder = source != "digits" and not source.startswith("tfds:")
    return str(Path(source).absolute()) if is_folder else source


def _resumed_config(
    folder: Path,
    source: str | None,
    model: str | None,
    augment: str | None,
    task: str,
    precision: str,
    quantize_aware: int,
) -> RunConfig:
    config = open_run(folder).config
    if source is not None and _absolute(source) != config.source:
        raise InputError(f"run {folder} was started on {config.source}, not on {source}.")
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
    if not (folder / run_folder.BACKUP).is_dir():
        raise InputError(f"run {folder} is finished; there is nothing to resume.")
    return config


def _start_folder(folder: Path, config: RunConfig) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / run_folder.CONFIG).is_file():
            raise OutputExistsError(
                f"{folder} is not a run folder, so it is not replaced. Choose another path."
            )
        shutil.rmtree(folder)
    (folder / run_folder.BACKUP).mkdir(parents=True, exist_ok=True)
    write_text(folder / run_folder.LABELS, "\n".join(config.class_names) + "\n")
    write_text(folder / run_folder.CONFIG, config.to_json())


def _versions() -> dict[str, str]:
    import kerascnn

    # Asked of the modules: the packages may be keras-nightly, tf-nightly or tensorflow-cpu.
    names = ("keras", "tensorflow", "numpy")
    found = {name: importlib.import_module(name).__version__ for name in names}
    return {"kerascnn": kerascnn.__version__, **found}
