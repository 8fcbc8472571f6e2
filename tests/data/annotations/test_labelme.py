"""LabelMe JSON."""

import base64
import io
import json

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note, write_picture
from PIL import Image

from kerascnn.data.annotations import IGNORED, read_annotations


def shape(label, points, kind="rectangle", **other):
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, **other}


RECTANGLE = shape("cat", [[5, 6], [15, 24]])
TRIANGLE = [[5, 6], [25, 6], [25, 20]]


def make(folder, shapes, name="a", picture="{}.jpg", **other):
    document = {"imagePath": picture.format(name), "imageHeight": 30, "imageWidth": 40}
    document |= {"shapes": shapes, "imageData": None, "version": "5.0"} | other
    if picture:
        write_picture(folder / picture.format(name))
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def test_rectangles_with_points_in_any_order(tmp_path):
    orders = [[[5, 6], [15, 24]], [[15, 24], [5, 6]], [[15, 6], [5, 24]], [[5, 24], [15, 6]]]
    for number, points in enumerate(orders):
        make(tmp_path, [shape("cat", points)], str(number))
    found = read_annotations(tmp_path)
    assert (found.format, boxes_of(found)) == ("labelme", [(5, 6, 15, 24)] * 4)


def test_rectangles_of_four_points(tmp_path):
    make(tmp_path, [shape("cat", [[5, 6], [15, 6], [15, 24], [5, 24]])])
    assert boxes_of(read_annotations(tmp_path)) == [(5, 6, 15, 24)]


def test_points_outside(tmp_path):
    make(tmp_path, [shape("cat", [[-5, 20], [50, 6]]), shape("cat", [[50, 5], [60, 9]])])
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(0, 6, 40, 20)]
    note(found, "boxes that reach out of their picture")
    note(found, "boxes outside of their picture")


def test_polygons_have_boxes(tmp_path):
    make(tmp_path, [shape("cat", TRIANGLE, "polygon"), shape("dog", TRIANGLE, None)])
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(5, 6, 25, 20)] * 2


def test_shapes_of_a_group_are_one_object(tmp_path):
    other = [[30, 6], [35, 6], [35, 20]]
    make(
        tmp_path,
        [
            shape("cat", TRIANGLE, "polygon", group_id=1),
            shape("dog", TRIANGLE, "polygon", group_id=1),
            shape("cat", other, "polygon", group_id=1),
            shape("cat", other, "polygon"),
            shape("cat", [[1, 1], [2, 2]], group_id=1),
        ],
    )
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(5, 6, 35, 20), (5, 6, 25, 20), (30, 6, 35, 20), (1, 1, 2, 2)]
    assert len(found.images[0].objects[0].outline.rings) == 2


def test_circles(tmp_path):
    make(tmp_path, [shape("cat", [[20, 15], [20, 20]], "circle")])
    found = read_annotations(tmp_path)
    np.testing.assert_allclose(boxes_of(found), [(15, 10, 25, 20)], atol=0.01)
    assert abs(found.instance_masks(0).sum() - np.pi * 25) < 25


def test_painted_masks(tmp_path):
    part = np.zeros((6, 11), np.uint8)
    part[1:5, 2:9] = 255
    file = io.BytesIO()
    Image.fromarray(part).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    make(tmp_path, [shape("cat", [[5, 6], [15, 11]], "mask", mask=text)])
    found = read_annotations(tmp_path, "segmentation")
    expected = np.zeros((30, 40), np.uint8)
    expected[7:11, 7:14] = 1
    np.testing.assert_array_equal(found.semantic_mask(0), expected)


@pytest.mark.parametrize("mask", [None, "", "!!!", "aGVsbG8="])
def test_painted_masks_that_cannot_be_read(tmp_path, mask):
    make(tmp_path, [shape("cat", [[5, 6], [15, 11]], "mask", mask=mask)])
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(5, 6, 15, 11)]
    note(found, "painted masks that cannot be read")


@pytest.mark.parametrize(
    ("bad", "start"),
    [
        (shape("cat", [[1, 2]], "point"), "shapes of type point"),
        (shape("cat", [[1, 2], [3, 4]], "line"), "shapes of type line"),
        (shape("cat", [[1, 2]]), "shapes of type rectangle without 2"),
        (shape("cat", [[1, 2], [3, 4]], "polygon"), "shapes of type polygon without 3"),
        (shape("cat", [[1, float("nan")], [3, 4]]), "shapes of type rectangle without 2"),
        (shape("cat", [[1, "x"], [3, 4]]), "shapes of type rectangle without 2"),
        (shape("cat", None), "shapes of type rectangle without 2"),
        (shape("cat", [1, 2, 3, 4]), "shapes of type rectangle without 2"),
        (shape("", [[1, 2], [3, 4]]), "shapes without a label"),
        (shape(None, [[1, 2], [3, 4]]), "shapes without a label"),
        ("cat", "shapes without a label"),
        (shape("cat", [[1, 2], [1, 9]]), "boxes without area"),
    ],
)
def test_shapes_that_cannot_be_used(tmp_path, bad, start):
    make(tmp_path, [RECTANGLE, bad])
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(5, 6, 15, 24)]
    assert "a.json: shape 2" in note(found, start)


def test_masks_are_drawn_in_order_with_their_outlines(tmp_path):
    make(
        tmp_path,
        [
            RECTANGLE,
            shape("dog", [[10, 10], [20, 15]]),
            shape("__ignore__", [[0, 0], [3, 3]]),
            shape("_background_", [[5, 6], [7, 8]]),
        ],
    )
    found = read_annotations(tmp_path, "segmentation")
    assert found.class_names == ("background", "cat", "dog")
    assert found.images[0].labels.tolist() == [1, 2, IGNORED, 0]
    expected = np.zeros((30, 40), np.uint8)
    expected[6:25, 5:16] = 1
    expected[10:16, 10:21] = 2
    expected[:4, :4] = 255
    expected[6:9, 5:8] = 0
    np.testing.assert_array_equal(found.semantic_mask(0), expected)
    assert ": 4 (a.json: shape 1;" in note(found, "rectangles, drawn as masks")


def test_rectangles_have_no_outline_in_detection(tmp_path):
    make(tmp_path, [RECTANGLE])
    assert read_annotations(tmp_path).images[0].objects[0].outline is None


def test_ignored_regions_and_background_are_no_objects(tmp_path):
    make(
        tmp_path,
        [RECTANGLE, shape("__ignore__", [[0, 0], [3, 3]]), shape("_background_", [[0, 0], [3, 3]])],
    )
    found = read_annotations(tmp_path)
    assert (found.class_names, names_of(found)) == (("cat",), ["cat"])
    note(found, "regions to ignore")
    note(found, "objects of a class called background")


def test_classes_in_the_order_of_labels_txt(tmp_path):
    make(tmp_path, [RECTANGLE, shape("ant", [[0, 0], [3, 3]])])
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\nzebra\ncat\nant\n")
    assert read_annotations(tmp_path).class_names == ("zebra", "cat", "ant")
    assert read_annotations(tmp_path, "segmentation").class_names[:2] == ("background", "zebra")


def test_pictures_of_other_machines_and_systems(tmp_path):
    make(tmp_path, [RECTANGLE], "a", "{}.jpg", imagePath="..\\photos\\A.JPG")
    make(tmp_path, [RECTANGLE], "b", "{}.jpg", imagePath=None)
    assert [image.key for image in read_annotations(tmp_path).images] == ["a.jpg", "b.jpg"]


def test_a_picture_that_is_only_in_the_file(tmp_path):
    make(tmp_path, [RECTANGLE])
    make(tmp_path, [RECTANGLE], "b", "", imagePath="b.jpg", imageData="AAAA")
    found = read_annotations(tmp_path)
    assert "it is in imageData: save it as a file" in found.skipped[0].reason


def test_pictures_without_shapes_are_kept(tmp_path):
    make(tmp_path, [RECTANGLE])
    make(tmp_path, [], "b")
    write_picture(tmp_path / "c.jpg")
    found = read_annotations(tmp_path)
    assert [len(image.objects) for image in found.images] == [1, 0]
    assert "c.jpg" in note(found, "pictures without an annotation")


def test_other_json_among_them_is_listed(tmp_path):
    make(tmp_path, [RECTANGLE])
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "c.json").write_text("{")
    found = read_annotations(tmp_path)
    assert {file.path.name for file in found.skipped} == {"b.json", "c.json"}
