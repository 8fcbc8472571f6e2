"""Folders of photos and masks: layouts, pairs, sizes, damaged files."""

import numpy as np
import pytest
from made_annotations import box, note, write_picture
from PIL import Image

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError, InputError

PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]


def write_mask(path, values, palette=False):
    """Writes a mask of 40x30 pixels with the values in vertical stripes, or an array of them."""
    if not isinstance(values, np.ndarray):
        values = np.repeat(values, 40 // len(values))[np.newaxis].repeat(30, axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.astype(np.uint8))
    if palette:
        image.putpalette(PALETTE + [0] * (768 - len(PALETTE)))
    image.save(path)
    return path


def make(root, masks, images="images", folder="masks", suffix="", palette=False):
    for name, values in masks.items():
        write_picture(root / images / f"{name}.jpg")
        if values is not None:
            write_mask(root / folder / f"{name}{suffix}.png", values, palette)
    return root


def read(root, **options):
    return read_annotations(root, "segmentation", **options)


@pytest.mark.parametrize("palette", [False, True])
def test_values_are_classes(tmp_path, palette):
    make(tmp_path, {"a": [0, 1], "b": [0, 2]}, palette=palette)
    (tmp_path / "class_names.txt").write_text("background\ncat\ndog\n")
    found = read(tmp_path)
    assert (found.format, found.class_names) == ("masks", ("background", "cat", "dog"))
    expected = np.zeros((30, 40), np.uint8)
    expected[:, 20:] = 1
    np.testing.assert_array_equal(found.semantic_mask(0), expected)
    np.testing.assert_array_equal(found.semantic_mask(1), 2 * expected)
    assert found.pixel_counts == (1200, 600, 600)
    note(found, "classes by class_names.txt")


@pytest.mark.parametrize(
    ("images", "folder", "suffix"),
    [
        ("images", "masks", ""),
        ("images", "labels", ""),
        ("imgs", "annotations", ""),
        ("photos", "trimaps", ""),
        ("JPEGImages", "SegmentationClass", ""),
        ("images", "masks", "_mask"),
        ("images", "labels", "_P"),
        ("images", "GT", "-label"),
        ("", "", "_mask"),
        ("", "", ""),
        ("images", "images/masks", ""),
        ("data/images", "data/mask", ""),
    ],
)
def test_layouts(tmp_path, images, folder, suffix):
    make(tmp_path, {"a": [0, 1], "b": [1, 0]}, images, folder, suffix)
    found = read(tmp_path)
    assert [image.path.stem for image in found.images] == ["a", "b"]
    assert found.semantic_mask(0)[0, 0] == 0
    assert found.semantic_mask(1)[0, 0] == 1


@pytest.mark.parametrize(
    ("images", "folder"),
    [
        ("{}/images", "{}/masks"),
        ("images/{}", "masks/{}"),
        ("images/{}", "annotations/{}"),
        ("{}", "{}annot"),
        ("{}", "{}_labels"),
    ],
)
def test_splits(tmp_path, images, folder):
    """The pictures have the same names in each split."""
    for number, split in enumerate(("train", "val", "test")):
        make(tmp_path, {"a": [0, number], "b": [0, 0]}, images.format(split), folder.format(split))
    found = read(tmp_path)
    assert {split: len(rows) for split, rows in found.official.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    for image, number in zip(found.images[::2], range(3), strict=True):
        row = found.images.index(image)
        assert found.semantic_mask(row)[0, -1] == number


def test_cityscapes(tmp_path):
    name = "ulm_000001_000019"
    write_picture(tmp_path / f"leftImg8bit/train/ulm/{name}_leftImg8bit.png")
    for kind, value in (("labelIds", 7), ("instanceIds", 3), ("color", 5), ("labelTrainIds", 1)):
        write_mask(tmp_path / f"gtFine/train/ulm/{name}_gtFine_{kind}.png", [0, value])
    (image,) = read(tmp_path).images
    assert image.split == "train"
    assert image.mask.path.name.endswith("_labelTrainIds.png")


def test_several_masks_of_each_picture(tmp_path):
    for suffix in ("_one", "_two"):
        make(tmp_path, {"a": [0, 1], "b": [0, 1]}, suffix=suffix)
    with pytest.raises(DataError, match=r"several masks each: \*_one, \*_two"):
        read(tmp_path)


def test_lists_of_voc(tmp_path):
    make(tmp_path, {name: [0, 1] for name in "abc"}, "VOC/JPEGImages", "VOC/SegmentationClass")
    lists = tmp_path / "VOC/ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    found = read(tmp_path)
    assert [(image.split, image.path.stem) for image in found.images] == [
        ("train", "a"),
        ("validation", "b"),
    ]
    assert [file.reason for file in found.skipped] == ["in no list of a split"]


def test_missing_masks_and_pictures(tmp_path):
    make(tmp_path, {"a": [0, 1], "b": None})
    write_mask(tmp_path / "masks/c.png", [0, 1])
    found = read(tmp_path)
    assert [image.path.stem for image in found.images] == ["a"]
    assert [(file.path.name, file.reason) for file in found.skipped] == [
        ("b.jpg", "no mask for it")
    ]
    assert "c.png" in note(found, "masks without a picture")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_damaged_masks(tmp_path, content):
    make(tmp_path, {"a": [0, 1], "b": [0, 1]})
    (tmp_path / "masks/b.png").write_bytes(content)
    found = read(tmp_path)
    assert [image.path.stem for image in found.images] == ["a"]
    assert "its mask b.png: the mask is" in found.skipped[0].reason


def test_truncated_masks(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, (30, 40))
    make(tmp_path, {"a": noise, "b": noise})
    path = tmp_path / "masks/b.png"
    path.write_bytes(path.read_bytes()[:-60])
    assert [image.path.stem for image in read(tmp_path).images] == ["a"]


def test_all_masks_damaged(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    (tmp_path / "masks/a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"none of its 1 mask\(s\) can be read"):
        read(tmp_path)


def test_damaged_photos(tmp_path):
    make(tmp_path, {"a": [0, 1], "b": [0, 1]})
    (tmp_path / "images/b.jpg").write_bytes(b"no image")
    found = read(tmp_path)
    assert [file.path.name for file in found.skipped] == ["b.jpg"]


def test_masks_of_another_size_are_resized_by_nearest_neighbour(tmp_path):
    small = np.zeros((15, 20), np.uint8)
    small[:, 7:] = 3
    make(tmp_path, {"a": small})
    found = read(tmp_path, class_names=["a", "b", "c", "d"])
    mask = found.semantic_mask(0)
    assert mask.shape == (30, 40)
    assert set(np.unique(mask)) == {0, 3}
    assert mask[0, 13] == 0
    assert mask[0, 14] == 3
    assert "a.png" in note(found, "masks of another size")


def test_masks_rounded_to_whole_pixels(tmp_path):
    """40x30 at a third is 13x10, which is no exact ratio."""
    make(tmp_path, {"a": np.ones((10, 13), np.uint8) * [[0] * 6 + [1] * 7]})
    assert read(tmp_path).semantic_mask(0).shape == (30, 40)


@pytest.mark.parametrize("shape", [(40, 30), (30, 30), (15, 40)])
def test_masks_of_another_aspect_ratio_are_an_error(tmp_path, shape):
    values = np.zeros(shape, np.uint8)
    values[0, 0] = 1
    make(tmp_path, {"a": [0, 1], "b": values})
    with pytest.raises(
        DataError, match=rf"b\.png has {shape[1]}x{shape[0]} pixels, b\.jpg has 40x30"
    ):
        read(tmp_path)


def test_names_of_other_case_and_form(tmp_path):
    write_picture(tmp_path / "images/Caf\u00e9.JPG")
    write_mask(tmp_path / "masks/cafe\u0301.PNG", [0, 1])
    assert len(read(tmp_path).images) == 1


def test_pictures_elsewhere(tmp_path):
    make(tmp_path, {"a": [0, 1]}, "far/away", "set/masks")
    found = read(tmp_path / "set", pictures=tmp_path / "far", format="masks")
    assert [image.path.stem for image in found.images] == ["a"]


def test_the_foreground_has_a_name(tmp_path):
    make(tmp_path, {"a": [0, 1], "b": [0, 1]})
    assert read(tmp_path).class_names == ("background", "foreground")
    assert read(tmp_path, foreground="cell").class_names == ("background", "cell")
    found = read(tmp_path, foreground=lambda stem: {"a": "dog", "b": "cat"}[stem])
    assert found.class_names == ("background", "cat", "dog")
    assert [found.semantic_mask(row)[0, -1] for row in (0, 1)] == [2, 1]


@pytest.mark.parametrize("value", ["species", "breed"])
def test_species_of_other_sets_than_pets(tmp_path, value):
    make(tmp_path, {"a": [0, 1]})
    with pytest.raises(InputError, match=r"is for the Oxford-IIIT Pet set.*Received: a\.jpg"):
        read(tmp_path, foreground=value)


@pytest.mark.parametrize("value", ["", 5, ["a"]])
def test_foregrounds_that_are_none(tmp_path, value):
    make(tmp_path, {"a": [0, 1]})
    with pytest.raises(InputError, match="foreground must be"):
        read(tmp_path, foreground=value)


def test_a_foreground_of_several_classes(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 3]})
    with pytest.raises(InputError, match="masks of 4 classes"):
        read(tmp_path, foreground="cell")


def test_pets(tmp_path):
    stripes = [1, 2, 3, 2]
    make(tmp_path, {"Abyssinian_1": stripes, "beagle_2": stripes}, folder="annotations/trimaps")
    found = read(tmp_path)
    assert found.class_names == ("background", "pet")
    assert found.semantic_mask(0)[0, ::10].tolist() == [1, 0, 255, 0]
    assert "1 is pet, 2 background, 3 (border) ignored, 25.0% of pixels" in note(found, "trimaps")
    species = read(tmp_path, foreground="species")
    assert species.class_names == ("background", "cat", "dog")
    assert [species.semantic_mask(row)[0, 0] for row in (0, 1)] == [1, 2]
    assert read(tmp_path, foreground="breed").class_names == ("background", "Abyssinian", "beagle")
    assert read(tmp_path, foreground="animal").class_names == ("background", "animal")


def test_arguments_for_masks_belong_to_masks(coco):
    path = coco([box(1, 1, segmentation=[[1, 1, 5, 1, 5, 5]])])
    for options in ({"ignore": [255]}, {"foreground": "cat"}):
        with pytest.raises(InputError, match="is for mask files"):
            read(path, **options)


def test_a_mask_that_changes_after_it_was_read(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    found = read(tmp_path)
    write_mask(tmp_path / "masks/a.png", [0, 7])
    with pytest.raises(DataError, match="has changed since"):
        found.semantic_mask(0)
    (tmp_path / "masks/a.png").unlink()
    with pytest.raises(DataError, match="Restore the mask"):
        found.semantic_mask(0)


def test_instances_of_voc(tmp_path):
    classes = np.zeros((30, 40), np.uint8)
    classes[5:15, 5:20] = 1
    classes[20:28, 22:36] = 2
    classes[4, 5:20] = 255
    objects = np.zeros((30, 40), np.uint8)
    objects[5:15, 5:12] = 1
    objects[5:15, 12:20] = 2
    objects[20:28, 22:36] = 4
    objects[4, 5:20] = 255
    make(tmp_path, {"a": classes}, "JPEGImages", "SegmentationClass", palette=True)
    write_mask(tmp_path / "SegmentationObject/a.png", objects, palette=True)
    write_mask(tmp_path / "SegmentationObject/b.png", objects)
    (tmp_path / "labels.txt").write_text("background\ncat\ndog\n")
    found = read_annotations(tmp_path)
    assert (found.format, found.class_names) == ("voc_instances", ("cat", "dog"))
    things = found.images[0].objects
    assert [(thing.label, thing.box) for thing in things] == [
        (0, (5, 5, 12, 15)),
        (0, (12, 5, 20, 15)),
        (1, (22, 20, 36, 28)),
    ]
    np.testing.assert_array_equal(things[1].mask(30, 40), objects == 2)
    assert [file.path.name for file in found.skipped] == ["b.png"]
