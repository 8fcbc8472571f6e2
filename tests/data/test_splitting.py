"""Stratified drawing by name and seed."""

import numpy as np
import pytest

from kerascnn.data.splitting import split_by_class, stratified_sample
from kerascnn.errors import DataError

NAMES = ("a", "b")


def keys_of(counts: tuple[int, ...]) -> tuple[np.ndarray, list[str]]:
    labels = np.repeat(np.arange(len(counts)), counts)
    return labels, [f"{label}/{number}.jpg" for number, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("counts", "fractions", "expected"),
    [
        ((10, 20), {"validation": 0.2}, {"train": (8, 16), "validation": (2, 4)}),
        ((2, 3), {"validation": 0.2}, {"train": (1, 2), "validation": (1, 1)}),
        ((5, 5), {"validation": 0.5}, {"train": (2, 2), "validation": (3, 3)}),  # 2.5 rounds up
        ((2, 9), {"validation": 0.9}, {"train": (1, 1), "validation": (1, 8)}),
        (
            (3, 10),
            {"test": 0.4, "validation": 0.4},
            {"train": (1, 2), "test": (1, 4), "validation": (1, 4)},
        ),
        ((1, 1), {}, {"train": (1, 1)}),
    ],
)
def test_shares_of_each_class(counts, fractions, expected):
    labels, keys = keys_of(counts)
    parts = split_by_class(labels, keys, fractions, NAMES, seed=0)
    found = {
        split: tuple(np.bincount(labels[rows], minlength=2).tolist())
        for split, rows in parts.items()
    }
    assert found == expected


def test_every_item_is_in_exactly_one_split():
    labels, keys = keys_of((31, 17))
    parts = split_by_class(labels, keys, {"test": 0.2, "validation": 0.2}, NAMES, seed=5)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(48))


def test_the_order_of_the_items_does_not_matter():
    labels, keys = keys_of((40, 40))
    order = np.random.default_rng(0).permutation(80)
    shuffled_keys = [keys[i] for i in order]
    first = split_by_class(labels, keys, {"validation": 0.25}, NAMES, seed=3)
    second = split_by_class(labels[order], shuffled_keys, {"validation": 0.25}, NAMES, seed=3)
    named = {keys[i] for i in first["validation"]}
    assert {shuffled_keys[i] for i in second["validation"]} == named


def test_a_known_split_stays_the_same_on_every_machine():
    labels, keys = keys_of((6, 6))
    parts = split_by_class(labels, keys, {"validation": 0.34}, NAMES, seed=0)
    assert parts["validation"].tolist() == [3, 4, 8, 10]


def test_another_seed_gives_another_split():
    labels, keys = keys_of((40, 40))
    first = split_by_class(labels, keys, {"validation": 0.25}, NAMES, seed=0)
    second = split_by_class(labels, keys, {"validation": 0.25}, NAMES, seed=1)
    assert first["validation"].tolist() != second["validation"].tolist()


def test_one_more_file_moves_hardly_any_other():
    labels, keys = keys_of((100, 100))
    before = split_by_class(labels, keys, {"validation": 0.2}, NAMES, seed=0)
    more = split_by_class(
        np.append(labels, 1), [*keys, "1/new.jpg"], {"validation": 0.2}, NAMES, seed=0
    )
    moved = set(before["validation"].tolist()) - set(more["validation"].tolist())
    assert len(moved) <= 1


def test_names_that_are_no_text_can_be_split():
    keys = [f"a/\udcff{number}.jpg" for number in range(4)]
    parts = split_by_class(np.zeros(4, int), keys, {"validation": 0.5}, ("a",), seed=0)
    assert len(parts["validation"]) == 2


def test_a_class_with_too_few_images_is_named():
    labels, keys = keys_of((5, 1))
    message = r"class 'b' has 1 usable image\(s\), at least 2 are needed: .*train, validation"
    with pytest.raises(DataError, match=message):
        split_by_class(labels, keys, {"validation": 0.2}, NAMES, seed=0)


@pytest.mark.parametrize(
    ("counts", "count", "expected"),
    [
        ((80, 20), 10, (8, 2)),
        ((97, 3), 10, (9, 1)),  # the small class keeps one place
        ((50, 50), 1, (1, 0)),
        ((3, 5), 100, (3, 5)),  # fewer images than wanted: all
        ((5, 5), 10, (5, 5)),
        ((998, 1), 3, (2, 1)),
    ],
)
def test_a_sample_holds_each_class_in_proportion(counts, count, expected):
    labels, _ = keys_of(counts)
    rows = stratified_sample(labels, np.arange(len(labels)), count, 2, seed=0)
    assert len(set(rows.tolist())) == len(rows)
    assert tuple(np.bincount(labels[rows], minlength=2).tolist()) == expected


def test_a_sample_is_mixed_and_seeded():
    labels, _ = keys_of((200, 200))
    first = stratified_sample(labels, np.arange(400), 64, 2, seed=1)
    again = stratified_sample(labels, np.arange(400), 64, 2, seed=1)
    other = stratified_sample(labels, np.arange(400), 64, 2, seed=2)
    assert first.tolist() == again.tolist() != other.tolist()
    assert 0 < labels[first[:16]].sum() < 16


def test_a_sample_comes_from_the_given_rows_only():
    labels, _ = keys_of((30, 30))
    rows = np.arange(0, 60, 3)
    assert set(stratified_sample(labels, rows, 12, 2, seed=0).tolist()) <= set(rows.tolist())
