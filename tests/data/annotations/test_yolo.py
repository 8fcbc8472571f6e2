"""YOLO's label files, and the data.yaml that says where they are."""

import numpy as np
import pytest
import yaml
from made_annotations import boxes_of, names_of, note, write_picture

from kerascnn.data.annotations import read_annotations
from kerascnn.data.annotations.parsing.yaml_text import read_yaml
from kerascnn.errors import DataError, InputError

BOX = "0 0.5 0.5 0.25 0.5"
PIXELS = (15.0, 7.5, 25.0, 22.5)  # of that box in 40x30


def make(
    root, rows, yaml_text="train: images\nnames: [cat, dog]\n", images="images", labels="labels"
):
    """A set with a picture for each item of rows, the lines of its label file or None."""
    for name, lines in rows.items():
        write_picture(root / images / f"{name}.jpg")
        if lines is not None:
            path = root / labels / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(lines)
    if yaml_text:
        (root / "data.yaml").write_text(yaml_text)
    return root


def test_boxes(tmp_path):
    found = read_annotations(make(tmp_path, {"a": f"{BOX}\n1 0.125 0.1 0.25 0.2\n"}))
    assert found.format == "yolo"
    assert names_of(found) == ["cat", "dog"]
    np.testing.assert_allclose(boxes_of(found), [PIXELS, (0, 0, 10, 6)], atol=1e-9)


@pytest.mark.parametrize("lines", [None, "", "\n \n"])
def test_pictures_without_objects_are_kept(tmp_path, lines):
    found = read_annotations(make(tmp_path, {"a": BOX, "b": lines}))
    assert [len(image.objects) for image in found.images] == [1, 0]
    if lines is None:
        assert "b.jpg" in note(found, "pictures without a label file: no objects")


def test_polygon_rows(tmp_path):
    found = read_annotations(make(tmp_path, {"a": "1 0.25 0.2 0.75 0.2 0.75 0.8"}))
    (thing,) = found.images[0].objects
    np.testing.assert_allclose(thing.box, (10, 6, 30, 24))
    np.testing.assert_allclose(thing.outline.rings[0], [[10, 6], [30, 6], [30, 24]])
    drawn = read_annotations(tmp_path, "segmentation")
    assert drawn.class_names == ("background", "cat", "dog")
    assert set(np.unique(drawn.semantic_mask(0))) == {0, 2}


def test_keypoints_behind_the_box_are_left_out(tmp_path):
    text = "train: images\nkpt_shape: [2, 3]\nnames: [cat]\n"
    found = read_annotations(make(tmp_path, {"a": f"{BOX} 0.1 0.1 2 0.9 0.9 1"}, text))
    np.testing.assert_allclose(boxes_of(found), [PIXELS])


def test_a_confidence_behind_the_box_is_left_out(tmp_path):
    found = read_annotations(make(tmp_path, {"a": f"{BOX} 0.93"}))
    np.testing.assert_allclose(boxes_of(found), [PIXELS])
    note(found, "lines with a confidence")


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("2 0.5 0.5 0.1 0.1", "objects of class numbers beyond the 2 names"),
        ("-1 0.5 0.5 0.1 0.1", "lines that are not a class"),
        ("cat 0.5 0.5 0.1 0.1", "lines that are not a class"),
        ("0.5 0.5 0.5 0.1 0.1", "lines that are not a class"),
        ("0 0.5 nan 0.1 0.1", "lines that are not a class"),
        ("0 0.5 x 0.1 0.1", "lines that are not a class"),
        ("0 0.5 0.5 0.1", "lines that hold neither"),
        ("0", "lines that hold neither"),
        ("0 0.1 0.1 0.5 0.5 0.2 0.3 0.4", "lines that hold neither"),
        ("0 0.5 0.5 0 0.1", "boxes without area"),
        ("0 0.5 0.5 -0.1 0.1", "boxes without area"),
        ("0 320 240 50 50", "boxes outside of their picture"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path, line, start):
    found = read_annotations(make(tmp_path, {"a": f"{BOX}\n{line}\n"}))
    assert len(boxes_of(found)) == 1
    assert "a.txt: line 2" in note(found, start)


def test_pixels_instead_of_shares(tmp_path):
    with pytest.raises(DataError, match=r"outside of their picture.*shares 0\.\.1"):
        read_annotations(make(tmp_path, {"a": "0 20 15 10 10"}))


def test_a_class_written_with_a_point(tmp_path):
    assert names_of(read_annotations(make(tmp_path, {"a": BOX.replace("0 ", "1.0 ", 1)}))) == [
        "dog"
    ]


def test_boxes_that_reach_out(tmp_path):
    found = read_annotations(make(tmp_path, {"a": "0 0.05 0.5 0.2 0.5"}))
    np.testing.assert_allclose(boxes_of(found), [(0, 7.5, 6, 22.5)])
    note(found, "boxes that reach out of their picture")


@pytest.mark.parametrize(
    "names",
    [
        "[cat, dog]",
        "['cat', \"dog\"]",
        "\n- cat\n- dog",
        "\n  - cat\n  - dog",
        "{0: cat, 1: dog}",
        "\n  0: cat\n  1: dog",
        "\n  1: dog\n  0: cat",
    ],
)
def test_forms_of_names(tmp_path, names):
    found = read_annotations(make(tmp_path, {"a": BOX}, f"train: images\nnames: {names}\nnc: 2\n"))
    assert found.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("train: images\nnames: [cat]\nnc: 2\n", "1 names, but nc is 2"),
        ("train: images\nnames: {0: cat, 2: dog}\n", "names in a form"),
        ("train: images\nnames: &x [cat]\n", "line 2: anchors"),
        ("train: images\nnames: [cat, [dog]]\n", "line 2"),
        ("train: nowhere\nnames: [cat]\n", "nowhere as `train`, which is not there"),
        ("val: images\nnames: [cat]\n", "has no `train`"),
        ("- train\n", "line 1: expected `key: value`"),
        ("train: images\ntrain: images\nnames: [cat]\n", "stands twice"),
    ],
)
def test_data_yaml_that_cannot_be_read(tmp_path, text, problem):
    make(tmp_path, {"a": BOX}, text)
    with pytest.raises(DataError, match=problem):
        read_annotations(tmp_path / "data.yaml")


def test_a_folder_of_pictures_is_said_by_data_yaml(tmp_path):
    make(tmp_path, {"a": BOX})
    with pytest.raises(InputError, match="pictures is not for YOLO"):
        read_annotations(tmp_path, pictures=tmp_path)


def test_splits_of_ultralytics(tmp_path):
    text = (
        "path: ../datasets/elsewhere\ntrain: images/train\nval: images/val\ntest:\nnames: [cat]\n"
    )
    for split in ("train", "val"):
        make(tmp_path, {"a": BOX}, text, f"images/{split}", f"labels/{split}")
    found = read_annotations(tmp_path)
    assert [(image.split, image.key) for image in found.images] == [
        ("train", "images/train/a.jpg"),
        ("validation", "images/val/a.jpg"),
    ]


def test_splits_of_roboflow(tmp_path):
    text = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\n"
    text += "nc: 1\nnames: ['cat']\n"
    text += "\nroboflow:\n  workspace: a-b\n  url: https://example.org/x\n"
    for split in ("train", "valid", "test"):
        make(tmp_path, {"a": BOX}, text, f"{split}/images", f"{split}/labels")
    assert list(read_annotations(tmp_path).official) == ["train", "validation", "test"]


def test_lists_of_pictures(tmp_path):
    make(tmp_path, {"a": BOX, "b": BOX}, "train: train.txt\nval: val.txt\nnames: [cat]\n")
    lines = ["./images/a.jpg", "/home/me/set/images/gone.jpg", "x" * 5000]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    (tmp_path / "val.txt").write_text("/home/me/set/images/b.jpg\n")
    found = read_annotations(tmp_path)
    assert [(image.split, image.path.stem) for image in found.images] == [
        ("train", "a"),
        ("validation", "b"),
    ]
    assert [file.path.name for file in found.skipped] == ["gone.jpg", "x" * 5000]


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("", ""), ("", "labels")])
def test_without_data_yaml(tmp_path, images, labels):
    make(tmp_path, {"a": BOX, "b": None}, "", images, labels)
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    found = read_annotations(tmp_path)
    assert found.class_names == ("cat", "dog")
    assert [len(image.objects) for image in found.images] == [1, 0]
    note(found, "classes by the lines of classes.txt")


def test_other_text_beside_pictures_is_no_label(tmp_path):
    make(tmp_path, {"a": "a photo of a cat"}, "", "", "")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match="no annotations for detection"):
        read_annotations(tmp_path)


def test_darknet(tmp_path):
    make(tmp_path, {"a": BOX}, "", "", "")
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    assert read_annotations(tmp_path).class_names == ("cat", "dog")


def test_without_names(tmp_path):
    make(tmp_path, {"a": f"{BOX}\n2 0.5 0.5 0.1 0.1"}, "")
    found = read_annotations(tmp_path)
    assert found.class_names == ("0", "1", "2")
    note(found, "nothing names the classes")
    assert read_annotations(tmp_path, class_names=["x", "y", "z"]).class_names == ("x", "y", "z")


def test_label_files_without_a_picture_are_counted(tmp_path):
    make(tmp_path, {"a": BOX})
    (tmp_path / "labels/b.txt").write_text(BOX)
    (tmp_path / "labels/notes.txt").write_text("made by hand")
    assert ": 1 (b.txt)" in note(read_annotations(tmp_path), "label files without a picture")


def test_label_files_that_are_no_text(tmp_path):
    make(tmp_path, {"a": BOX, "b": ""})
    (tmp_path / "labels/b.txt").write_bytes(b"\xff\xfe\xfa\xfb\x00")
    found = read_annotations(tmp_path)
    assert [image.path.stem for image in found.images] == ["a"]
    assert {file.path.name for file in found.skipped} == {"b.txt", "b.jpg"}


def test_names_of_other_case_and_form(tmp_path):
    write_picture(tmp_path / "images/Caf\u00e9.JPG")
    write_picture(tmp_path / "images/a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/cafe\u0301.txt").write_text(BOX)  # NFD
    (tmp_path / "labels/a.txt").write_text(BOX)
    found = read_annotations(tmp_path)
    assert [len(image.objects) for image in found.images] == [1, 1]


YAML = """
# a comment: with a colon
train: ../train/images  # where
val: "a # no comment"
names:   # a list below
  - 'it''s'
  - "x: y"
  - C# code
nc: 3
flow: [a, 'b, c', "d]", e f]
block:
  0: zero
  '1': "one"
download: |
  import os
  print("train: no")
empty:
null_: ~
url: https://example.org/a#b
long: [a,
  b, c]
mapping: {0: a b, 1: 'c'}
"""


def test_the_reader_of_yaml_agrees_with_pyyaml(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(YAML)
    expected = yaml.safe_load(YAML)
    keys = [key for key in expected if key != "download"]

    def as_text(value):
        if isinstance(value, dict):
            return {str(key): as_text(part) for key, part in value.items()}
        if isinstance(value, list):
            return [as_text(part) for part in value]
        return None if value is None else str(value)

    assert read_yaml(path, keys) == {key: as_text(expected[key]) for key in keys}
