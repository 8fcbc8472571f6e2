"""EXIF orientation: annotations drawn before and after it was applied."""

import json

import numpy as np
import pytest
from made_annotations import box, boxes_of, note, voc_object, write_picture
from PIL import Image, ImageOps

from kerascnn.data.annotations import Rle, read_annotations
from kerascnn.data.annotations.form.orientation import Placement, turn

TURNED = (5, 6, 7, 8)
ALL = (1, 2, 3, 4, *TURNED)


def placement(orientation, size):
    width, height = size
    return Placement(orientation=orientation, width=width, height=height)


@pytest.mark.parametrize("orientation", ALL)
def test_masks_and_points_turn_as_pillow_turns_pictures(orientation, tmp_path):
    pixels = np.random.default_rng(orientation).integers(0, 2, (7, 11), dtype=np.uint8)
    write_picture(tmp_path / "a.jpg", (11, 7), orientation)
    with Image.open(tmp_path / "a.jpg") as stored:
        exif = stored.info["exif"]
    image = Image.fromarray(pixels)
    image.info["exif"] = exif
    upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(turn(pixels, orientation), upright)
    middles = np.argwhere(pixels)[:, ::-1] + 0.5
    moved = placement(orientation, (11, 7)).points(middles)
    found = np.zeros_like(upright)
    columns, rows = np.floor(moved).astype(int).T
    found[rows, columns] = 1
    np.testing.assert_array_equal(found, upright)


def expected(orientation):
    """The box (5, 6, 15, 26) of a stored picture of 40x30 pixels in the upright one."""
    mask = np.zeros((30, 40), np.uint8)
    mask[6:26, 5:15] = 1
    rows, columns = np.nonzero(turn(mask, orientation))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("orientation", TURNED)
def test_annotations_of_the_stored_picture_are_turned(coco, picture, orientation):
    picture("a.jpg", (40, 30), orientation)
    mask = np.zeros((30, 40), np.uint8)
    mask[6:26, 5:15] = 1
    images = [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}]
    values = [
        box(1, 1, segmentation=[[5, 6, 15, 6, 15, 26, 5, 26]]),
        box(2, 1, segmentation=Rle.from_mask(mask).to_coco(), iscrowd=1),
    ]
    found = read_annotations(coco(values, images=images))
    (image,) = found.images
    assert (image.width, image.height) == (30, 40)
    assert boxes_of(found) == [expected(orientation)] * 2
    for plane in found.instance_masks(0):
        np.testing.assert_array_equal(plane, turn(mask, orientation))
    assert "a.jpg" in note(found, "pictures annotated before their EXIF orientation")


@pytest.mark.parametrize("orientation", TURNED)
def test_annotations_of_the_upright_picture_stay(coco, picture, orientation):
    picture("a.jpg", (40, 30), orientation)
    images = [{"id": 1, "file_name": "a.jpg", "width": 30, "height": 40}]
    found = read_annotations(coco(images=images))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    assert "a.jpg" in note(found, "pictures with an EXIF orientation, annotated on the upright")


@pytest.mark.parametrize(("size", "orientation"), [((40, 30), 3), ((40, 40), 6), ((40, 40), 3)])
def test_sizes_that_do_not_tell(coco, picture, size, orientation):
    picture("a.jpg", size, orientation)
    images = [{"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}]
    found = read_annotations(coco(images=images))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    assert "a.jpg" in note(found, "pictures with an EXIF orientation whose annotations do not tell")


def test_no_stated_size(coco, picture):
    picture("a.jpg", (40, 30), 6)
    found = read_annotations(coco(images=[{"id": 1, "file_name": "a.jpg"}]))
    assert boxes_of(found) == [(5, 6, 15, 26)]
    note(found, "pictures with an EXIF orientation whose annotations do not tell")


@pytest.mark.parametrize("orientation", [0, 9, 65537, 4294967295])
def test_invalid_orientations_turn_nothing(coco, picture, orientation):
    picture("a.jpg", (40, 30), orientation)
    images = [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}]
    found = read_annotations(coco(images=images))
    (image,) = found.images
    assert (image.width, image.height, image.objects[0].box) == (40, 30, (5, 6, 15, 26))
    assert not any("EXIF" in text for text in found.notes)


def test_a_scaled_copy_of_the_stored_picture(coco, picture):
    picture("a.jpg", (20, 15), 6)
    images = [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}]
    found = read_annotations(coco(images=images))
    assert boxes_of(found) == [(15 - 13, 2.5, 15 - 3, 7.5)]
    note(found, "pictures of another size than annotated")
    note(found, "pictures annotated before their EXIF orientation")


@pytest.mark.parametrize("orientation", TURNED)
def test_voc(voc, tmp_path, orientation):
    voc("a", voc_object("cat", 6, 7, 15, 26))
    write_picture(tmp_path / "JPEGImages/a.jpg", (40, 30), orientation)
    assert boxes_of(read_annotations(tmp_path)) == [expected(orientation)]


def test_yolo_is_of_the_upright_picture(tmp_path):
    write_picture(tmp_path / "images/a.jpg", (40, 30), 6)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.25 1 0.5")
    assert boxes_of(read_annotations(tmp_path)) == [(0, 0, 30, 20)]


def test_png_with_an_orientation(coco, tmp_path):
    image = Image.fromarray(np.zeros((30, 40, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    path = coco()
    image.save(tmp_path / "a.png", exif=exif)
    assert boxes_of(read_annotations(path)) == [expected(6)]


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("drawn", ["stored", "upright"])
def test_mask_files(tmp_path, orientation, drawn):
    write_picture(tmp_path / "images/a.jpg", (40, 30), orientation)
    mask = np.zeros((30, 40), np.uint8)
    mask[6:26, 5:15] = 1
    stored = mask if drawn == "stored" else turn(mask, orientation)
    (tmp_path / "masks").mkdir()
    Image.fromarray(stored).save(tmp_path / "masks/a.png")
    found = read_annotations(tmp_path, "segmentation")
    np.testing.assert_array_equal(found.semantic_mask(0), turn(mask, orientation))
    said = any("masks drawn before the EXIF orientation" in text for text in found.notes)
    assert said == (drawn == "stored")


def test_labelme_states_its_size(tmp_path):
    write_picture(tmp_path / "a.jpg", (40, 30), 8)
    shapes = [{"label": "cat", "points": [[5, 6], [15, 26]], "shape_type": "rectangle"}]
    document = {"imagePath": "a.jpg", "imageWidth": 40, "imageHeight": 30, "shapes": shapes}
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert boxes_of(read_annotations(tmp_path)) == [expected(8)]
