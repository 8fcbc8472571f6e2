"""How a run is fine-tuned. Importing it does not load Keras."""

from dataclasses import dataclass, replace
from typing import Any

from kerascnn.arguments import positive
from kerascnn.catalog import published
from kerascnn.errors import InputError
from kerascnn.training.defaults import Settings
from kerascnn.transfer.phases import BATCH_NORM, HEADS, Phase, default_phases

# A light model whose published weights many phones run.
MODEL, WEIGHTS, AUGMENTATION = "MobileNetV2", "imagenet", "standard"


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """How a run is fine-tuned; `config.json` keeps it.

    Attributes:
        head: One of `kerascnn.transfer.HEADS`.
        phases: What is trained when. None given: the head, then everything, at a rate that suits
            the family.
        batch_norm: "frozen" or "train": whether batch normalisation of the backbone keeps its
            statistics, scale and offset, or adapts them, where it is trained. "auto": frozen, but
            with random weights it is trained.
        balance: Weight the loss of each class against its number of images, where the largest class
            has at least one and a half times as many as the smallest.
        find_learning_rate: Choose the learning rate of each phase that trains the backbone by a
            range test before it.
        time_budget: Seconds; the last phase gets as many epochs as fit, and ends when they are
            over. None: no limit.
    """

    head: str = "linear"
    phases: tuple[Phase, ...] = ()
    batch_norm: str = "auto"
    balance: bool = True
    find_learning_rate: bool = False
    time_budget: float | None = None

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise InputError(f"`head` must be one of {HEADS}. Received: {self.head!r}.")
        if self.batch_norm not in ("auto", *BATCH_NORM):
            raise InputError(
                f"`batch_norm` must be auto, {' or '.join(BATCH_NORM)}. Received: "
                f"{self.batch_norm!r}."
            )
        if self.time_budget is not None:
            positive("time_budget", self.time_budget)

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(phase.epochs for phase in self.phases)

    def batch_norm_of(self, weights: str | None) -> str:
        """As `fine_tune` takes it, for a backbone with the weights that a run names."""
        if self.batch_norm != "auto":
            return self.batch_norm
        return "train" if weights is None else "frozen"

    def phase_of(self, epoch: int) -> int:
        """The number of the phase (from 1) that an epoch (from 0) belongs to."""
        for number, phase in enumerate(self.phases, start=1):
            if epoch < phase.epochs:
                return number
            epoch -= phase.epochs
        return len(self.phases)

    def completed(
        self,
        settings: Settings,
        epochs: int | None,
        learning_rate: float | None,
        weights: str | None = WEIGHTS,
    ) -> "FineTune":
        """With phases, whose last has the epochs and the learning rate that are given.

        Args:
            weights: Of the backbone; None for random ones, from which there is nothing to keep.
        """
        rate = settings.fine_tuning_rate if weights else settings.learning_rate
        phases = self.phases or default_phases(rate)
        if not (weights or self.phases):
            phases = tuple(replace(p, exact=False, guarded=False, average=0.0) for p in phases)
        given = {"epochs": epochs, "learning_rate": learning_rate}
        changes: Any = {name: value for name, value in given.items() if value is not None}
        return replace(self, phases=(*phases[:-1], replace(phases[-1], **changes)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FineTune":
        """What `dataclasses.asdict` gave."""
        return cls(**{**values, "phases": tuple(Phase(**phase) for phase in values["phases"])})


def image_size(own: tuple[int, int], scale: float = 8 / 7) -> tuple[int, int]:
    """What to load images at: the architecture's own size times `scale`, in multiples of 32.

    Training on random crops shows objects larger than they are in whole images; more pixels in all
    of them make up for it (Touvron et al. 2019, "Fixing the train-test resolution discrepancy").
    Sizes below 128 stay.
    """
    if min(own) < 128 or scale == 1.0:
        return own
    height, width = (32 * round(side * scale / 32) for side in own)
    return height, width


def pretrained(model: str, weights: str | None) -> str | None:
    """The weights to start from: those given, "none" for random ones, else the published ones."""
    if weights is not None:
        return None if weights.lower() == "none" else weights
    if WEIGHTS in published.tags(model):
        return WEIGHTS
    raise InputError(
        f"no weights are published for {model}, and training needs some to start from. Give a "
        'file by `weights`, choose another model, or say weights="none" to train from random ones.'
    )
