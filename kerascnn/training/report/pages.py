"""What a report shows of a task: the base class, which suits any."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import keras
import numpy as np

from kerascnn import tasks
from kerascnn.pages import format as page
from kerascnn.training.report.data_checks import SPLITS, Check
from kerascnn.training.report.history import Rows, column
from kerascnn.training.report.image_cards import strip_card
from kerascnn.training.report.losses_section import losses_section
from kerascnn.training.report.outcome import Outcome

if TYPE_CHECKING:
    from kerascnn.data import Splits

Tile = tuple[str, str, str]  # what, its figure, a few words below
SHOWN, SAMPLES = 20, 4  # names with pictures, and pictures of each


@dataclass(frozen=True)
class TaskPages:
    """The parts of a report that a task decides.

    Attributes:
        model: The trained network.
        splits: Its data.
        validation: Its answers to the validation images.
        test: To the test images, where there are some.
        history: One row per epoch.
        curve: What is drawn of each epoch beside the loss: a column, and its title.
        evidence: What the heat maps of the worst answers show.
    """

    model: keras.Model
    splits: "Splits"
    validation: Outcome
    test: Outcome | None
    history: Rows
    curve: ClassVar[tuple[str, str] | None] = None
    evidence: ClassVar[str] = "what spoke for the answer"

    @property
    def task(self) -> tasks.Task:
        """Of the data."""
        return tasks.get(self.splits.task)

    @property
    def outcome(self) -> Outcome:
        """What is judged: the test images, or the validation images without these."""
        return self.test or self.validation

    def tiles(self) -> list[Tile]:
        """The figures at the top."""
        found = self.outcome.metrics.summary()
        return [(name, f"{value:.4g}", "") for name, value in found.items() if value is not None]

    def checks(self) -> list[Check]:
        """What stands out in the training: only what asks for something."""
        epochs, losses = column(self.history, "val_loss")
        if len(losses) < 2 or losses[-1] != min(losses) or losses[-1] >= 0.98 * losses[-2]:
            return []
        text = f"The validation loss was still falling in the last epoch, {epochs[-1]:g}: more "
        return [Check(False, f"{text}epochs may help.")]

    def balance(self) -> list[Check]:
        """Whether the data holds about as much of everything."""
        return []

    def samples(self) -> tuple[str, str]:
        """Cards with training images, and half a sentence that says what they are."""
        count = min(SHOWN * SAMPLES // 4, self.splits.counts["train"])
        places = np.linspace(0, self.splits.counts["train"] - 1, count).round().astype(int)
        images, targets = self.splits.take("train", places)
        cards = [
            strip_card(self.task.truth_in_words(target, self.splits.class_names), "", [image])
            for image, target in zip(images, targets, strict=True)
        ]
        return f'<div class="pictures">{"".join(cards)}</div>', "Some training images"

    def sections(self) -> list[str]:
        """What comes after the curves."""
        return [losses_section(self)]

    def losses(self) -> np.ndarray | None:
        """How wrong the answer to each judged image is (images,); None where nothing says it."""
        return None

    def blamed(self, rows: np.ndarray) -> np.ndarray | None:
        """Of which output a heat map explains each of these answers; None for no heat maps."""
        return None

    def is_wrong(self, row: int) -> bool:
        """Whether the answer to a judged image is a mistake."""
        return False

    def answer(self, row: int) -> tuple[str, str]:
        """The answer to a judged image, and how sure it is, in words."""
        prediction = {role: values[row] for role, values in self.outcome.predictions.items()}
        words, probability = self.task.answer(
            prediction, self.outcome.outputs, self.splits.class_names
        )
        return words, "" if probability is None else page.percent(probability, 0)

    def truth(self, row: int) -> tuple[str, str]:
        """What is true of it, and how likely the model holds that, in words."""
        label = self.outcome.labels[row]
        return self.task.truth_in_words(label, self.splits.class_names), ""


def of_each_name(splits: "Splits", strata: np.ndarray) -> str:
    """A card for each class or label: counts, and a few of its training images.

    Args:
        splits: The data.
        strata: Of the training images: classes [n], or whether they have each label [n, labels].
    """
    total, most = len(splits.class_names), max(splits.class_counts["train"])
    cards = []
    for place in np.linspace(0, total - 1, min(total, SHOWN)).round().astype(int).tolist():
        has = strata == place if strata.ndim == 1 else strata[:, place]
        members = np.flatnonzero(has)
        chosen = np.linspace(0, len(members) - 1, min(SAMPLES, len(members))).round().astype(int)
        images, _ = splits.take("train", members[chosen])
        counts = ", ".join(
            f"{counted[place]:,} {SPLITS[split]}" for split, counted in splits.class_counts.items()
        )
        share = splits.class_counts["train"][place] / most
        cards.append(strip_card(splits.class_names[place], counts, images, share))
    return f'<div class="pictures">{"".join(cards)}</div>'


def of_most(splits: "Splits", noun: str) -> str:
    """Half a sentence on what `of_each_name` shows."""
    some = "" if len(splits.class_names) <= SHOWN else f", of {SHOWN} of them"
    return f"Four training images of each {noun}{some}"
