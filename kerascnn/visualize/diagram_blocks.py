"""The graph of a model as a list of steps and blocks, with repetitions folded."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from kerascnn.visualize import layer_labels as labels
from kerascnn.visualize.inside.call_graph import Call, Shape, calls_of

LONGEST_PATTERN = 4


@dataclass(frozen=True)
class Step:
    """A layer, with the normalisation, activation and dropout behind it.

    Attributes:
        kind: One of `layer_labels`.
        text: What the layer does.
        suffix: What follows it.
        name: Of the layer.
        shape: Of the output, without the batch.
        params: Parameters of all of them.
    """

    kind: str
    text: str
    suffix: tuple[str, ...]
    name: str
    shape: Shape
    params: int


@dataclass(frozen=True)
class Block:
    """Branches that part and meet.

    Attributes:
        branches: Steps of each; none where what came in is handed on.
        merge: What they meet in, with its suffix.
        name: What the names of its layers have in common.
    """

    branches: tuple[tuple[Step, ...], ...]
    merge: Step
    name: str

    @property
    def shape(self) -> Shape:
        """Of the output, without the batch."""
        return self.merge.shape

    @property
    def params(self) -> int:
        """Parameters of all branches."""
        return self.merge.params + sum(step.params for branch in self.branches for step in branch)


@dataclass(frozen=True)
class Group:
    """Steps and blocks that come several times in a row.

    Attributes:
        items: Those of the first time.
        last: Those of the last time.
        times: How often.
    """

    items: tuple[Step | Block, ...]
    last: tuple[Step | Block, ...]
    times: int


def diagram_items(model: keras.Model) -> list[Group]:
    """Groups in the order of computation, nested models in their place.

    Raises:
        InputError: Not a functional or Sequential model.
    """
    calls = calls_of(model)
    counted: set[int] = set()
    return _folded(_items(calls, range(len(calls)), counted))


def _items(calls: list[Call], places: Sequence[int], counted: set[int]) -> list[Step | Block]:
    """Steps and blocks of some calls in their order, split where a single path runs."""
    items: list[Step | Block] = []
    padded = False
    for segment in _segments(calls, places):
        call = calls[segment[-1]]
        layer = call.layer
        step = Step(
            kind=labels.kind_of(layer),
            text=labels.label(layer),
            suffix=tuple(filter(None, [labels.activation(layer)])),
            name=layer.name,
            shape=call.shape,
            params=_params(layer, counted),
        )
        if len(segment) > 1 or len(call.sources) > 1:
            items.append(_block(calls, segment, step, counted))
        elif labels.pads(layer):
            padded = True
        elif items and labels.follows(layer):
            items[-1] = _followed(items[-1], step)
        else:
            if labels.follows(layer):
                step = replace(step, suffix=())
            if padded:
                step, padded = replace(step, suffix=("padded", *step.suffix)), False
            items.append(step)
    return items


def _segments(calls: list[Call], places: Sequence[int]) -> Iterator[list[int]]:
    """Parts that end where all paths run through one call."""
    last_use = {source: place for place in places for source in calls[place].sources}
    segment: list[int] = []
    waiting: set[int] = set()
    for place in places:
        segment.append(place)
        waiting = {source for source in waiting if last_use.get(source, -1) > place}
        if not waiting:
            yield segment
            segment = []
        waiting.add(place)
    if segment:
        yield segment


def _block(calls: list[Call], segment: list[int], merge: Step, counted: set[int]) -> Block:
    inside = segment[:-1]
    branches = []
    for component in _components(calls, inside):
        steps: list[Step] = []
        for item in _items(calls, component, counted):
            steps += _flat(item)
        branches.append(tuple(steps))
    if any(source not in inside for source in calls[segment[-1]].sources):
        branches.append(())
    layers = [calls[place].layer for place in segment]
    names = [layer.name for layer in layers if isinstance(layer, keras.Layer)]
    return Block(tuple(branches), merge, (_common(names) if names else "") or merge.name)


def _common(names: list[str]) -> str:
    """The words at the beginning of all names."""
    words = zip(*(name.split("_") for name in names), strict=False)
    alike = itertools.takewhile(lambda each: len(set(each)) == 1, words)
    return "_".join(each[0] for each in alike)


def _components(calls: list[Call], places: list[int]) -> list[list[int]]:
    """Calls that hang together, each part in the order of computation."""
    part = {place: place for place in places}

    def root(place: int) -> int:
        while part[place] != place:
            place = part[place]
        return place

    for place in places:
        for source in calls[place].sources:
            if source in part:
                part[max(root(place), root(source))] = min(root(place), root(source))
    together: dict[int, list[int]] = {}
    for place in places:
        together.setdefault(root(place), []).append(place)
    return sorted(together.values(), key=lambda each: calls[each[0]].layer.name)


def _flat(item: Step | Block) -> list[Step]:
    if isinstance(item, Step):
        return [item]
    return [step for branch in item.branches for step in branch] + [item.merge]


def _followed(item: Step | Block, step: Step) -> Step | Block:
    before = item.merge if isinstance(item, Block) else item
    words = (*before.suffix, step.text) if step.text else before.suffix
    after = replace(before, suffix=words, shape=step.shape, params=before.params + step.params)
    return replace(item, merge=after) if isinstance(item, Block) else after


def _params(layer: Any, counted: set[int]) -> int:
    """Of a layer that was not counted yet."""
    if id(layer) in counted or not isinstance(layer, keras.Layer):
        return 0
    counted.add(id(layer))
    return sum(math.prod(weight.shape) for weight in layer.weights)


def _folded(items: list[Step | Block]) -> list[Group]:
    groups = []
    start = 0
    while start < len(items):
        length, times = 1, 1
        for pattern in range(1, LONGEST_PATTERN + 1):
            repeats = _repeats(items, start, pattern)
            if repeats > 1 and pattern * repeats > length * times:
                length, times = pattern, repeats
        end = start + length * times
        first, last = items[start : start + length], items[end - length : end]
        groups.append(Group(tuple(first), tuple(last), times))
        start = end
    return groups


def _repeats(items: list[Step | Block], start: int, length: int) -> int:
    pattern = [_signature(item) for item in items[start : start + length]]
    times = 1
    while pattern == [
        _signature(item) for item in items[start + times * length : start + (times + 1) * length]
    ]:
        times += 1
    return times


def _signature(item: Step | Block) -> Any:
    if isinstance(item, Step):
        return (item.text, item.suffix, item.shape, item.params)
    branches = tuple(tuple(map(_signature, branch)) for branch in item.branches)
    return (branches, _signature(item.merge))
