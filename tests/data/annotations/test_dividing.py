"""Splits of annotated sets: the source's own, or drawn by class."""

import numpy as np
import pytest
from made_annotations import box
from test_masks import make as make_masks

from kerascnn.data.annotations import draw_splits, read_annotations
from kerascnn.errors import DataError, InputError


def make(coco, count, classes, name="annotations.json"):
    """A set in which picture i has the classes that `classes(i)` gives."""
    images = [{"id": row, "file_name": f"{row:03d}.png"} for row in range(1, count + 1)]
    values = [
        box(row * 10 + label, label + 1, image_id=row)
        for row in range(1, count + 1)
        for label in classes(row)
    ]
    categories = [{"id": 1, "name": "common"}, {"id": 2, "name": "rare"}]
    return read_annotations(coco(values, categories, images, name), decode=False)


def test_each_class_is_in_each_split_by_its_share(coco):
    found = make(coco, 50, lambda row: [0, 1] if row % 5 == 0 else [0] if row % 5 < 4 else [])
    rows, notes = draw_splits(found, 0.2, 0.2)
    assert {split: len(part) for split, part in rows.items()} == {
        "train": 30,
        "validation": 10,
        "test": 10,
    }
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(50))
    for split, rare in (("train", 6), ("validation", 2), ("test", 2)):
        assert sum(1 in found.images[row].labels for row in rows[split]) == rare
    assert notes[0] == "validation: 10 of 50 training pictures, drawn by class with seed 0"


def test_the_same_seed_draws_the_same(coco):
    found = make(coco, 20, lambda row: [0])
    first, second, other = (draw_splits(found, seed=seed)[0] for seed in (0, 0, 1))
    assert first["validation"].tolist() == second["validation"].tolist()
    assert first["validation"].tolist() != other["validation"].tolist()
    assert len(first["validation"]) == 4


def test_five_pictures_of_one_class(coco):
    rows, _ = draw_splits(make(coco, 5, lambda row: [0]), 0.2, 0.2)
    assert {split: len(part) for split, part in rows.items()} == {
        "train": 3,
        "validation": 1,
        "test": 1,
    }


def test_fewer_pictures_than_splits(coco):
    with pytest.raises(DataError, match="at least 2 are needed"):
        draw_splits(make(coco, 1, lambda row: [0]))


def test_splits_of_the_source_stay(coco, tmp_path):
    for split, count in (("train", 10), ("val", 3), ("test", 2)):
        make(coco, count, lambda row: [0], f"set/{split}/a.json")
    found = read_annotations(tmp_path / "set")
    rows, notes = draw_splits(found)
    assert {split: len(part) for split, part in rows.items()} == {
        "train": 10,
        "validation": 3,
        "test": 2,
    }
    assert notes == ("validation: the source's own", "test: the source's own")
    with pytest.raises(DataError, match="has a test set of its own"):
        draw_splits(found, test_split=0.1)


def test_a_missing_validation_set_is_drawn_from_train(coco, tmp_path):
    for split, count in (("train", 10), ("test", 2)):
        make(coco, count, lambda row: [0], f"set/{split}/a.json")
    found = read_annotations(tmp_path / "set")
    rows, _ = draw_splits(found, 0.3)
    assert {split: len(part) for split, part in rows.items()} == {
        "train": 7,
        "validation": 3,
        "test": 2,
    }
    assert all(found.images[row].split == "train" for row in rows["validation"])


def test_only_a_test_set(coco, tmp_path):
    make(coco, 3, lambda row: [0], "set/test/a.json")
    with pytest.raises(DataError, match="no training pictures, only: test"):
        draw_splits(read_annotations(tmp_path / "set"))


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0, None), (1, None), (None, 1.5), (0.2, -0.1)])
def test_shares_that_are_none(coco, shares):
    with pytest.raises(InputError):
        draw_splits(make(coco, 9, lambda row: [0]), *shares)


def test_masks_are_divided_by_their_classes(tmp_path):
    make_masks(tmp_path, {f"{row:02d}": [0, 2 if row % 5 == 0 else 1] for row in range(20)})
    found = read_annotations(tmp_path, "segmentation")
    assert found.images[0].mask.classes == (0, 2)
    rows, _ = draw_splits(found, 0.25)
    assert sum(2 in found.images[row].mask.classes for row in rows["validation"]) == 1
    assert len(rows["validation"]) == 5


def test_subsets(coco):
    found = make(coco, 4, lambda row: [0])
    part = found.subset(np.array([2, 0]))
    assert [image.key for image in part.images] == ["003.png", "001.png"]
    assert part.object_counts == (2, 0)
