"""In which form a file gives what its task has: as the model does, or finished for clients."""

import logging
from collections.abc import Iterable, Sequence

from kerascnn.errors import InputError
from kerascnn.export import targets
from kerascnn.export.rewrites.objects_tail import Suppression, add_objects_tail
from kerascnn.names import shown
from kerascnn.tasks import Output, Task
from kerascnn.tasks.average_precision import MOST
from kerascnn.tasks.detection import OBJECTS, RAW
from kerascnn.tasks.detections import CANDIDATES, LEAST_SCORE, MOST_OVERLAP

_log = logging.getLogger(__name__)
_TYPES = ("float32", "uint8")  # that clients of finished objects give images in
_RULE = Suppression(
    most=MOST, most_overlap=MOST_OVERLAP, candidates=CANDIDATES, least_score=LEAST_SCORE
)


def choose_layout(
    task: Task, layout: str | None, target: str | None, types: Iterable[str]
) -> str | None:
    """The layout of files: the one asked for, or the task's first that suits them.

    Args:
        task: Whose outputs they have.
        layout: One of `task.layouts`, or None.
        target: Name of the device client they are for, or None.
        types: Element types of the inputs of all files.

    Returns:
        None for a task with one layout.

    Raises:
        InputError: A layout that the task has not, or that does not suit the target or the types.
    """
    if layout is not None and layout not in task.layouts:
        known = " or ".join(map(repr, task.layouts)) or f"none for the task {task.name!r}"
        raise InputError(f"layout: expected {known}. Received: {shown(layout)}. Leave it out.")
    if not task.layouts:
        return None
    against = _against_objects(target, types)
    if against is None or layout == RAW:
        return layout or task.layouts[0]
    if layout == OBJECTS:
        raise InputError(
            f"the layout {OBJECTS!r} does not suit these files: {against}. Choose the layout "
            f"{RAW!r}, or leave it out."
        )
    _log.info("files have the layout %r, boxes and scores of all points: %s", RAW, against)
    return RAW


def finish(content: bytes, outputs: Sequence[Output], layout: str | None) -> bytes:
    """The file in a layout, `outputs` being those of its model."""
    if layout != OBJECTS:
        return content
    return add_objects_tail(content, _RULE, logits=outputs[0].kind == "logits")


def _against_objects(target: str | None, types: Iterable[str]) -> str | None:
    """Why files cannot give finished objects; None if they can."""
    if target is not None and not targets.find(target).finds_objects:
        return f"{targets.find(target).title} has no operator for finding the best boxes"
    others = sorted(set(types) - set(_TYPES))
    if others:
        return f"images go in as {others[0]}, and clients of such files give uint8 or float32"
    return None
