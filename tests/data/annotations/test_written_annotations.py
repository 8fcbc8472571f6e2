"""COCO JSON as written: what pycocotools and this package read back."""

import json

import numpy as np
import pytest
from made_annotations import box, boxes_of, write_picture
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kerascnn.data.annotations import Rle, read_annotations, to_coco, write_coco
from kerascnn.errors import OutputExistsError


@pytest.fixture
def rich(coco):
    """A set with polygons, crowds, areas, boxes alone and a picture without objects."""
    mask = np.zeros((30, 40), np.uint8)
    mask[3:9, 4:20] = 1
    values = [
        box(0, 1, segmentation=[[5, 6, 15, 6, 15, 26]], area=77.5),
        box(7, 9, segmentation=Rle.from_mask(mask).to_coco(), iscrowd=1, bbox=[4, 3, 16, 6]),
        box(9, 9, bbox=[1.5, 2.5, 3, 4]),
    ]
    images = [{"id": 1, "file_name": "a.png"}, {"id": 5, "file_name": "b.png"}]
    categories = [{"id": 9, "name": "dog"}, {"id": 1, "name": "cat"}]
    return read_annotations(coco(values, categories, images))


def test_it_is_read_back(rich, tmp_path):
    write_coco(rich, tmp_path / "out/copy.json")
    again = read_annotations(tmp_path / "out/copy.json")
    assert again.class_names == rich.class_names
    assert [image.path for image in again.images] == [image.path for image in rich.images]
    assert boxes_of(again) == boxes_of(rich)
    first, second = (found.images[0] for found in (rich, again))
    assert second.labels.tolist() == first.labels.tolist()
    assert second.crowds.tolist() == [False, True, False]
    np.testing.assert_array_equal(again.instance_masks(0), rich.instance_masks(0))


def test_pycocotools_loads_it(rich, tmp_path):
    path = tmp_path / "copy.json"
    write_coco(rich, path)
    peer = COCO(str(path))
    assert sorted(peer.anns) == [1, 2, 3]
    assert peer.getCatIds() == [1, 2]
    assert [peer.anns[number]["area"] for number in (1, 2, 3)] == [77.5, 96, 12]
    for number, thing in zip((1, 2), rich.images[0].objects, strict=False):
        np.testing.assert_array_equal(peer.annToMask(peer.anns[number]), thing.mask(30, 40))


def test_perfect_boxes_score_1(rich):
    """The first annotation had id 0, with which pycocotools would score 0."""
    peer = COCO()
    peer.dataset = json.loads(json.dumps(to_coco(rich)))
    peer.createIndex()
    answers = [
        {key: value[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for value in peer.dataset["annotations"]
        if not value["iscrowd"]
    ]
    judge = COCOeval(peer, peer.loadRes(answers), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1)


def test_some_rows(rich):
    document = to_coco(rich, [1])
    assert [image["file_name"] for image in document["images"]] == ["b.png"]
    assert document["images"][0]["id"] == 1
    assert document["annotations"] == []


def test_nothing_is_overwritten(rich, tmp_path):
    path = tmp_path / "annotations.json"
    before = path.read_text()
    with pytest.raises(OutputExistsError):
        write_coco(rich, path)
    assert path.read_text() == before
    write_coco(rich, path, overwrite=True)
    assert path.read_text() != before


def test_outlines_of_labelme_are_written_pixel_by_pixel(tmp_path):
    write_picture(tmp_path / "a.jpg")
    shapes = [{"label": "cat", "points": [[5, 6], [15, 7], [9, 20]], "shape_type": "polygon"}]
    document = {"imagePath": "a.jpg", "imageWidth": 40, "imageHeight": 30, "shapes": shapes}
    (tmp_path / "a.json").write_text(json.dumps(document))
    found = read_annotations(tmp_path)
    write_coco(found, tmp_path / "out/coco.json")
    again = read_annotations(tmp_path / "out/coco.json")
    np.testing.assert_array_equal(again.instance_masks(0), found.instance_masks(0))
