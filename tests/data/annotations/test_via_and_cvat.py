"""VIA JSON, versions 1 and 2, and CVAT XML."""

import json

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note, write_picture

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError

SQUARE = {"name": "polygon", "all_points_x": [5, 15, 15, 5], "all_points_y": [6, 6, 24, 24]}
RECT = {"name": "rect", "x": 5, "y": 6, "width": 10, "height": 18}


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def make(folder, regions, version=2, name="a.jpg", file="via.json"):
    write_picture(folder / name)
    if version == 1:
        regions = {str(place): value for place, value in enumerate(regions)}
    records = {
        f"{name}123": {"filename": name, "size": 123, "regions": regions, "file_attributes": {}}
    }
    if version == "project":
        records = {"_via_settings": {}, "_via_img_metadata": records, "_via_attributes": {}}
    path = folder / file
    path.write_text(json.dumps(records))
    return path


@pytest.mark.parametrize("version", [1, 2, "project"])
def test_versions(tmp_path, version):
    found = read_annotations(
        make(tmp_path, [region(SQUARE, name="cat"), region(RECT, name="dog")], version)
    )
    assert (found.format, found.class_names) == ("via", ("cat", "dog"))
    assert boxes_of(found) == [(5, 6, 15, 24)] * 2


def test_shapes(tmp_path):
    circle = {"name": "circle", "cx": 20, "cy": 15, "r": 5}
    ellipse = {"name": "ellipse", "cx": 20, "cy": 15, "rx": 10, "ry": 5}
    turned = {**ellipse, "theta": np.pi / 2}
    found = read_annotations(make(tmp_path, [region(shape) for shape in (circle, ellipse, turned)]))
    expected = [(15, 10, 25, 20), (10, 10, 30, 20), (15, 5, 25, 25)]
    np.testing.assert_allclose(boxes_of(found), expected, atol=0.05)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"type": "cat", "colour": "red"}, "cat"),
        ({"Class": "cat"}, "cat"),
        ({"animal": "cat"}, "cat"),
        ({"type": {"cat": True, "dog": False}}, "cat"),
        ({"label": 3}, "3"),
    ],
)
def test_attributes_of_classes(tmp_path, attributes, name):
    assert names_of(read_annotations(make(tmp_path, [region(RECT, **attributes)]))) == [name]


def test_several_attributes_of_which_none_is_the_class(tmp_path):
    with pytest.raises(DataError, match="attributes colour, size"):
        read_annotations(make(tmp_path, [region(RECT, colour="red", size="big")]))


def test_regions_without_classes(tmp_path):
    path = make(tmp_path, [region(RECT)])
    found = read_annotations(path)
    assert found.class_names == ("object",)
    note(found, "regions have no class")
    assert read_annotations(path, class_names=["balloon"]).class_names == ("balloon",)


@pytest.mark.parametrize(
    ("bad", "start"),
    [
        (region({"name": "point", "cx": 1, "cy": 2}, name="cat"), "regions of type point"),
        (region({**SQUARE, "all_points_x": [1, 2]}, name="cat"), "regions of type polygon that"),
        (
            region({**SQUARE, "all_points_x": [1, 2, None, 4]}, name="cat"),
            "regions of type polygon that",
        ),
        (region({**RECT, "x": "a"}, name="cat"), "regions of type rect that"),
        (region({"name": "star"}, name="cat"), "regions of type star that"),
        (region(RECT), "regions without a class"),
        (region(RECT, name=" "), "regions without a class"),
        ({}, "regions without a shape"),
        (None, "regions without a shape"),
        (region({**RECT, "width": 0}, name="cat"), "boxes without area"),
    ],
)
def test_regions_that_cannot_be_used(tmp_path, bad, start):
    found = read_annotations(make(tmp_path, [region(RECT, name="cat"), bad]))
    assert boxes_of(found) == [(5, 6, 15, 24)]
    assert "a.jpg, region 2" in note(found, start)


def test_pictures_without_regions_are_kept(tmp_path):
    path = make(tmp_path, [region(RECT)])
    records = json.loads(path.read_text())
    records["b"] = {"filename": "b.jpg", "regions": []}
    records["c"] = {"filename": "gone.jpg", "regions": []}
    path.write_text(json.dumps(records))
    write_picture(tmp_path / "b.jpg")
    found = read_annotations(path)
    assert [len(image.objects) for image in found.images] == [1, 0]
    assert found.skipped[0].path.name == "gone.jpg"


def test_rectangles_are_drawn_as_masks(tmp_path):
    found = read_annotations(make(tmp_path, [region(RECT)]), "segmentation")
    assert found.semantic_mask(0).sum() == 10 * 18
    note(found, "rectangles, drawn as masks")


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>dog</name></label><label><name>cat</name></label></labels></task></meta>
<image id="0" name="a.jpg" subset="Train" width="40" height="30">
 <box label="cat" occluded="0" xtl="5" ytl="6.5" xbr="15" ybr="24" z_order="0"/>
 <polygon label="dog" points="5.0,6.0;25.0,6.0;25.0,20.0"/>
 <ellipse label="cat" cx="20" cy="15" rx="10" ry="5"/>
 <mask label="dog" rle="2, 3, 2, 3" left="4" top="5" width="5" height="2"/>
 {more}
</image>
<image id="1" name="b.jpg" subset="Validation" width="40" height="30"/>
</annotations>"""


def make_cvat(folder, more=""):
    for name in ("a.jpg", "b.jpg"):
        write_picture(folder / "images" / name)
    path = folder / "annotations.xml"
    path.write_text(CVAT.format(more=more))
    return path


def test_cvat(tmp_path):
    make_cvat(tmp_path)
    found = read_annotations(tmp_path)
    assert (found.format, found.class_names) == ("cvat", ("dog", "cat"))
    assert [(image.split, len(image.objects)) for image in found.images] == [
        ("train", 4),
        ("validation", 0),
    ]
    expected = [(5, 6.5, 15, 24), (5, 6, 25, 20), (10, 10, 30, 20), (6, 5, 9, 7)]
    np.testing.assert_allclose(boxes_of(found), expected, atol=0.05)
    mask = found.images[0].objects[3].mask(30, 40)
    assert np.argwhere(mask).tolist() == [[5, 6], [5, 7], [5, 8], [6, 6], [6, 7], [6, 8]]


@pytest.mark.parametrize(
    ("more", "start"),
    [
        ('<polyline label="cat" points="1,2;3,4"/>', "shapes of type polyline"),
        ('<box label="cat" xtl="1" ytl="x" xbr="5" ybr="6"/>', "shapes that cannot be read"),
        ('<box xtl="1" ytl="1" xbr="5" ybr="6"/>', "shapes that cannot be read"),
        ('<polygon label="cat" points="1,2;3"/>', "shapes that cannot be read"),
        (
            '<mask label="cat" rle="1,2" left="0" top="0" width="5" height="2"/>',
            "shapes that cannot",
        ),
        (
            '<mask label="cat" rle="10" left="38" top="0" width="5" height="2"/>',
            "shapes that cannot",
        ),
        ('<box label="cat" xtl="1" ytl="1" xbr="5" ybr="6" rotation="30"/>', "rotated shapes"),
    ],
)
def test_shapes_of_cvat_that_cannot_be_used(tmp_path, more, start):
    found = read_annotations(make_cvat(tmp_path, more), pictures=tmp_path / "images")
    assert len(boxes_of(found)) == 4
    assert "a.jpg, shape 5" in note(found, start)


def test_videos_of_cvat_are_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<annotations><track id='0' label='cat'/></annotations>")
    with pytest.raises(DataError, match="no <track>"):
        read_annotations(path)
