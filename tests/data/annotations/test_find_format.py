"""Which format is found, which is taken of several, and what is said if there is none."""

import json
import os

import pytest
from made_annotations import box, voc_object, write_picture

from kerascnn.data.annotations import FORMATS, find_format, read_annotations
from kerascnn.errors import DataError, InputError

CAT = voc_object("cat", 1, 1, 40, 30)


def test_every_format_is_looked_for_and_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(DataError) as caught:
        find_format(tmp_path)
    message = str(caught.value)
    for name, words in FORMATS.items():
        assert (words in message) == (name != "masks")
    assert "There are: 1 .jpg, 1 .json" in message


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="There are: no files"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "a\0b"])
def test_no_such_folder(tmp_path, name):
    with pytest.raises(DataError, match="no such file or folder"):
        read_annotations(tmp_path / name)
    with pytest.raises(DataError, match="no such folder of pictures"):
        read_annotations(tmp_path, pictures=tmp_path / name)


def test_two_formats_side_by_side(coco, voc, tmp_path):
    coco()
    voc("b", CAT)
    found = find_format(tmp_path)
    assert found.format == "coco"
    assert "also there and left alone: voc (format= chooses)" in found.notes[0]
    assert find_format(tmp_path, format="voc").format == "voc"
    assert read_annotations(tmp_path, format="voc").class_names == ("cat",)


def test_the_format_asked_for_is_not_there(coco, tmp_path):
    coco()
    with pytest.raises(DataError, match=r"Looked for: YOLO .*There are: 1 \.json, 1 \.png"):
        find_format(tmp_path, format="yolo")


@pytest.mark.parametrize("format", ["COCO", "masks", "", "pascal"])
def test_unknown_formats(tmp_path, format):
    with pytest.raises(InputError, match="format must be one of coco, voc"):
        find_format(tmp_path, format=format)


def test_unknown_tasks(tmp_path):
    with pytest.raises(InputError, match="task must be one of detection, segmentation"):
        read_annotations(tmp_path, "classification")


def test_two_files_of_one_format(coco, tmp_path):
    coco(name="a.json")
    coco(name="b.json")
    with pytest.raises(DataError, match=r"2 files of COCO JSON: a\.json, b\.json.*Name the file"):
        find_format(tmp_path)
    assert find_format(tmp_path / "a.json").format == "coco"


def test_a_file_of_all_beside_those_of_splits(coco, tmp_path):
    for name in ("all.json", "train.json", "test.json"):
        coco(name=name)
    found = find_format(tmp_path)
    assert [(split, path.name) for split, path in found.parts] == [
        ("train", "train.json"),
        ("test", "test.json"),
    ]
    assert "left alone, as no split: all.json" in found.notes[0]


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_masks_go_before_outlines_and_boxes_are_not_looked_for(coco, tmp_path, task):
    coco(
        [box(1, 1, segmentation=[[1, 1, 5, 1, 5, 5]])], name="set/annotations.json", pictures=False
    )
    write_picture(tmp_path / "set/images/a.png")
    write_picture(tmp_path / "set/masks/a.png")
    expected = {"detection": "coco", "segmentation": "masks"}
    assert find_format(tmp_path / "set", task).format == expected[task]


def test_boxes_of_coco_are_no_masks(coco, tmp_path):
    coco()
    with pytest.raises(DataError, match="no annotations for segmentation"):
        find_format(tmp_path, "segmentation")


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.txt", "a.zip", "a.jpg"])
def test_files_of_something_else(tmp_path, name):
    (tmp_path / name).write_text("<html/>" if name == "a.xml" else "5")
    with pytest.raises(DataError, match="holds no annotations for detection") as caught:
        find_format(tmp_path / name)
    assert ("Unpack the archive" in str(caught.value)) == (name == "a.zip")


def test_captions_are_no_boxes(tmp_path):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({"images": [], "annotations": [{"caption": "a"}], "categories": []}))
    with pytest.raises(DataError):
        find_format(tmp_path)


def test_hidden_and_system_folders_are_passed_over(coco, tmp_path):
    coco()
    for folder in (".cache", "__MACOSX"):
        coco(name=f"{folder}/copy.json")
    assert len(find_format(tmp_path).parts) == 1


def test_links_in_a_circle(voc, tmp_path):
    voc("a", CAT)
    (tmp_path / "loop").symlink_to(tmp_path)
    found = read_annotations(tmp_path)
    assert len(found.images) == 1


def test_linked_folders_files_and_broken_links(coco, tmp_path):
    real = tmp_path / "elsewhere"
    write_picture(real / "x.png")
    path = coco(
        images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        name="set/annotations.json",
        pictures=False,
    )
    (tmp_path / "set/images").mkdir()
    (tmp_path / "set/images/a.png").symlink_to(real / "x.png")
    (tmp_path / "set/images/b.png").symlink_to(real / "gone.png")
    found = read_annotations(path)
    assert [image.path.name for image in found.images] == ["a.png"]
    assert "no such picture" in found.skipped[0].reason


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.csv", "a.jpg", "data.yaml"])
def test_named_pipes_are_not_waited_for(voc, tmp_path, name):
    voc("b", CAT)
    os.mkfifo(tmp_path / name)
    assert len(read_annotations(tmp_path, format="voc").images) == 1


def test_names_in_other_forms(coco, tmp_path):
    """Other case, no suffix, backslashes, other Unicode form, folders of another machine."""
    files = ["Sub/One.JPG", "two.jpg", "Caf\u00e9.png", "cafe\u0301 2.png", "d e.f.png"]
    names = ["sub\\one.jpg", "C:\\data\\two.JPEG", "cafe\u0301.PNG", "caf\u00e9 2", "/mnt/x/d e.f"]
    for file in files:
        write_picture(tmp_path / "images" / file)
    images = [{"id": number, "file_name": name} for number, name in enumerate(names, 1)]
    found = read_annotations(coco(images=images, pictures=False))
    assert found.skipped == ()
    assert sorted(
        image.path.relative_to(tmp_path / "images").as_posix() for image in found.images
    ) == sorted(files)
    assert any(
        "pictures named with other case, suffix or Unicode form" in text for text in found.notes
    )


def test_one_name_in_two_folders(coco, tmp_path):
    for folder in ("x", "y"):
        write_picture(tmp_path / folder / "a.png")
    images = [{"id": 1, "file_name": "elsewhere/y/a.png"}, {"id": 2, "file_name": "a.png"}]
    found = read_annotations(coco(images=images, pictures=False))
    assert [image.key for image in found.images] == ["y/a.png"]
    assert "several that it may be" in found.skipped[0].reason


def test_a_format_in_a_deep_folder(voc, tmp_path):
    voc("a", CAT, folder="one/two/Annotations", picture="one/two/JPEGImages/{}.jpg")
    assert read_annotations(tmp_path).images[0].key == "one/two/JPEGImages/a.jpg"
