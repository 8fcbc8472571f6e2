"""Pictures with boxes as training data: rows of objects, splits, what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from kerascnn import data
from kerascnn.errors import DataError, InputError
from kerascnn.tasks.boxes import CROWD, DIFFICULT, Row


@pytest.fixture
def coco(tmp_path):
    """Ten pictures of 40x20 pixels; every third has no object. Ids of categories have gaps."""
    random = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(10):
        name = f"{i}.png"
        pixels = random.integers(0, 255, (20, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        images.append({"id": i, "file_name": name, "width": 40, "height": 20})
        for _ in range(i % 3):
            box = [4, 5, 10, 10]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": i,
                    "category_id": (3, 90)[i % 2],
                    "bbox": box,
                    "area": 77,
                }
            )
            annotations.append({**annotations[-1], "id": 100 + i, "iscrowd": 1})
    names = [{"id": 90, "name": "owl"}, {"id": 3, "name": "cat"}]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


def test_objects_are_rows_in_shares_of_the_stretched_picture(coco):
    splits = data.load(coco, 32, 4, task="detection", validation_split=0.3)
    assert splits.task == "detection"
    assert splits.class_names == ("cat", "owl")
    assert splits.resize.fit == "stretch"
    assert splits.image_shape == (32, 32, 3)
    assert sum(splits.counts.values()) == 10
    images, rows = next(iter(splits.train))
    assert images.dtype == "uint8"
    assert rows.shape[1:] == (2, len(Row))
    images, rows = splits.arrays("train")
    objects = rows[rows[..., Row.LABEL] >= 0]
    np.testing.assert_allclose(objects[:, :4], [[0.1, 0.25, 0.35, 0.75]] * len(objects))
    assert set(objects[:, Row.FLAG]) == {0, CROWD}
    assert (objects[:, Row.AREA] == 77).all()
    assert (rows[..., Row.WIDTH] == 40).all()
    assert (rows[..., Row.HEIGHT] == 20).all()
    # Pictures without objects stay: they teach background.
    everything = np.concatenate([splits.labels(name) for name in splits.counts])
    assert (everything[..., Row.LABEL] < 0).all(axis=1).sum() == 4


def test_the_same_pictures_are_drawn_for_validation(coco):
    first, second = (data.load(coco, 32, task="detection", seed=3) for _ in range(2))
    assert first.paths("validation") == second.paths("validation")
    assert not set(first.paths("train")) & set(first.paths("validation"))
    other = data.load(coco, 32, task="detection", seed=4)
    assert first.paths("validation") != other.paths("validation")


def test_class_counts_are_pictures_with_each_class(coco):
    splits = data.load(coco, 32, task="detection")
    total = np.sum([*splits.class_counts.values()], axis=0)
    assert total.tolist() == [3, 3]


def test_classes_without_objects_do_not_stop_a_training(coco):
    document = json.loads(coco.read_text())
    document["categories"].append({"id": 91, "name": "yak"})
    coco.write_text(json.dumps(document))
    splits = data.load(coco, 32, task="detection")
    assert splits.class_names == ("cat", "owl", "yak")
    assert all(len(counts) == 3 for counts in splits.class_counts.values())
    assert all(counts[2] == 0 for counts in splits.class_counts.values())


def test_damaged_pictures_are_skipped_with_their_boxes(coco):
    broken = coco.parent / "1.png"
    broken.write_bytes(broken.read_bytes()[:300])
    splits = data.load(coco, 32, task="detection")
    assert sum(splits.counts.values()) == 9
    assert broken in [file.path for file in splits.skipped]
    for split in splits.counts:
        for path, rows in zip(splits.paths(split), splits.labels(split), strict=True):
            objects = (rows[:, Row.LABEL] >= 0) & (rows[:, Row.FLAG] == 0)
            assert objects.sum() == (int(path.stem) % 3 > 0)  # of equal boxes one is left


def test_pictures_that_are_not_kept_in_memory_are_decoded_anew(coco):
    kept, read = (
        data.load(coco, 32, task="detection", cache=cache).arrays("train")
        for cache in (True, False)
    )
    for one, other in zip(kept, read, strict=True):
        np.testing.assert_array_equal(one, other)


def test_difficult_objects_of_voc_are_marked(tmp_path):
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg")
    Image.new("RGB", (40, 20), "red").save(tmp_path / "b.jpg")
    for name in "ab":
        (tmp_path / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename><size><width>40</width><height>20</height>"
            "</size><object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin>"
            "<ymin>1</ymin><xmax>20</xmax><ymax>10</ymax></bndbox></object></annotation>"
        )
    splits = data.load(tmp_path, 32, task="detection")
    assert splits.labels("train")[0, 0, Row.FLAG] == DIFFICULT
    np.testing.assert_allclose(splits.labels("train")[0, 0, :4], [0, 0, 0.5, 0.5])


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_boxes_do_not_follow_crops(coco, resize):
    with pytest.raises(InputError, match="resize must be 'auto' or 'stretch'"):
        data.load(coco, 32, task="detection", resize=resize)


def test_digits_have_no_boxes():
    with pytest.raises(InputError, match="'digits' is for classification"):
        data.load("digits", task="detection")


def test_an_annotation_file_without_the_task_says_which(coco):
    with pytest.raises(DataError, match="--task detection"):
        data.load(coco)


def test_a_set_without_training_pictures_says_so(coco):
    folder = coco.parent / "set" / "valid"
    folder.mkdir(parents=True)
    for file in coco.parent.glob("*.png"):
        file.rename(folder / file.name)
    coco.rename(folder / "_annotations.coco.json")
    with pytest.raises(DataError, match="no training pictures, only: validation"):
        data.load(folder.parent, 32, task="detection")


def test_a_source_is_known_again_where_it_has_moved(coco, tmp_path):
    first = data.fingerprint(coco, "detection")
    assert first is not None
    moved = coco.rename(coco.with_name("other.json"))
    assert data.fingerprint(moved, "detection") == first
    folder = data.fingerprint(tmp_path, "detection")
    assert folder is not None
    assert folder.files == 11
    moved.write_text(moved.read_text().replace('"cat"', '"cow1"'))
    assert data.fingerprint(moved, "detection") != first


def test_shared_sets_are_read(shared):
    splits = data.load(shared / "detection" / "raccoon", 32, task="detection")
    assert splits.class_names == ("raccoon",)
    assert sum(splits.counts.values()) == 200
