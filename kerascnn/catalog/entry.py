"""What is known about one model variant."""

from dataclasses import dataclass

Row = tuple[str, int, int, int, float | None]  # name, params, macs, height and width, top1


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Facts about one variant, each checked by a test against the built model.

    Attributes:
        name: Name of the factory in `kerascnn.models`.
        family: Name of the module in `kerascnn.models` that defines it.
        params: Trainable parameters with default options.
        macs: Multiply-accumulate operations of one forward pass at `input_shape`. Convolutions,
            dense layers and learned pooling count; additions, activations and normalisation do not.
        input_shape: Default (height, width, channels).
        classes: Default number of classes.
        paper: Authors, title, venue, and number of the preprint.
        year: When the paper was first public, as a preprint or in print.
        top1: ImageNet top-1 accuracy in percent, one crop: the paper's, or that of the first
            weights that keras.applications or torchvision published. None where there is none.
        stages: Levels s for which a layer `stage{s}` holds the features at 1/2**s resolution.
        weights: Tags of published weights, which `weights=` takes: `kerascnn.catalog.published`.
        task: What its own outputs are: "classification", or "detection".
    """

    name: str
    family: str
    params: int
    macs: int
    input_shape: tuple[int, int, int]
    classes: int
    paper: str
    year: int
    top1: float | None = None
    stages: tuple[int, ...] = ()
    weights: tuple[str, ...] = ()
    task: str = "classification"


def variants(
    family: str,
    paper: str,
    year: int,
    rows: tuple[Row, ...],
    *,
    stages: tuple[int, ...] = (1, 2, 3, 4, 5),
    classes: int = 1000,
) -> tuple[Entry, ...]:
    """The variants of one paper, which differ in their names and numbers alone."""
    return tuple(
        Entry(
            name=name,
            family=family,
            params=params,
            macs=macs,
            input_shape=(size, size, 3),
            classes=classes,
            paper=paper,
            year=year,
            top1=top1,
            stages=stages,
        )
        for name, params, macs, size, top1 in rows
    )
