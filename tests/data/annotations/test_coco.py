"""COCO JSON, with what real files have in them."""

import json
import math

import numpy as np
import pytest
from made_annotations import box, boxes_of, names_of, note, write_picture
from pycocotools.coco import COCO

from kerascnn.data.annotations import Polygons, Rle, read_annotations
from kerascnn.errors import DataError


def test_a_box(coco):
    found = read_annotations(coco())
    (image,) = found.images
    (thing,) = image.objects
    assert (found.format, found.class_names, found.skipped) == ("coco", ("cat",), ())
    assert (image.path.name, image.key, image.width, image.height) == ("a.png", "a.png", 40, 30)
    assert (thing.label, thing.box, thing.crowd, thing.difficult) == (
        0,
        (5, 6, 15, 26),
        False,
        False,
    )
    assert thing.area is None
    assert thing.outline is None
    np.testing.assert_array_equal(image.boxes, np.array([[5, 6, 15, 26]], np.float32))
    np.testing.assert_array_equal(image.labels, np.array([0], np.int32))


def test_category_ids_with_gaps_and_unsorted(coco):
    categories = [{"id": 90, "name": "dog"}, {"id": 7, "name": "cat"}, {"id": 18, "name": "cow"}]
    found = read_annotations(coco([box(1, 90), box(2, 7), box(3, 18)], categories))
    assert found.class_names == ("cat", "cow", "dog")
    assert names_of(found) == ["dog", "cat", "cow"]


def test_a_supercategory_as_category_0_is_no_class(coco):
    categories = [
        {"id": 0, "name": "fruits", "supercategory": "none"},
        {"id": 1, "name": "apple", "supercategory": "fruits"},
        {"id": 2, "name": "pear", "supercategory": "fruits"},
    ]
    found = read_annotations(coco([box(1, 2)], categories))
    assert found.class_names == ("apple", "pear")
    assert names_of(found) == ["pear"]
    assert "fruits" in note(found, "category fruits")


def test_a_supercategory_that_has_objects_is_a_class(coco):
    categories = [
        {"id": 0, "name": "fruits", "supercategory": "none"},
        {"id": 1, "name": "apple", "supercategory": "fruits"},
    ]
    found = read_annotations(coco([box(1, 0), box(2, 1, bbox=[1, 1, 5, 5])], categories))
    assert found.class_names == ("fruits", "apple")


def test_background_as_category_0_is_no_class(coco):
    categories = [{"id": 0, "name": "background"}, {"id": 1, "name": "cat"}]
    assert read_annotations(coco(categories=categories)).class_names == ("cat",)


def test_objects_of_background_are_left_out_and_counted(coco):
    categories = [{"id": 0, "name": "background"}, {"id": 1, "name": "cat"}]
    found = read_annotations(coco([box(5, 0), box(6, 1)], categories))
    assert names_of(found) == ["cat"]
    assert "1 (annotations.json: annotation 5)" in note(
        found, "objects of a class called background"
    )


def test_annotation_id_0_is_an_annotation(coco):
    assert len(boxes_of(read_annotations(coco([box(0, 1)])))) == 1


def test_missing_iscrowd_and_area(coco):
    value = box(1, 1)
    del value["iscrowd"]
    (thing,) = read_annotations(coco([value])).images[0].objects
    assert (thing.crowd, thing.area) == (False, None)


def test_crowds_in_runs(coco):
    mask = np.zeros((30, 40), np.uint8)
    mask[3:9, 4:20] = 1
    runs = Rle.from_mask(mask)
    for form in (runs.to_coco(), runs.to_coco(compressed=False)):
        value = box(1, 1, iscrowd=1, segmentation=form, area=96, bbox=[4, 3, 16, 6])
        (thing,) = read_annotations(coco([value])).images[0].objects
        assert thing.crowd
        assert thing.area == 96
        np.testing.assert_array_equal(thing.mask(30, 40), mask)


@pytest.mark.parametrize("empty", [[], [[]], None])
def test_an_empty_segmentation_leaves_the_box(coco, empty):
    (thing,) = read_annotations(coco([box(1, 1, segmentation=empty)])).images[0].objects
    assert thing.outline is None
    assert thing.box == (5, 6, 15, 26)


def test_polygons(coco):
    value = box(1, 1, segmentation=[[5, 6, 15, 6, 15, 26], [1, 1, 4, 1, 4, 4]])
    (thing,) = read_annotations(coco([value])).images[0].objects
    assert isinstance(thing.outline, Polygons)
    assert [ring.shape for ring in thing.outline.rings] == [(3, 2), (3, 2)]


def test_a_polygon_without_a_list_around_it(coco):
    value = box(1, 1, segmentation=[5, 6, 15, 6, 15, 26])
    (thing,) = read_annotations(coco([value])).images[0].objects
    assert len(thing.outline.rings) == 1


@pytest.mark.parametrize(
    "polygon",
    [[1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, float("nan")], [1, 2, 3, 4, 5, None], "x"],
)
def test_polygons_that_are_none_leave_the_box(coco, polygon):
    found = read_annotations(coco([box(1, 1, segmentation=[polygon])]))
    (thing,) = found.images[0].objects
    assert thing.outline is None
    note(found, "polygons of fewer than three corners or no numbers")


def test_broken_runs_leave_the_box(coco):
    found = read_annotations(coco([box(1, 1, segmentation={"size": [30, 40], "counts": "zz"})]))
    assert found.images[0].objects[0].outline is None
    note(found, "run-length masks that cannot be read")


def test_runs_of_another_size_leave_the_box(coco):
    runs = Rle.from_mask(np.ones((3, 4), np.uint8)).to_coco()
    found = read_annotations(coco([box(1, 1, segmentation=runs)]))
    assert found.images[0].objects[0].outline is None
    note(found, "run-length masks of another size")


@pytest.mark.parametrize("missing", [None, []])
def test_a_missing_box_is_that_of_the_outline(coco, missing):
    value = box(1, 1, segmentation=[[5, 6, 15, 6, 15, 26]], bbox=missing)
    found = read_annotations(coco([value]))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    note(found, "objects without a box")


def test_neither_box_nor_outline(coco):
    found = read_annotations(coco([box(1, 1), box(2, 1, bbox=None)]))
    assert len(boxes_of(found)) == 1
    note(found, "objects without a box or an outline")


def test_pictures_without_annotations_are_kept(coco):
    images = [
        {"id": 1, "file_name": "a.png", "width": 40, "height": 30},
        {"id": 2, "file_name": "b.png", "width": 40, "height": 30},
    ]
    found = read_annotations(coco(images=images))
    assert [(image.key, len(image.objects)) for image in found.images] == [
        ("a.png", 1),
        ("b.png", 0),
    ]
    assert found.images[1].boxes.shape == (0, 4)


def test_pictures_that_no_annotation_names_are_counted_and_not_used(coco, picture):
    path = coco()
    picture("stray.png")
    found = read_annotations(path)
    assert len(found.images) == 1
    assert "1 (stray.png)" in note(found, "pictures without an annotation")


@pytest.mark.parametrize("side", [0, None, -1, "0"])
def test_width_and_height_that_say_nothing(coco, side):
    images = [{"id": 1, "file_name": "a.png", "width": side, "height": side}]
    (image,) = read_annotations(coco(images=images)).images
    assert (image.width, image.height) == (40, 30)
    assert image.objects[0].box == (5, 6, 15, 26)


def test_width_0_is_said(coco):
    images = [{"id": 1, "file_name": "a.png", "width": 0, "height": 0}]
    note(read_annotations(coco(images=images)), "annotations that state width or height 0")


@pytest.mark.parametrize(
    "edges", [[5, 6, 0, 20], [5, 6, 10, 0], [5, 6, -3, 4], [5, 6, 0, 0], [5, 6, 1e-9, 4]]
)
def test_boxes_without_area_are_dropped(coco, edges):
    found = read_annotations(coco([box(1, 1), box(2, 1, bbox=edges)]))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    assert "annotation 2" in note(found, "boxes without area")


def test_fractions_are_kept(coco):
    found = read_annotations(coco([box(1, 1, bbox=[0.25, 1.5, 10.125, 3.0625])]))
    assert boxes_of(found) == [(0.25, 1.5, 10.375, 4.5625)]


def test_boxes_outside_are_clipped_and_counted(coco):
    values = [box(1, 1, bbox=[-5, -6, 20, 20]), box(2, 1, bbox=[30, 20, 20, 20])]
    found = read_annotations(coco(values))
    assert boxes_of(found) == [(0, 0, 15, 14), (30, 20, 40, 30)]
    assert ": 2 (" in note(found, "boxes that reach out of their picture")


def test_boxes_wholly_outside_are_dropped(coco):
    found = read_annotations(coco([box(1, 1), box(2, 1, bbox=[50, 5, 10, 10])]))
    assert len(boxes_of(found)) == 1
    note(found, "boxes outside of their picture")


@pytest.mark.parametrize(
    "edges",
    [
        [math.nan, 1, 2, 3],
        [1, 2, math.inf, 3],
        [1, 2, None, 3],
        ["a", 1, 2, 3],
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        {"x": 1},
        "1,2,3,4",
        [True, 1, 2, 3],
        [10**400, 1, 2, 3],
        [[1], 2, 3, 4],
    ],
)
def test_what_are_not_four_finite_numbers_is_dropped(coco, edges):
    found = read_annotations(coco([box(1, 1), box(2, 1, bbox=edges)]))
    assert len(boxes_of(found)) == 1
    assert "annotation 2" in note(found, "boxes that are not four finite numbers")


def test_numbers_written_as_text(coco):
    found = read_annotations(coco([box("1", "1", bbox=["5", "6.5", "10", "2e1"])]))
    assert boxes_of(found) == [(5, 6.5, 15, 26.5)]
    note(found, "numbers written as text")


def test_ids_of_images_written_as_text_or_fractions(coco):
    images = [{"id": "1", "file_name": "a.png"}, {"id": 2.0, "file_name": "b.png"}]
    found = read_annotations(coco([box(1, 1), box(2, 1, image_id=2)], images=images))
    assert [len(image.objects) for image in found.images] == [1, 1]


def test_objects_that_stand_twice_are_dropped(coco):
    values = [box(1, 1), box(2, 1), box(3, 1, bbox=[5, 6, 10, 19])]
    found = read_annotations(coco(values))
    assert len(boxes_of(found)) == 2
    assert "annotation 2" in note(found, "objects that stand twice")


def test_two_classes_with_one_box_are_two_objects(coco):
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "pet"}]
    assert len(boxes_of(read_annotations(coco([box(1, 1), box(2, 2)], categories)))) == 2


def test_one_picture_with_two_records_is_one_picture(coco):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "./a.png"}]
    values = [box(1, 1), box(2, 1, image_id=2, bbox=[1, 2, 3, 4])]
    found = read_annotations(coco(values, images=images))
    assert [len(image.objects) for image in found.images] == [2]
    note(found, "pictures with more than one record")


def test_an_image_that_stands_twice(coco):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "a.png"}]
    found = read_annotations(coco(images=images))
    assert len(found.images) == 1
    note(found, "images that stand twice")


def test_two_images_of_one_id_are_an_error(coco):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]
    with pytest.raises(DataError, match=r"two images of id 1: a\.png and b\.png"):
        read_annotations(coco(images=images))


def test_two_categories_of_one_id_are_an_error(coco):
    categories = [{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]
    with pytest.raises(DataError, match="two categories of id 1: cat and dog"):
        read_annotations(coco(categories=categories))


def test_two_categories_of_one_name_are_one_class(coco):
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat "}]
    found = read_annotations(coco([box(1, 1), box(2, 2, bbox=[1, 2, 3, 4])], categories))
    assert found.class_names == ("cat",)
    assert len(boxes_of(found)) == 2


def test_unknown_categories_and_images_are_dropped(coco):
    found = read_annotations(coco([box(1, 1), box(2, 99), box(3, 1, image_id=77), 5]))
    assert len(boxes_of(found)) == 1
    for start in (
        "annotations of unknown categories",
        "annotations of pictures that the file does not list",
        "annotations that are no objects",
    ):
        note(found, start)


def test_missing_and_damaged_pictures_are_listed(coco, tmp_path):
    names = ["a.png", "gone.png", "cut.png", "text.png", "empty.png"]
    images = [{"id": row, "file_name": name} for row, name in enumerate(names, 1)]
    path = coco(images=images)
    (tmp_path / "gone.png").unlink()
    content = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    found = read_annotations(path)
    assert [image.key for image in found.images] == ["a.png"]
    reasons = {file.path.name: file.reason for file in found.skipped}
    assert set(reasons) == set(names[1:])
    assert "no such picture" in reasons["gone.png"]
    assert "annotations.json" in reasons["gone.png"]


def test_a_truncated_picture_is_found_only_by_decoding(coco, tmp_path):
    path = coco(images=[{"id": 1, "file_name": "a.jpg"}])
    content = write_picture(tmp_path / "a.jpg", (400, 300)).read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) * 2 // 3])
    assert len(read_annotations(path, decode=False).images) == 1
    with pytest.raises(DataError, match=r"no picture of .* can be used.*a\.jpg"):
        read_annotations(path)


def test_no_picture_is_there(coco):
    path = coco(pictures=False)
    with pytest.raises(DataError, match=r"annotates no picture that is there.*`pictures`"):
        read_annotations(path)


def test_no_object_is_there(coco):
    path = coco([box(1, 1, bbox=[0, 0, 0, 0])])
    with pytest.raises(DataError, match=r"1 picture\(s\) and not one usable box.*without area"):
        read_annotations(path)


@pytest.mark.parametrize("images", [[], [{"id": 1}], [{"file_name": "a.png"}], [None], [3]])
def test_images_that_are_none(coco, tmp_path, images):
    path = coco()
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "images": images}))
    with pytest.raises(DataError):
        read_annotations(path)


@pytest.mark.parametrize(
    "categories",
    [
        [],
        [{"id": 1}],
        [{"name": "cat"}],
        [{"id": 1, "name": ""}],
        [{"id": 1, "name": "a\nb"}],
        [None],
    ],
)
def test_categories_that_are_none(coco, categories):
    with pytest.raises(DataError):
        read_annotations(coco(categories=categories))


def test_classes_in_an_order_of_ones_own(coco):
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    path = coco([box(1, 1), box(2, 2)], categories)
    found = read_annotations(path, class_names=["dog", "cow", "cat"])
    assert found.class_names == ("dog", "cow", "cat")
    assert names_of(found) == ["cat", "dog"]
    with pytest.raises(DataError, match="class_names lacks: dog"):
        read_annotations(path, class_names=["cat"])


def test_classes_that_differ_only_in_case_are_said(coco):
    categories = [{"id": 1, "name": "Cat"}, {"id": 2, "name": "cat"}]
    found = read_annotations(coco([box(1, 1), box(2, 2)], categories))
    assert found.class_names == ("Cat", "cat")
    note(found, "classes that differ only in upper and lower case: Cat and cat")


def test_pictures_in_a_folder_of_their_own(coco, picture, tmp_path):
    path = coco(pictures=False)
    picture("far/away/a.png")
    assert len(read_annotations(path, pictures=tmp_path / "far").images) == 1
    with pytest.raises(DataError, match="no such folder of pictures"):
        read_annotations(path, pictures=tmp_path / "nowhere")


def test_scaled_pictures_scale_their_annotations(coco, picture):
    picture("a.png", (20, 15))
    value = box(1, 1, area=200, segmentation=[[5, 6, 15, 6, 15, 26]])
    found = read_annotations(coco([value]))
    (thing,) = found.images[0].objects
    assert thing.box == (2.5, 3, 7.5, 13)
    assert thing.area == 50
    np.testing.assert_array_equal(thing.outline.rings[0], [[2.5, 3], [7.5, 3], [7.5, 13]])
    note(found, "pictures of another size than annotated")


def test_scaled_runs(coco, picture):
    picture("a.png", (20, 15))
    mask = np.zeros((30, 40), np.uint8)
    mask[4:10, 6:20] = 1
    runs = Rle.from_mask(mask).to_coco()
    (thing,) = read_annotations(coco([box(1, 1, segmentation=runs)])).images[0].objects
    np.testing.assert_array_equal(thing.mask(15, 20), mask[1::2, 1::2])


def test_a_wrong_stated_size_with_boxes_that_fit_the_picture(coco):
    images = [{"id": 1, "file_name": "a.png", "width": 500, "height": 500}]
    found = read_annotations(coco(images=images))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    note(found, "annotations whose width and height are not those of the picture")


def test_boxes_of_another_picture_are_not_taken(coco):
    images = [
        {"id": 1, "file_name": "a.png", "width": 500, "height": 500},
        {"id": 2, "file_name": "b.png", "width": 500, "height": 500},
        {"id": 3, "file_name": "c.png", "width": 40, "height": 30},
    ]
    values = [box(1, 1), box(2, 1, image_id=2, bbox=[300, 300, 50, 50]), box(3, 1, image_id=3)]
    found = read_annotations(coco(values, images=images))
    assert [image.key for image in found.images] == ["c.png"]
    assert "500x500 pixels, the picture has 40x30" in found.skipped[0].reason


def test_splits_of_roboflow(coco, tmp_path):
    images = [{"id": 0, "file_name": "a.png", "width": 40, "height": 30}]
    for split in ("train", "valid", "test"):
        coco([box(0, 1, image_id=0)], images=images, name=f"set/{split}/_annotations.coco.json")
    found = read_annotations(tmp_path / "set")
    assert {split: len(rows) for split, rows in found.official.items()} == {
        "train": 1,
        "validation": 1,
        "test": 1,
    }


def test_splits_of_coco(coco, picture, tmp_path):
    """The names of pictures are the same in both splits."""
    for year, size in (("train2017", (40, 30)), ("val2017", (80, 60))):
        images = [{"id": 1, "file_name": "1.jpg", "width": size[0], "height": size[1]}]
        coco(images=images, name=f"annotations/instances_{year}.json", pictures=False)
        coco(
            [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "keypoints": []}],
            images=images,
            name=f"annotations/person_keypoints_{year}.json",
            pictures=False,
        )
        (tmp_path / f"annotations/captions_{year}.json").write_text(
            json.dumps({"images": images, "annotations": [{"image_id": 1, "caption": "a cat"}]})
        )
        picture(f"{year}/1.jpg", size)
    found = read_annotations(tmp_path)
    assert [(image.split, image.width) for image in found.images] == [
        ("train", 40),
        ("validation", 80),
    ]
    assert boxes_of(found)[0] == (5, 6, 15, 26)
    assert any("left alone: person_keypoints_train2017.json" in text for text in found.notes)


def test_classes_of_several_files_are_put_together_by_name(coco, tmp_path):
    coco(categories=[{"id": 1, "name": "cat"}, {"id": 5, "name": "dog"}], name="set/train/a.json")
    coco([box(1, 1)], [{"id": 1, "name": "cow"}, {"id": 2, "name": "cat"}], name="set/test/a.json")
    found = read_annotations(tmp_path / "set")
    assert found.class_names == ("cat", "dog", "cow")
    assert names_of(found) == ["cat", "cow"]


def test_semantic_masks_are_drawn(coco):
    categories = [{"id": 4, "name": "dog"}, {"id": 2, "name": "cat"}]
    crowd = np.zeros((30, 40), np.uint8)
    crowd[:20, :20] = 1
    values = [
        box(1, 2, segmentation=[[2, 2, 12, 2, 12, 12, 2, 12]]),
        box(2, 4, segmentation=[[8, 8, 18, 8, 18, 18, 8, 18]]),
        box(3, 4, iscrowd=1, segmentation=Rle.from_mask(crowd).to_coco()),
    ]
    found = read_annotations(coco(values, categories), "segmentation")
    assert found.class_names == ("background", "cat", "dog")
    expected = np.zeros((30, 40), np.uint8)
    expected[:20, :20] = 2
    expected[2:12, 2:12] = 1
    expected[8:18, 8:18] = 2
    np.testing.assert_array_equal(found.semantic_mask(0), expected)
    assert found.instance_masks(0).shape == (3, 30, 40)


def test_boxes_alone_are_no_masks(coco):
    values = [box(1, 1), box(2, 1, segmentation=[[5, 6, 15, 6, 15, 26]])]
    found = read_annotations(coco(values), "segmentation")
    assert len(boxes_of(found)) == 1
    note(found, "boxes without an outline")
    with pytest.raises(DataError, match="not one usable outline"):
        read_annotations(coco([box(1, 1)]), "segmentation")


def test_semantic_masks_need_the_task(coco):
    with pytest.raises(DataError, match='task="segmentation"'):
        read_annotations(coco()).semantic_mask(0)


def test_instance_masks_of_objects_without_outline_are_their_boxes(coco):
    (mask,) = read_annotations(coco()).instance_masks(0)
    assert mask.sum() == 10 * 20
    assert mask[6:26, 5:15].all()


def test_a_file_with_a_byte_order_mark(coco):
    path = coco()
    text = path.read_text()
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        path.write_bytes(text.encode(encoding))
        assert len(boxes_of(read_annotations(path))) == 1


def test_pycocotools_reads_the_same(coco):
    path = coco([box(1, 1), box(2, 1, bbox=[1, 2, 3.5, 4.25])])
    peer = COCO(str(path))
    found = boxes_of(read_annotations(path))
    theirs = [peer.anns[number]["bbox"] for number in sorted(peer.anns)]
    assert [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in found] == theirs
