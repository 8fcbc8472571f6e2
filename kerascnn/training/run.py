"""Training: data in, a run folder out."""

import functools
import importlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from kerascnn import data
from kerascnn import weights as weight_files
from kerascnn.export.conversion.any_model import require_tensorflow
from kerascnn.files import JSON, PathLike, claim, user_path, write_text
from kerascnn.inputs.keywords import keras_words
from kerascnn.serialization import load_model
from kerascnn.tasks import Metrics
from kerascnn.training import fine_tuned, objectives, quantized, run_folder
from kerascnn.training import precision as computation
from kerascnn.training.batches import check_labels
from kerascnn.training.checks import Plan, check_new, check_resumed
from kerascnn.training.eight_bits import EightBits
from kerascnn.training.finish import Finished, finish
from kerascnn.training.keeper import RunKeeper, State, read_state
from kerascnn.training.network import check_architecture, fit
from kerascnn.training.network import network as network_of
from kerascnn.training.plan import FineTune
from kerascnn.training.run_folder import Run, RunConfig, load_data, recorded, start_folder
from kerascnn.transfer.callbacks import (
    OneTraining,
    callback_list,
    check_monitors,
    refuse_callbacks,
)

logger = logging.getLogger("kerascnn.training")

_OF_DATA = ("task", "validation_split", "seed", "resize", "data_dir")  # arguments of `data.load`
_OWN_RATES = "a run has a schedule of its own. Leave it out, and say learning_rate="
_REFUSED = {
    "ReduceLROnPlateau": _OWN_RATES,
    "LearningRateScheduler": _OWN_RATES,
    "BackupAndRestore": "a run keeps a backup of its own. Go on with it by resume=True",
    "SwapEMAWeights": "its optimiser keeps no average. Use kerascnn.transfer.fine_tune(ema=0.99)",
}


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
    metrics: dict[str, Metrics]
    history: tuple[dict[str, float], ...]
    best_epoch: int
    notes: tuple[str, ...]
    eight_bits: EightBits | None = None

    def __str__(self) -> str:
        scores = (f"{split} {metrics.headline()}" for split, metrics in self.metrics.items())
        epochs = f"{len(self.history)} epochs, kept epoch {self.best_epoch}"
        return f"{self.folder}: {'; '.join(scores)}; {epochs}"


@keras_words(
    instead={
        "x": "give the images as a folder, a .csv file, tfds:NAME or digits",
        "y": "give the images as a folder, a .csv file, tfds:NAME or digits",
        "validation_data": "it holds out validation_split of the training images, or takes the "
        "source's own validation images",
        "validation": "it holds out validation_split of the training images, or takes the "
        "source's own validation images",
        "optimizer": "it is AdamW, with learning_rate. For another: model.fit",
        "loss": "it follows from the task. For another: model.fit, or kerascnn.transfer.fine_tune",
        "metrics": "they follow from the task",
        "verbose": "pass callbacks=[...] that show progress, or use the command kerascnn train",
        "class_weight": "fine_tune=True weights classes that are not balanced",
        "ema": "kerascnn.transfer.fine_tune has it",
    }
)
def train(
    source: PathLike | None,
    model: str | None = None,
    out: PathLike = "run",
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
    precision: str = "auto",
    quantize_aware: int = 0,
    seed: int = 0,
    data_dir: PathLike | None = None,
    pixel_range: Sequence[float] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunResult:
    """Trains a model of the catalogue and writes a run folder.

    The folder holds the model of the epoch with the best validation accuracy, or in tasks other
    than classification with the lowest validation loss (`model.keras`), `config.json`,
    `history.csv`, `metrics.json`, `labels.txt`, `curves.png`, in classification
    `confusion_matrix.png`, and `report.html`, the page to look at. While training, `backup/` holds
    what `resume` goes on from.

    Args:
        source: A folder of class folders, a .csv file that names images, "tfds:NAME" or "digits".
            May be None with `resume`; where the data has moved since, its new place.
        model: Name in the catalogue. May be None with `resume`, and with `fine_tune`, which then
            takes MobileNetV2.
        out: The run folder to write.
        task: What the columns of a .csv file are for: "classification", "multi_label",
            "regression" or another of `kerascnn.tasks.names()`; by default what they look like, as
            `kerascnn.data.load` says.
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
        pixel_range: (low, high), the values that become 0 and 255 where pixels have more than 8
            bits; recorded in the run, for everything that reads images for it later.
        resume: Go on with the interrupted run in `out`; other arguments must not contradict it.
        overwrite: Replace an existing run in `out`.
        callbacks: Further Keras callbacks, which see one training, from its first epoch to its
            last. With `fine_tune`, one that stops training ends its phase.

    Raises:
        InputError: An unknown model or augmentation, a bad value, a run that does not fit `resume`,
            or a callback that cannot be honoured: those that change the learning rate,
            `BackupAndRestore`, `SwapEMAWeights`, and those that monitor what is not measured.
        DataError: A source that cannot be trained on.
        OutputExistsError: `out` exists, and neither `resume` nor `overwrite` is set; or it holds
            something else than a run.
        OutputInUseError: Another process is training in `out`.
        TrainingError: The loss is not a number any more.
        ExportError: With `quantize_aware`: another backend, or a model that cannot become a file.
    """
    request: dict[str, Any] = {
        "augment": augment,
        "task": task,
        "quantize_aware": quantize_aware,
        "pixel_range": pixel_range,
    }
    fresh: dict[str, Any] = {
        "options": options,
        "weights": weights,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "image_size": image_size,
        "validation_split": validation_split,
        "resize": resize,
        "patience": patience,
        "fine_tune": fine_tune,
        "seed": seed,
        "data_dir": data_dir,
        "overwrite": overwrite,
    }
    return train_and_keep(source, model, out, request, fresh, precision, resume, callbacks)[0]


def train_and_keep(
    source: PathLike | None,
    model: str | None,
    out: PathLike,
    request: Mapping[str, Any],
    fresh: Mapping[str, Any],
    precision: str = "auto",
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[RunResult, Finished]:
    """As `train`, for what goes on with the model, the data and the outputs in memory.

    Args:
        source, model, out, precision, resume, callbacks: Of `train`.
        request: Its arguments that a resumed run must not contradict.
        fresh: Its arguments that only a new run has.
    """
    if request["quantize_aware"]:
        require_tensorflow()
    given_callbacks = callback_list(callbacks)
    refuse_callbacks(given_callbacks, "train", _REFUSED)
    if resume:
        check_resumed(out, source, model, precision=precision, **request)
    else:
        check_new(source, model, out, **request, **fresh)
        precision = computation.choose(precision)
    folder = user_path(out, "run folder")
    with claim(folder):  # what was checked may have changed until then
        if resume:
            run = check_resumed(out, source, model, precision=precision, **request)
            config, state, splits = _go_on(run, source)
        else:
            plan = check_new(source, model, out, **request, **fresh)
            config, splits = _begin(plan, {**request, **fresh}, precision)
            state = State()
        check_labels(splits)
        check_monitors(given_callbacks, list(objectives.get(config.task).metrics), validation=True)
        keras.utils.set_random_seed(config.seed)
        with computation.computing_in(config.precision):
            network = network_of(config, folder, state, splits)
        if not resume:
            start_folder(folder, config, fresh["overwrite"])
        return _train(folder, config, state, splits, network, OneTraining(given_callbacks))


def _begin(plan: Plan, asked: Mapping[str, Any], precision: str) -> tuple[RunConfig, "data.Splits"]:
    """The configuration and the data of a new run; `asked` are the arguments of `train`."""
    check_architecture(plan, asked["task"])
    if plan.enlarged:
        logger.info(
            "images of %dx%d for a network of %dx%d: it is fine-tuned on crops, in which things "
            "look larger, and sees whole images larger in return (arXiv:1906.06423)",
            *(*plan.image_size, *plan.entry.input_shape[:2]),
        )
    load = functools.partial(
        data.load,
        *(plan.source, plan.image_size, plan.settings.batch_size),
        **{name: asked[name] for name in _OF_DATA},
        pixel_range=plan.pixel_range,
    )
    splits = load()
    if splits.image_shape[-1] == 1 and plan.weights is not None and _in_colour(plan.weights):
        logger.info("grey images are read as RGB, which the weights take")
        splits = load(channels=3)
    config = RunConfig(
        source=plan.source,
        model=plan.entry.name,
        options=plan.options,
        input_shape=splits.image_shape,
        class_names=splits.class_names,
        resize=splits.resize.to_dict(),
        weights=plan.weights,
        training=plan.settings,
        validation_split=asked["validation_split"],
        seed=asked["seed"],
        data_dir=None if asked["data_dir"] is None else os.fspath(asked["data_dir"]),
        versions=_versions(),
        augment=plan.augment,
        precision=precision,
        quantize_aware=asked["quantize_aware"],
        task=splits.task,
        fine_tuning=plan.fine_tuning,
        fingerprint=data.fingerprint(plan.source, splits.task),
        pixel_range=plan.pixel_range,
    )
    return config, splits


def _in_colour(weights: str) -> bool:
    """Whether pretrained weights are of a network that takes RGB images."""
    if not Path(weights).is_file():
        return True  # a published tag
    arrays = weight_files.read(weights)
    if isinstance(arrays, weight_files.StateDict):  # kernels [outputs, inputs, height, width]
        return any(value.ndim == 4 and value.shape[1] == 3 for value in arrays.values())
    kernels = [value for values in arrays.values() for value in values if value.ndim == 4]
    inputs = {kernel.shape[2] for kernel in kernels}
    return 3 in inputs and 1 not in inputs


def _go_on(run: Run, source: PathLike | None) -> tuple[RunConfig, State, "data.Splits"]:
    """The configuration, the backup and the data of an interrupted run."""
    config, state = run.config, read_state(run.folder) or State()
    place = config.source if source is None else recorded(source)
    splits = load_data(config, place, first_epoch=state.epochs)
    if place != config.source:
        config = replace(config, source=place)
        write_text(run.folder / run_folder.CONFIG, config.to_json(), JSON)
    return config, state, splits


def _train(
    folder: Path,
    config: RunConfig,
    state: State,
    splits: "data.Splits",
    network: keras.Model,
    watchers: OneTraining,
) -> tuple[RunResult, Finished]:
    """Trains the epochs that are left, and writes the files of a finished run."""
    plan, monitor = config.fine_tuning, objectives.get(config.task).monitor
    if plan is None:
        keeper = RunKeeper(folder, state, config.training.patience, monitor=monitor)
        epochs = config.training.epochs
    else:
        # Its phases have schedules of their own, that end where the next begins.
        keeper = RunKeeper(folder, state, None, monitor)
        epochs = plan.epochs
    trained = keeper.finished or quantized.has_begun(folder)
    if state.epochs < epochs and not trained:
        with data.reading(), computation.computing_in(config.precision):
            if plan is not None:
                fine_tuned.fit(folder, config, plan, network, splits, state, keeper, [watchers])
            else:
                objective = objectives.of(config.task, config.model, config.options)
                scores = objective.epoch_scores(splits)
                measuring = [] if scores is None else [scores]  # before who keeps the figures
                fit(config, network, splits, state, [*measuring, keeper, watchers])
    eight_bits = None
    if config.quantize_aware and state.epochs:
        best = load_model(keeper.best_path)
        with data.reading():
            eight_bits = quantized.train_with_rounding(folder, config, best, splits, [watchers])
    watchers.close()
    done = finish(folder, keeper, splits, eight_bits)
    history = tuple(state.history)
    return (
        RunResult(folder, done.metrics, history, state.best_epoch, splits.notes, eight_bits),
        done,
    )


def _versions() -> dict[str, str]:
    import kerascnn

    # Asked of the modules: the packages may be keras-nightly, tf-nightly or tensorflow-cpu.
    names = ("keras", "tensorflow", "numpy")
    found = {name: importlib.import_module(name).__version__ for name in names}
    return {"kerascnn": kerascnn.__version__, **found}
