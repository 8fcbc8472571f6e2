"""Drawing splits of items with many labels, and of items that are all alike."""

import numpy as np
import pytest

from kerascnn.data.splitting import split_alike, split_by_class, split_by_labels
from kerascnn.errors import DataError

FRACTIONS = {"test": 0.1, "validation": 0.2}


def keys_of(count: int) -> list[str]:
    return [f"{number}.jpg" for number in range(count)]


def made(count: int, seed: int = 0) -> np.ndarray:
    """Labels of shares 50, 20, 5 and 2 %, the third only where the first is."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((count, 4)) < (0.5, 0.2, 0.1, 0.02)).astype(np.float32)
    labels[:, 2] *= labels[:, 0]
    return labels


def test_every_label_has_its_share_in_every_split():
    labels = made(1000)
    parts = split_by_labels(labels, keys_of(1000), FRACTIONS, seed=0)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(1000))
    for split, share in {"train": 0.7, **FRACTIONS}.items():
        assert len(parts[split]) == pytest.approx(1000 * share, abs=2)
        positives = labels[parts[split]].sum(axis=0)
        np.testing.assert_allclose(positives, share * labels.sum(axis=0), atol=1.01)


def test_it_is_more_even_than_chance():
    labels = made(300, seed=1)
    wanted = 0.2 * labels.sum(axis=0)

    def error(parts) -> float:
        return float(np.abs(labels[parts["validation"]].sum(axis=0) - wanted).sum())

    drawn = [
        (
            error(split_by_labels(labels, keys_of(300), {"validation": 0.2}, seed)),
            error(split_alike(keys_of(300), {"validation": 0.2}, seed)),
        )
        for seed in range(10)
    ]
    stratified, plain = np.array(drawn).mean(axis=0)
    assert stratified < plain / 4


def test_one_label_each_is_shared_out_as_classes_are():
    classes = np.repeat(np.arange(3), (50, 30, 20))
    parts = split_by_labels(np.eye(3)[classes], keys_of(100), FRACTIONS, seed=2)
    expected = split_by_class(classes, keys_of(100), FRACTIONS, ("a", "b", "c"), seed=2)
    for split in parts:
        found, wanted = (np.bincount(classes[p[split]], minlength=3) for p in (parts, expected))
        np.testing.assert_array_equal(found, wanted)


def test_a_rare_label_is_in_train():
    labels = np.zeros((20, 1))
    labels[7] = 1
    assert 7 in split_by_labels(labels, keys_of(20), FRACTIONS, seed=0)["train"]


def test_the_order_of_the_items_does_not_matter():
    labels, keys = made(200), keys_of(200)
    order = np.random.default_rng(0).permutation(200)
    first = split_by_labels(labels, keys, FRACTIONS, seed=3)
    second = split_by_labels(labels[order], [keys[i] for i in order], FRACTIONS, seed=3)
    for split in first:
        assert set(first[split]) == {order[i] for i in second[split]}
    other = split_by_labels(labels, keys, FRACTIONS, seed=4)
    assert set(first["test"]) != set(other["test"])


@pytest.mark.parametrize("count", [3, 4, 7])
def test_no_split_is_empty(count):
    parts = split_by_labels(np.ones((count, 2)), keys_of(count), FRACTIONS, seed=0)
    assert min(map(len, parts.values())) >= 1
    parts = split_alike(keys_of(count), FRACTIONS, seed=0)
    assert min(map(len, parts.values())) >= 1


def test_fewer_images_than_splits_are_refused():
    message = r"there are 2 usable image\(s\), at least 3 are needed: .*train, test, validation"
    with pytest.raises(DataError, match=message):
        split_by_labels(np.ones((2, 2)), keys_of(2), FRACTIONS, seed=0)
    with pytest.raises(DataError, match=message):
        split_alike(keys_of(2), FRACTIONS, seed=0)


def test_items_that_are_alike_keep_their_split_when_one_is_added():
    before = split_alike(keys_of(100), {"validation": 0.2}, seed=0)
    after = split_alike(keys_of(101), {"validation": 0.2}, seed=0)
    assert len(set(before["validation"]) - set(after["validation"])) <= 1
