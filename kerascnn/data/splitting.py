"""Drawing stratified splits and samples that depend on names and a seed, never on file order."""

import hashlib
import math
from collections.abc import Mapping, Sequence

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
    needed = len(parts)
    for label, class_name in enumerate(class_names):
        members = np.flatnonzero(labels == label)
        if len(members) < needed:
            raise DataError(
                f"class {class_name!r} has {len(members)} usable image(s), at least {needed} are "
                f"needed: one each for {', '.join(parts)}. Add images or remove the class."
            )
        members = members[np.argsort([_rank(seed, keys[int(i)]) for i in members], kind="stable")]
        total, left = len(members), len(members) - 1
        for position, (split, fraction) in enumerate(fractions.items()):
            still_waiting = len(fractions) - position - 1
            share = max(1, math.floor(fraction * total + 0.5))
            share = min(share, left - still_waiting)
            parts[split].append(members[:share])
            members, left = members[share:], left - share
        parts["train"].append(members)
    return {split: np.sort(np.concatenate(rows)) for split, rows in parts.items()}


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
