"""What kerascnn can build: one entry per model variant. Standard library only."""

import difflib
import fnmatch
import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kerascnn import errors
from kerascnn.catalog import (
    alexnet,
    cifar_resnet,
    convnext,
    densenet,
    efficientnet,
    efficientnet_lite,
    enet,
    googlenet,
    inception,
    lenet,
    mlp,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    nin,
    published,
    resnet,
    resnet_v2,
    root,
    squeezenet,
    vgg,
    xception,
    yolo,
    zfnet,
)
from kerascnn.catalog.entry import Entry as Entry
from kerascnn.catalog.options import check_options as check_options
from kerascnn.lazy import public

if TYPE_CHECKING:
    import keras

# One module per family, in the order of history.
_FAMILIES = (
    mlp,
    lenet,
    alexnet,
    zfnet,
    nin,
    vgg,
    googlenet,
    inception,
    resnet,
    cifar_resnet,
    resnet_v2,
    root,
    densenet,
    squeezenet,
    enet,
    xception,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    efficientnet,
    efficientnet_lite,
    convnext,
    yolo,
)
_ENTRIES: tuple[Entry, ...] = tuple(
    replace(entry, weights=published.tags(entry.name))
    for family in _FAMILIES
    for entry in family.ENTRIES
)
_BY_NAME = {entry.name.lower(): entry for entry in _ENTRIES}


def entries(task: str | None = "classification") -> Iterator[Entry]:
    """Yields every entry of a task, or of all tasks with None, in the order of the catalogue."""
    for entry in _ENTRIES:
        if task is None or entry.task == task:
            yield entry


def find(name: str) -> Entry:
    """Returns the entry called `name`, whatever the case of its letters.

    Raises:
        InputError: No such model; the message suggests near names.
    """
    if not isinstance(name, str):
        raise errors.InputError(
            f'the name of a model must be text, such as "ResNet18". Received: '
            f"{errors.received(name)}."
        )
    entry = _BY_NAME.get(name.lower())
    if entry is None:
        near = difflib.get_close_matches(name.lower(), _BY_NAME, n=3, cutoff=0.5)
        names = ", ".join(_BY_NAME[key].name for key in near)
        hint = f"Did you mean: {names}?" if near else "kerascnn.list_models() lists what there is."
        raise errors.InputError(f"unknown model: {errors.received(name)}. {hint}")
    return entry


def list_models(pattern: str = "*", *, task: str | None = "classification") -> list[str]:
    """Returns the names that match a shell pattern such as `"resnet*"`, ignoring case.

    Args:
        pattern: Of the names.
        task: Networks made for "classification", which are backbones of every other task too;
            those made for "detection"; or None for all.

    Raises:
        InputError: The pattern is no text, or no network is made for the task.
    """
    tasks = {entry.task for entry in _ENTRIES}
    if task is not None and task not in tasks:
        raise errors.InputError(
            f"`task` must be None or one of {', '.join(sorted(tasks))}. Received: "
            f"{errors.received(task)}."
        )
    if not isinstance(pattern, str):
        raise errors.InputError(
            f'`pattern` must be text, such as "resnet*". Received: {errors.received(pattern)}.'
        )
    return [e.name for e in entries(task) if fnmatch.fnmatchcase(e.name.lower(), pattern.lower())]


def create_model(name: str, /, **options: Any) -> "keras.Model":
    """Builds the model called `name`; `options` are the keywords of its factory.

    Raises:
        InputError: No such model.
        UnknownOptionError: The model has no such option.
    """
    entry = find(name)
    check_options(entry, options)
    module = importlib.import_module(f"kerascnn.models.{entry.family}")
    return getattr(module, entry.name)(**options)


_, __dir__, __all__ = public(globals())
