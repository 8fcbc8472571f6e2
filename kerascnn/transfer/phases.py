"""What fine-tuning trains when, and heads by name. Importing it does not load Keras."""

from dataclasses import dataclass

from kerascnn.errors import InputError

HEADS = ("linear", "mlp", "conv", "concat_pool", "cosine")
"""What `attach_head` knows by name."""

BATCH_NORM = ("frozen", "train")
"""What is done with the backbone's batch normalisation, where it is trained."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Some epochs with the same layers frozen, under one schedule of the learning rate.

    Attributes:
        name: What messages and histories call it.
        until: What is frozen, as `freeze` takes it: "head" trains the head alone, 0.0 everything.
        epochs: Passes over the data.
        learning_rate: Of the head, at its peak: it rises for a tenth of the steps, and falls like a
            cosine to nothing.
        depth_factor: The learning rate of each third of the backbone is this times that of the
            third after it.
        augment: Train on augmented images, if there are any.
        exact: Where the head is one dense layer upon cached features, and its loss a cross-entropy
            or the squared error, bring it to its optimum in one epoch: L2-regularised regression,
            the penalty chosen by cross-validation. Any other head has `epochs` of gradients.
        guarded: End the phase after an epoch whose validation accuracy is more than 5 points below
            the one it began with (a loss, where that decides: a quarter above), go back to the best
            weights so far, and begin it again at a third of the learning rate, twice at most.
        average: Judge and keep the moving average of the weights over about this share of the
            phase's steps, in [0, 1]; 0 keeps the weights of the last step.
    """

    name: str
    until: str | int | float
    epochs: int
    learning_rate: float
    depth_factor: float = 1.0
    augment: bool = True
    exact: bool = False
    guarded: bool = False
    average: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(
                f"phase {self.name!r}: `epochs` must be at least 1, not {self.epochs}."
            )
        if not self.learning_rate > 0:
            raise InputError(
                f"phase {self.name!r}: `learning_rate` must be above 0, not {self.learning_rate}."
            )
        if not 0 <= self.average <= 1:
            raise InputError(f"phase {self.name!r}: `average` must be in 0..1, not {self.average}.")


def default_phases(learning_rate: float = 3e-4) -> tuple[Phase, ...]:
    """The head alone, then everything from there, slowly.

    Args:
        learning_rate: Of the second phase; a third of it suits networks without normalisation.
    """
    return (
        Phase(name="head", until="head", epochs=20, learning_rate=3e-3, augment=False, exact=True),
        Phase(
            name="all",
            until=0.0,
            epochs=12,
            learning_rate=learning_rate,
            guarded=True,
            average=0.3,
        ),
    )
