"""The end of a run: what it is worth, its pictures, its report, its model."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn import tasks
from kerascnn.errors import TrainingError
from kerascnn.files import JSON, KERAS, atomic_file, write_text
from kerascnn.model_file import copy_with_hint
from kerascnn.tasks import Arrays, Metrics
from kerascnn.training import objectives, run_folder
from kerascnn.training.eight_bits import EightBits
from kerascnn.training.judging import kinds_of, metrics_of
from kerascnn.training.keeper import RunKeeper
from kerascnn.training.plan import FineTune
from kerascnn.training.run_folder import open_run

if TYPE_CHECKING:
    import keras

    from kerascnn.data import Splits

_FINISHED = "finished.keras"  # in the backup


@dataclass(frozen=True, eq=False)
class Finished:
    """What a finished run has in memory, for what follows it in the same process.

    Attributes:
        model: The network of `model.keras`.
        splits: The data. Its images are decoded, unless they take more than
            `kerascnn.data.stores.CACHE_LIMIT` at the model's size.
        outputs: What the model gives for all images of "validation" and, where there is one,
            "test": arrays by role.
        metrics: What these are worth.
    """

    model: "keras.Model"
    splits: "Splits"
    outputs: Mapping[str, Arrays]
    metrics: dict[str, Metrics]


def finish(
    folder: Path, keeper: RunKeeper, splits: "Splits", eight_bits: EightBits | None
) -> Finished:
    """Measures the best epoch, writes the files of a finished run, and removes its backup.

    Raises:
        TrainingError: There is no epoch.
    """
    from kerascnn.serialization import load_model
    from kerascnn.training.report.write import write_report
    from kerascnn.visualize import plot_history

    if not keeper.state.epochs:
        raise TrainingError("no epoch was finished.")
    # A run killed between its last epoch's state and its history has the former only.
    run_folder.write_history(folder, keeper.state.history)
    trained = load_model(keeper.best_path)
    config = open_run(folder).config
    objective = objectives.of(config.task, config.model, config.options)
    network = objective.finished(trained)
    task, outputs, metrics = tasks.get(splits.task), {}, {}
    for name, dataset in (("validation", splits.validation), ("test", splits.test)):
        if dataset is not None:
            values = task.arrays(network.predict(dataset, verbose=0), network.name)
            outputs[name], labels = values, splits.labels(name)
            kinds = kinds_of(network, splits)
            metrics[name] = metrics_of(values, labels, splits, kinds, network.name)
    plot_history(keeper.state.history, folder / run_folder.CURVES)
    last = "test" if "test" in metrics else "validation"
    objectives.get(splits.task).plots(metrics[last], splits.class_names, folder, last)
    report = {name: value.to_dict() for name, value in metrics.items()}
    write_text(folder / run_folder.METRICS, json.dumps(report, indent=2) + "\n", JSON)
    quoted = shlex.quote(str(folder))
    recipes = ",".join(task.recipes)
    write_report(
        network,
        splits,
        folder / run_folder.REPORT,
        history=_with_phases(keeper.state.history, config.fine_tuning),
        title=config.model,
        notes=splits.notes,
        eight_bits=eight_bits,
        outputs=outputs,
        next_commands=(
            f"kerascnn predict {quoted} IMAGE",
            f"kerascnn export {quoted} --recipes {recipes} --out {quoted}-bundle",
        ),
    )
    # The model comes last: where it is, everything else is there too.
    best = keeper.best_path
    if network is not trained:
        best = folder / run_folder.BACKUP / _FINISHED
        network.save(best)
    with atomic_file(folder / run_folder.MODEL, KERAS, overwrite=True) as temporary:
        copy_with_hint(best, temporary)
    run_folder.remove_backups(folder)
    return Finished(network, splits, outputs, metrics)


def _with_phases(history: list[dict[str, float]], plan: FineTune | None) -> list[dict[str, Any]]:
    """The history with the names of its phases in place of their numbers."""
    if plan is None:
        return [*history]
    return [{**row, "phase": plan.phases[int(row["phase"]) - 1].name} for row in history]
