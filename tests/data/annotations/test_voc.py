"""Pascal VOC XML in its own folders, Model Maker's, and beside the pictures."""

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note, voc_object, write_picture

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError

CAT = voc_object("cat", 1, 1, 40, 30)


def test_pixels_are_counted_from_1(voc, tmp_path):
    """From 1 to 40 is the whole width of 40 pixels."""
    voc("a", CAT + voc_object("dog", 5, 6, 14, 25))
    found = read_annotations(tmp_path)
    assert found.format == "voc"
    assert boxes_of(found) == [(0, 0, 40, 30), (4, 5, 14, 25)]
    assert names_of(found) == ["cat", "dog"]
    note(found, "pixels are counted from 1")


def test_a_coordinate_of_0_says_that_they_are_not(voc, tmp_path):
    voc("a", voc_object("cat", 0, 3, 40, 30))
    voc("b", voc_object("cat", 5, 6, 14, 25))
    assert boxes_of(read_annotations(tmp_path)) == [(0, 3, 40, 30), (5, 6, 14, 25)]


def test_fractions(voc, tmp_path):
    voc("a", voc_object("cat", "5.5", "6.25", "14.75", "25.125"))
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(5.5, 6.25, 14.75, 25.125)]
    note(found, "boxes taken as they stand: most are written with decimal points")


def test_a_fraction_among_whole_numbers(voc, tmp_path):
    voc("a", CAT + voc_object("cat", 5, 6, "14.5", 25) + voc_object("cat", "5.5", 7, 14, 25))
    assert boxes_of(read_annotations(tmp_path)) == [
        (0, 0, 40, 30),
        (4, 5, 14.5, 25),
        (4.5, 6, 14, 25),
    ]


@pytest.mark.parametrize("size", [(0, 0), None, ("", ""), ("nan", "30"), (0, 30)])
def test_a_size_that_says_nothing(voc, tmp_path, size):
    voc("a", CAT, size=size)
    (image,) = read_annotations(tmp_path).images
    assert (image.width, image.height, image.objects[0].box) == (40, 30, (0, 0, 40, 30))


def test_boxes_without_area(voc, tmp_path):
    voc("a", CAT + voc_object("cat", 5, 6, 5, 9) + voc_object("cat", 7, 7, 7, 7))
    found = read_annotations(tmp_path)
    assert len(boxes_of(found)) == 1
    assert ": 2 (a.xml: object 2; a.xml: object 3)" in note(found, "boxes without area")


def test_corners_in_another_order(voc, tmp_path):
    voc("a", voc_object("cat", 14, 25, 5, 6))
    found = read_annotations(tmp_path)
    assert boxes_of(found) == [(4, 5, 14, 25)]
    note(found, "boxes whose corners are in another order")


def test_the_path_of_another_machine(voc, tmp_path):
    foreign = "<path>C:\\Users\\me\\Desktop\\photo one.JPG</path>"
    voc("x1", CAT, filename="", extra=foreign, picture=None)
    write_picture(tmp_path / "JPEGImages/photo one.jpg")
    (image,) = read_annotations(tmp_path).images
    assert image.key == "JPEGImages/photo one.jpg"


def test_an_absolute_filename(voc, tmp_path):
    voc("x1", CAT, filename="/home/pi/data/photo.png", picture=None)
    write_picture(tmp_path / "JPEGImages/photo.jpg")
    assert read_annotations(tmp_path).images[0].key == "JPEGImages/photo.jpg"


def test_the_stem_goes_before_a_filename_of_another_picture(voc, tmp_path):
    voc("a", CAT, filename="b.jpg")
    voc("b", voc_object("dog", 1, 1, 5, 5))
    found = read_annotations(tmp_path)
    assert [(image.path.stem, len(image.objects)) for image in found.images] == [("a", 1), ("b", 1)]
    assert names_of(found) == ["cat", "dog"]
    note(found, "XML files that name another picture")


def test_difficult_objects(voc, tmp_path):
    objects = [
        voc_object("cat", 1, 1, 5, 5, extra=f"<difficult>{flag}</difficult>") for flag in (0, 1)
    ]
    voc("a", "".join(objects) + voc_object("cat", 7, 7, 9, 9))
    (image,) = read_annotations(tmp_path).images
    # The first two are one box, and the first of them counts.
    np.testing.assert_array_equal(image.difficult, [False, False])
    voc("a", objects[1])
    np.testing.assert_array_equal(read_annotations(tmp_path).images[0].difficult, [True])


def test_parts_of_objects_are_no_objects(voc, tmp_path):
    part = "<part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>4</xmax>"
    part += "<ymax>4</ymax></bndbox></part>"
    voc("a", CAT.replace("</object>", f"{part}</object>"))
    assert names_of(read_annotations(tmp_path)) == ["cat"]


def test_pictures_without_objects_are_kept(voc, tmp_path):
    voc("a", CAT)
    voc("b")
    assert [len(image.objects) for image in read_annotations(tmp_path).images] == [1, 0]


def test_pictures_without_xml_are_counted_and_not_used(voc, tmp_path):
    voc("a", CAT)
    write_picture(tmp_path / "JPEGImages/b.jpg")
    found = read_annotations(tmp_path)
    assert len(found.images) == 1
    assert "b.jpg" in note(found, "pictures without an annotation")


@pytest.mark.parametrize(
    ("folder", "picture"),
    [
        ("Annotations", "JPEGImages/{}.jpg"),
        ("Annotations", "images/{}.jpg"),  # Model Maker
        ("annotations/xmls", "images/{}.jpg"),
        ("", "{}.jpg"),
        ("photos", "photos/{}.jpg"),
        ("labels", "{}.jpg"),
    ],
)
def test_layouts(voc, tmp_path, folder, picture):
    voc("a", CAT, folder=folder, picture=picture)
    found = read_annotations(tmp_path)
    assert [image.key for image in found.images] == [picture.format("a")]


def test_splits_of_folders(voc, tmp_path):
    for split, name in (("train", "a"), ("valid", "b"), ("test", "test 1")):
        voc(name, CAT, folder=split, picture=split + "/{}.jpg")
    found = read_annotations(tmp_path)
    assert [image.split for image in found.images] == ["train", "validation", "test"]


def test_file_names_are_no_splits(voc, tmp_path):
    voc("test 1", CAT)
    voc("train", CAT)
    assert {image.split for image in read_annotations(tmp_path).images} == {None}


def test_lists_of_splits(voc, tmp_path):
    for name in "abcd":
        voc(name, CAT, folder="VOC/Annotations", picture="VOC/JPEGImages/{}.jpg")
    lists = tmp_path / "VOC/ImageSets/Main"
    lists.mkdir(parents=True)
    for split, names in {
        "train": "a 1\n",
        "val": "b -1\n",
        "trainval": "a\nb\n",
        "test": "C.jpg\nghost\n",
        "cat_train": "d 1\n",
    }.items():
        (lists / f"{split}.txt").write_text(names)
    for root in (tmp_path, tmp_path / "VOC"):
        found = read_annotations(root)
        splits = {image.path.stem: image.split for image in found.images}
        assert splits == {"a": "train", "b": "validation", "c": "test"}
        assert [(file.path.name, file.reason) for file in found.skipped] == [
            ("d.jpg", "in no list of a split")
        ]
        assert "ghost" in note(found, "names in lists of splits without an annotation")


def test_a_picture_in_the_lists_of_two_splits_is_in_the_last(voc, tmp_path):
    for name in "ab":
        voc(name, CAT)
    (tmp_path / "ImageSets").mkdir()
    (tmp_path / "ImageSets/train.txt").write_text("a\nb\n")
    (tmp_path / "ImageSets/test.txt").write_text("b\n")
    found = read_annotations(tmp_path)
    assert [image.split for image in found.images] == ["train", "test"]
    note(found, "pictures in the lists of two splits")


def test_trainval_alone_is_train(voc, tmp_path):
    for name in "ab":
        voc(name, CAT)
    (tmp_path / "trainval.txt").write_text("a\n")
    (tmp_path / "test.txt").write_text("b\n")
    assert [image.split for image in read_annotations(tmp_path).images] == ["train", "test"]


def test_classes_in_the_order_of_a_file(voc, tmp_path):
    voc("a", CAT + voc_object("ant", 1, 1, 5, 5) + voc_object("yak", 1, 1, 5, 5))
    (tmp_path / "classes.txt").write_text("zebra\ncat\nant\n")
    found = read_annotations(tmp_path)
    assert found.class_names == ("zebra", "cat", "ant", "yak")
    assert "yak" in note(found, "classes that classes.txt lacks")
    assert "zebra" in note(found, "classes without any object")


@pytest.mark.parametrize(
    ("name", "text"),
    [("labels.json", '{"images": [], "annotations": [], "categories": []}'), ("names.txt", "me")],
)
def test_files_of_something_else_are_no_classes(voc, tmp_path, name, text):
    voc("a", CAT)
    (tmp_path / name).write_text(text)
    assert read_annotations(tmp_path, format="voc").class_names == ("cat",)


def test_classes_are_sorted_without_a_file(voc, tmp_path):
    voc("a", "".join(voc_object(name, 1, 1, 5, 5) for name in ("dog", "Cat", "ant")))
    assert read_annotations(tmp_path).class_names == ("ant", "Cat", "dog")


@pytest.mark.parametrize(
    ("thing", "start"),
    [
        (voc_object("cat", "a", 1, 5, 5), "boxes that are not four finite numbers"),
        (voc_object("cat", "nan", 1, 5, 5), "boxes that are not four finite numbers"),
        (voc_object("cat", "1e999", 1, 5, 5), "boxes that are not four finite numbers"),
        (voc_object("cat", "", 1, 5, 5), "boxes that are not four finite numbers"),
        (voc_object("", 1, 1, 5, 5), "objects without a class"),
        ("<object><name>cat</name></object>", "objects without an upright box"),
        ("<object><name>cat</name><robndbox><cx>1</cx></robndbox></object>", "objects without an"),
    ],
)
def test_objects_that_cannot_be_read(voc, tmp_path, thing, start):
    voc("a", CAT + thing)
    found = read_annotations(tmp_path)
    assert len(boxes_of(found)) == 1
    assert "a.xml: object 2" in note(found, start)


def test_spaces_around_names_and_numbers(voc, tmp_path):
    voc("a", voc_object(" cat\n", " 5", "6 ", "\n14", "25\t"))
    found = read_annotations(tmp_path)
    assert (found.class_names, boxes_of(found)) == (("cat",), [(4, 5, 14, 25)])


def test_xml_without_its_picture_is_listed(voc, tmp_path):
    voc("a", CAT)
    voc("b", CAT, picture=None)
    found = read_annotations(tmp_path)
    assert [file.path.name for file in found.skipped] == ["b.xml"]
    assert "no such picture, or several that it may be: b.jpg" in found.skipped[0].reason


def test_xml_of_something_else_is_listed(voc, tmp_path):
    voc("a", CAT)
    (tmp_path / "Annotations/b.xml").write_text("<svg/>")
    (tmp_path / "Annotations/c.xml").write_text("<annotation><object>")
    found = read_annotations(tmp_path)
    reasons = {file.path.name: file.reason for file in found.skipped}
    assert "<svg>" in reasons["b.xml"]
    assert "not valid XML" in reasons["c.xml"]


def test_a_single_file(voc):
    found = read_annotations(voc("a", CAT, folder="", picture="{}.jpg"))
    assert boxes_of(found) == [(0, 0, 40, 30)]


def test_boxes_are_no_masks(voc, tmp_path):
    voc("a", CAT)
    with pytest.raises(DataError, match=r"no annotations for segmentation.*It has boxes"):
        read_annotations(tmp_path, "segmentation")
