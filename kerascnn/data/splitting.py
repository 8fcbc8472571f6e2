"""Drawing stratified splits and samples that depend on names and a seed, never on file order."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kerascnn.errors import DataError


def split_by_class(
    labels: np.ndarray,
    keys: Sequence[str],
    fractions: Mapping[str, float],
    class_names: Sequence[str],
    seed: int,
) -> dict[str, np.ndarray]:
    """Returns for "train" and each split of `fractions` the sorted indices of its items.

    Each class is ordered by a hash of the seed and the item's key, and the first of that order go
    to the first split, and so on; "train" gets the rest. So the same keys give the same split on
    any machine, and a new file moves hardly any other to another split. Every split gets at least
    one item of each class, a share is otherwise rounded half up.

    Args:
        labels: the class of each item, 0..len(class_names) - 1.
        keys: a name for each item, such as its path below the source.
        fractions: the share (0..1, exclusive) of each split other than "train", in drawing order.
        class_names: for messages.
        seed: another number gives other splits.

    Raises:
        DataError: a class has fewer items than there are splits.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("train", *fractions)}
    for label, class_name in enumerate(class_names):
        members = np.flatnonzero(labels == label)
        if len(members) < len(parts):
            raise _too_few(f"class {class_name!r} has", len(members), parts, "remove the class")
        for split, rows in _deal(members, keys, fractions, seed).items():
            parts[split].append(rows)
    return {split: np.sort(np.concatenate(rows)) for split, rows in parts.items()}


def split_alike(
    keys: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """`split_by_class` for items that are all of one kind, as in regression."""
    names = ("train", *fractions)
    if len(keys) < len(names):
        raise _too_few("there are", len(keys), names, "ask for fewer splits")
    dealt = _deal(np.arange(len(keys)), keys, fractions, seed)
    return {split: np.sort(rows) for split, rows in dealt.items()}


def split_by_labels(
    labels: np.ndarray, keys: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Returns splits as `split_by_class` does, for items with any number of labels each.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of
    multi-label data", figure 2): the items of the rarest label go first, each to the split that
    lacks this label most, then those of the next. The items are taken in the order of a hash of
    the seed and their keys, which also decides ties. A label of very few items may have all of
    them in one split.

    Args:
        labels: 0 or 1, `[n, labels]`.
        keys: a name for each item.
        fractions: the share (0..1, exclusive) of each split other than "train".
        seed: another number gives other splits.

    Raises:
        DataError: there are fewer items than splits.
    """
    names = ("train", *fractions)
    if len(labels) < len(names):
        raise _too_few("there are", len(labels), names, "ask for fewer splits")
    order = _ordered(np.arange(len(labels)), keys, seed)
    has = labels[order] > 0
    shares = np.array([1 - sum(fractions.values()), *fractions.values()])
    left = has.sum(axis=0)  # items of each label that have no split yet
    lacking = np.outer(shares, left)
    room = shares * len(labels)
    chosen = np.full(len(labels), -1)

    def put(item: int, split: int) -> None:
        chosen[item] = split
        lacking[split] -= has[item]
        room[split] -= 1

    while left.any():
        label = int(np.argmin(np.where(left > 0, left, len(labels) + 1)))
        for item in np.flatnonzero(has[:, label] & (chosen < 0)).tolist():
            put(item, int(np.lexsort((room, lacking[:, label]))[-1]))
            left -= has[item]
    for item in np.flatnonzero(chosen < 0).tolist():  # without labels
        put(item, int(room.argmax()))
    for split in range(len(names)):
        if not (chosen == split).any():  # few items: the largest split gives its last one
            largest = np.bincount(chosen, minlength=len(names)).argmax()
            chosen[np.flatnonzero(chosen == largest)[-1]] = split
    return {name: np.sort(order[chosen == split]) for split, name in enumerate(names)}


def _deal(
    members: np.ndarray, keys: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Returns the share of `members` of each split of `fractions`, and the rest as "train"."""
    members = _ordered(members, keys, seed)
    total, left = len(members), len(members) - 1
    dealt = {}
    for position, (split, fraction) in enumerate(fractions.items()):
        still_waiting = len(fractions) - position - 1
        share = max(1, math.floor(fraction * total + 0.5))
        share = min(share, left - still_waiting)
        dealt[split], members = members[:share], members[share:]
        left -= share
    return dealt | {"train": members}


def _ordered(members: np.ndarray, keys: Sequence[str], seed: int) -> np.ndarray:
    """Returns `members` in the order of a hash of the seed and their keys."""
    return members[np.argsort([_rank(seed, keys[int(i)]) for i in members], kind="stable")]


def _too_few(what: str, count: int, splits: Iterable[str], remedy: str) -> DataError:
    splits = tuple(splits)
    return DataError(
        f"{what} {count} usable image(s), at least {len(splits)} are needed: one each for "
        f"{', '.join(splits)}. Add images or {remedy}."
    )


def stratified_sample(
    labels: np.ndarray, rows: np.ndarray, count: int, classes: int, seed: int
) -> np.ndarray:
    """Returns `count` of `rows` (all, if there are fewer), each class in proportion, mixed.

    A class gets at least one place as long as `count` reaches the number of classes. The order is
    random, so that the first few rows of the sample are mixed as well.

    Args:
        labels: the class of each item; `rows` index it.
        rows: the items to choose from.
        count: how many are wanted, 1 or more.
        classes: the number of classes.
        seed: the same seed gives the same sample in the same order.
    """
    generator = np.random.default_rng(seed)
    if count >= len(rows):
        return generator.permutation(rows)
    sizes = np.bincount(labels[rows], minlength=classes)
    places = _apportion(sizes, count)
    chosen = [
        generator.permutation(rows[labels[rows] == label])[: places[label]]
        for label in range(classes)
    ]
    return generator.permutation(np.concatenate(chosen))


def _apportion(sizes: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` places shared in proportion to `sizes`, by largest remainders."""
    floor = (sizes > 0).astype(np.int64) if count >= np.count_nonzero(sizes) else 0 * sizes
    ideal = sizes * (count / sizes.sum())
    places = np.maximum(np.floor(ideal).astype(np.int64), floor)
    while places.sum() > count:  # the guaranteed places came on top: the richest class pays
        places[np.argmax(np.where(places > floor, places - ideal, -np.inf))] -= 1
    while places.sum() < count:
        places[np.argmax(np.where(places < sizes, ideal - places, -np.inf))] += 1
    return places


def _rank(seed: int, key: str) -> int:
    text = f"{seed}/{key}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")
