"""What kind of detector a run trains: options of the task, beside those of the architecture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerascnn.catalog import Entry
from kerascnn.errors import InputError, received

HEADS = ("points", "centernet", "fomo")
ASSIGNMENTS = ("static", "task_aligned")
OPTIONS = ("head", "assignment", "mosaic")


@dataclass(frozen=True)
class DetectorKind:
    """What a detector is made of.

    Attributes:
        head: "points" (anchor-free, three levels), "centernet" (peaks of a heat map), "fomo" (cells
            of 8 pixels, for microcontrollers); "grid" for a network that is a detector by itself.
        assignment: Of points to objects: "static", by place and size, or "task_aligned", by what
            the network says.
        mosaic: The share of training pictures that are four in one.
        grid: Cells along each side of a "grid".
        boxes: Boxes of each cell.
    """

    head: str = "points"
    assignment: str = "static"
    mosaic: float = 0.0
    grid: int = 7
    boxes: int = 2


def without_kind(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the architecture takes."""
    return {name: value for name, value in options.items() if name not in OPTIONS}


def kind_of(entry: Entry, options: Mapping[str, Any]) -> DetectorKind:
    """The kind of detector that options ask for.

    Raises:
        InputError: A head or an assignment that there is not, or that does not go with the rest.
    """
    head, assignment = options.get("head", "points"), options.get("assignment", "static")
    for name, value, known in (("head", head, HEADS), ("assignment", assignment, ASSIGNMENTS)):
        if value not in known:
            raise InputError(
                f"`{name}` must be one of {', '.join(known)}. Received: {received(value)}."
            )
    mosaic = options.get("mosaic", 0.0)
    if isinstance(mosaic, bool) or not isinstance(mosaic, (int, float)) or not 0 <= mosaic <= 1:
        raise InputError(
            "`mosaic` must be a share of the training pictures, 0..1. Received: "
            f"{received(mosaic)}."
        )
    if entry.task == "detection":
        for name in ("head", "assignment"):
            if name in options:
                raise InputError(
                    f"{entry.name} is a detector by itself and has no option `{name}`. Leave it "
                    "out."
                )
        sizes = {name: options[name] for name in ("grid", "boxes") if name in options}
        return DetectorKind("grid", "static", float(mosaic), **sizes)
    if head != "points" and "assignment" in options:
        raise InputError(f"the head {head} has no option `assignment`. Leave it out.")
    return DetectorKind(head, assignment, float(mosaic))
