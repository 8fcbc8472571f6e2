"""`write_report`: everything about a trained model on one page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn import data, tasks
from kerascnn.files import HTML, PathLike, refuse_existing, user_path, write_text
from kerascnn.inputs.keywords import keras_words
from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.training import objectives
from kerascnn.training.eight_bits import EightBits
from kerascnn.training.report.curves_section import curves_section
from kerascnn.training.report.data_checks import Check, data_checks
from kerascnn.training.report.data_section import check_list, data_section
from kerascnn.training.report.eight_bits_section import eight_bits_section
from kerascnn.training.report.history import Rows, as_rows
from kerascnn.training.report.outcome import judge
from kerascnn.training.report.pages import Tile

if TYPE_CHECKING:
    from kerascnn.data import Splits


@keras_words()
def write_report(
    model: keras.Model,
    splits: "Splits",
    path: PathLike,
    *,
    history: Rows | Mapping[str, Sequence[Any]] = (),
    title: str | None = None,
    notes: Sequence[str] = (),
    next_commands: Sequence[str] = (),
    eight_bits: EightBits | None = None,
    outputs: Mapping[str, tasks.Arrays] | None = None,
) -> Path:
    """Writes a page about a trained model and its data: one HTML file that loads nothing.

    It shows the data and what may be wrong with it, the curves of training, the worst answers with
    Grad-CAM, and what the task adds: of classes, confusions and whether probabilities can be
    believed; of labels, how well each is found; of quantities, predictions against the truth. What
    is judged are the test images, or the validation images if there are none; of more than 20,000,
    an even sample.

    Args:
        model: Takes the images of `splits`, gives the outputs of their task: for classification
            probabilities or scores `[B, classes]`, one sigmoid for two classes.
        splits: The data it was trained on.
        path: The file to write; an HTML page there is replaced, nothing else.
        history: One mapping per epoch, or `model.fit(...).history`. Curves are drawn of `loss`,
            the task's metric (`accuracy`, `binary_accuracy` or `mae`), the same of validation
            (`val_loss` ...) and `learning_rate`, where they are there; an entry `phase` names the
            stretches of a fine-tuning.
        title: The heading; the name of the model if None.
        notes: Sentences shown at the end, such as those of the data loader.
        next_commands: Command lines shown at the end.
        eight_bits: What int8 files cost, where it was measured.
        outputs: Of "validation" and "test" what the model gives for all images, by role, where it
            is known; it is computed else.

    Returns:
        The path.

    Raises:
        InputError: A model that does not fit the data, or a history in another form.
        OutputExistsError: There is something else than a page at `path`.
    """
    refuse_existing(path, HTML, overwrite=True)
    rows, known = as_rows(history), outputs or {}
    objective, task = objectives.get(splits.task), tasks.get(splits.task)
    validation, test = judge(model, splits, "validation", known=known.get("validation")), None
    if "test" in splits.counts:
        test = judge(model, splits, "test", known=known.get("test"))
    pages = objective.pages()(model, splits, validation, test, rows)
    duplicates, small = data.find_duplicates(splits), data.find_small_images(splits)
    checks = data_checks(splits, duplicates, small, pages.balance())
    found = [*(check for check in checks if not check.well), *pages.checks()]
    title = title or model.name
    text = frame.document(
        f"{title}: training report",
        (
            _header(model, splits, task, title),
            _figures(pages.tiles()),
            _findings(found),
            data_section(splits, duplicates, small, checks, pages.samples()),
            curves_section(rows, pages.curve, objective.monitor),
            *pages.sections(),
            eight_bits_section(eight_bits),
            _notes(notes),
            _next(next_commands),
            _footer(),
        ),
        frame.stylesheet("kerascnn.training.report", "report.css"),
    )
    write_text(path, text, HTML)
    return user_path(path)


def _header(model: keras.Model, splits: "Splits", task: tasks.Task, title: str) -> str:
    names = len(splits.class_names)
    return (
        f"<header>\n<h1>{page.text(title)}</h1>\n"
        f"<p>{page.text(task.title)} · {names:,} {task.nouns[names != 1]} · "
        f"{model.count_params():,} parameters · trained on {page.text(splits.source)}</p>\n"
        "</header>"
    )


def _figures(tiles: Sequence[Tile]) -> str:
    cards = "".join(
        f'<div class="card tile"><small>{page.text(name)}</small><b>{page.text(value)}</b>'
        f"<small>{page.text(under)}</small></div>"
        for name, value, under in tiles
    )
    return f'<div class="tiles">{cards}</div>'


def _findings(found: Sequence[Check]) -> str:
    if not found:
        found = [Check(True, "Nothing stands out in the data or in the training.")]
    return frame.section("What stands out", check_list(found))


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{page.text(note)}</li>" for note in notes)
    return frame.section("Notes", f'<ul class="notes">{items}</ul>')


def _next(commands: Sequence[str]) -> str:
    if not commands:
        return ""
    return frame.section("Next", frame.commands(("", command) for command in commands))


def _footer() -> str:
    import kerascnn

    return frame.footer(
        (
            f"kerascnn {kerascnn.__version__}",
            f"Keras {keras.__version__} on {keras.backend.backend()}",
            f"NumPy {np.__version__}",
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
    )
