"""From a list of parts to the fewest passes over the pixels.

Parts of one kind that follow each other become one group: one matrix or one table per image. Parts
of different kinds between them are no obstacle where no image gets both (the branches of a
`RandomChoice`), and a warp may move from behind tone and colour steps to before them. That is exact
for the image itself, because those steps act on each pixel alone, except for three things:
interpolated values are interpolated before a table, not after; the fill colour goes through the
table; and what a step measures (contrast, equalisation) is measured after the warp. A pipeline that
lists its geometric steps first, as the named ones do, is fused without any of the three.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kerascnn.augment.step import Color, Geometric, Local, Part, Tone
from kerascnn.errors import InputError

Kind = Literal["warp", "table", "matrix", "local"]


@dataclass(frozen=True)
class Group:
    """Parts of one kind that are applied together."""

    kind: Kind
    parts: tuple[Part, ...]

    @property
    def measures(self) -> frozenset[str]:
        """What has to be measured before: "mean", "range" or "histogram"."""
        found = {part.step.measures for part in self.parts if isinstance(part.step, Tone)}
        return frozenset(found - {"nothing"})


def kind_of(part: Part) -> Kind:
    """The kind of group a part belongs to."""
    kinds: tuple[tuple[type, Kind], ...] = (
        (Geometric, "warp"),
        (Tone, "table"),
        (Color, "matrix"),
        (Local, "local"),
    )
    for base, kind in kinds:
        if isinstance(part.step, base):
            return kind
    raise InputError(
        f"{part.step!r} is not a step of kerascnn.augment, or a batch mixer that is not last."
    )


def make_plan(parts: Iterable[Part]) -> tuple[Group, ...]:
    """Groups in the order in which they are applied."""
    groups: list[Group] = []
    for part in parts:
        kind, place = kind_of(part), None
        if kind != "local":
            for i in reversed(range(len(groups))):
                if groups[i].kind == kind and _may_join(part, groups[i]):
                    place = i
                if not _may_pass(part, kind, groups[i]):
                    break
        if place is None:
            groups.append(Group(kind, (part,)))
        else:
            groups[place] = Group(kind, (*groups[place].parts, part))
    return tuple(groups)


def _may_join(part: Part, group: Group) -> bool:
    """What a part measures is measured before its group, so nothing in it may change that."""
    measuring = isinstance(part.step, Tone) and part.step.measures != "nothing"
    return not measuring or all(part.excludes(other) for other in group.parts)


def _may_pass(part: Part, kind: Kind, group: Group) -> bool:
    """Whether a part may move from behind a group to before it."""
    if all(part.excludes(other) for other in group.parts):
        return True
    if kind != "warp":
        return False
    if group.kind == "local":
        return all(isinstance(p.step, Local) and p.step.commutes for p in group.parts)
    return group.kind in ("table", "matrix")
