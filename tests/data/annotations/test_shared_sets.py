"""Real sets, where they are, against what is known of them."""

from collections import Counter

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note
from PIL import Image
from pycocotools.coco import COCO

from kerascnn.data.annotations import draw_splits, read_annotations

LABELME = "detection/formats/labelme"


def test_bccd(shared):
    found = read_annotations(shared / "detection/bccd/BCCD")
    assert {split: len(rows) for split, rows in found.official.items()} == {
        "train": 205,
        "validation": 87,
        "test": 72,
    }
    assert Counter(names_of(found)) == {"RBC": 4155 - 2, "WBC": 372, "Platelets": 361}
    dropped = note(found, "boxes without area, dropped")
    assert dropped.startswith("boxes without area, dropped: 2 (")
    assert all(name in dropped for name in ("BloodImage_00338", "BloodImage_00343"))
    assert found.skipped == ()
    assert {(image.width, image.height) for image in found.images} == {(640, 480)}
    note(found, "pixels are counted from 1")


def test_bccd_from_the_folder_above_has_the_same_splits(shared):
    found = read_annotations(shared / "detection/bccd", decode=False)
    assert len(found.official["test"]) == 72


def test_bccd_as_yolo_is_read_back_equal(shared, tmp_path):
    found = read_annotations(shared / "detection/bccd/BCCD", decode=False)
    part = found.subset(np.concatenate([rows[:12] for rows in found.official.values()]))
    folders = {"train": "train", "validation": "val", "test": "test"}
    for image in part.images:
        split = folders[image.split]
        (tmp_path / f"images/{split}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"labels/{split}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"images/{split}" / image.path.name).symlink_to(image.path)
        lines = []
        for thing in image.objects:
            x0, y0, x1, y1 = thing.box
            shares = (x0 + x1) / 1280, (y0 + y1) / 960, (x1 - x0) / 640, (y1 - y0) / 480
            lines.append(" ".join([str(thing.label), *(f"{share:.9f}" for share in shares)]))
        (tmp_path / f"labels/{split}" / f"{image.path.stem}.txt").write_text("\n".join(lines))
    names = "\n".join(f"  {place}: {name}" for place, name in enumerate(found.class_names))
    (tmp_path / "data.yaml").write_text(
        f"path: .\ntrain: images/train\nval: images/val\ntest: images/test\nnames:\n{names}\n"
    )
    again = read_annotations(tmp_path)
    assert again.class_names == found.class_names
    for first, second in zip(part.images, again.images, strict=True):
        assert (first.path.name, first.split) == (second.path.name, second.split)
        np.testing.assert_array_equal(first.labels, second.labels)
        np.testing.assert_allclose(first.boxes, second.boxes, atol=1e-4)


def test_raccoon(shared):
    found = read_annotations(shared / "detection/raccoon")
    assert (len(found.images), found.class_names, found.object_counts) == (
        200,
        ("raccoon",),
        (217,),
    )
    rows, _ = draw_splits(found, 0.2)
    assert (len(rows["train"]), len(rows["validation"])) == (160, 40)


@pytest.mark.parametrize("format", ["coco", "via"])
def test_balloon(shared, format):
    found = read_annotations(
        shared / "detection/balloon", format=format, class_names=["balloon"], decode=False
    )
    official = found.official
    assert (len(official["train"]), len(official["validation"])) == (61, 13)
    assert sum(len(found.images[row].objects) for row in official["train"]) == 255
    assert sum(len(found.images[row].objects) for row in official["validation"]) == 50


def test_balloon_as_coco_and_as_via_is_the_same(shared):
    coco, via = (
        read_annotations(
            shared / "detection/balloon/val", format=format, class_names=["balloon"], decode=False
        )
        for format in ("coco", "via")
    )
    for first, second in zip(coco.images, via.images, strict=True):
        assert first.path == second.path
        np.testing.assert_allclose(first.boxes, second.boxes, atol=0.11)
        row = coco.images.index(first)
        np.testing.assert_array_equal(coco.instance_masks(row), via.instance_masks(row))


def test_masks_of_balloon_are_those_of_pycocotools(shared):
    path = shared / "detection/balloon/val/coco.json"
    found = read_annotations(path, decode=False)
    peer = COCO(str(path))
    by_name = {image["file_name"]: number for number, image in peer.imgs.items()}
    for row, image in enumerate(found.images):
        values = peer.loadAnns(peer.getAnnIds(imgIds=by_name[image.path.name]))
        masks = found.instance_masks(row)
        assert len(masks) == len(values)
        for mask, value in zip(masks, values, strict=True):
            np.testing.assert_array_equal(mask, peer.annToMask(value))
        semantic = read_annotations(path, "segmentation", decode=False).semantic_mask(row)
        np.testing.assert_array_equal(semantic, masks.any(axis=0))


def test_model_maker(shared):
    folder = shared / "detection/formats/mediapipe_model_maker"
    found = read_annotations(folder / "coco_data")
    assert len(found.images) == 5
    assert "background" not in found.class_names
    assert len(boxes_of(found)) == 57 - 15
    assert ": 15 (" in note(found, "objects of a class called background, left out")
    found = read_annotations(folder / "pascal_voc_data")
    assert (len(found.images), found.class_names) == (4, ("android", "pig_android"))


def test_pets(shared):
    folder = shared / "segmentation/pets"
    found = read_annotations(folder, "segmentation", decode=False)
    assert {split: len(rows) for split, rows in found.official.items()} == {
        "train": 300,
        "test": 298,
    }
    assert len(found.skipped) == 2
    assert found.class_names == ("background", "pet")
    background, pet = (count / sum(found.pixel_counts) for count in found.pixel_counts)
    assert (background, pet) == (pytest.approx(0.697, abs=0.02), pytest.approx(0.303, abs=0.02))
    values = np.asarray(Image.open(found.images[7].mask.path))
    expected = np.select([values == 1, values == 2], [1, 0], 255)
    np.testing.assert_array_equal(found.semantic_mask(7), expected)
    species = read_annotations(folder, "segmentation", foreground="species", decode=False)
    assert species.class_names == ("background", "cat", "dog")
    assert set(np.unique(species.semantic_mask(len(species.images) - 1))) == {0, 2, 255}


def test_heads_of_pets(shared):
    found = read_annotations(shared / "segmentation/pets", decode=False)
    assert (len(found.images), found.class_names, found.object_counts) == (
        296,
        ("cat", "dog"),
        (198, 99),
    )


def test_odd_pets(shared):
    found = read_annotations(shared / "segmentation/pets/odd", "segmentation")
    assert len(found.images) == 5
    assert not any("EXIF" in text for text in found.notes)


def test_boxes_of_labelme_are_those_of_its_own_converter(shared):
    folder = shared / LABELME / "bbox_detection"
    ours = read_annotations(folder / "data_annotated")
    theirs = read_annotations(folder / "data_dataset_voc")
    assert ours.class_names == theirs.class_names
    np.testing.assert_allclose(boxes_of(ours), boxes_of(theirs))
    assert len(boxes_of(ours)) == 9


@pytest.mark.parametrize("kind", ["semantic", "instance"])
def test_rasters_of_labelme(shared, kind):
    """The golden rasters, but for a pixel at a corner that versions of Pillow draw differently."""
    folder = shared / LABELME / f"{kind}_segmentation"
    found = read_annotations(folder / "data_annotated", "segmentation")
    different = 0
    for row, image in enumerate(found.images):
        golden = np.load(folder / f"data_dataset_voc/SegmentationClassNpy/{image.path.stem}.npy")
        different += (found.semantic_mask(row) != np.where(golden < 0, 255, golden)).sum()
        if kind == "instance":
            objects = np.zeros_like(golden)
            for number, mask in enumerate(found.instance_masks(row), 1):
                objects[mask > 0] = number if image.labels[number - 1] >= 0 else 0
            golden = np.load(
                folder / f"data_dataset_voc/SegmentationObjectNpy/{image.path.stem}.npy"
            )
            different += (objects != golden).sum()
    assert different <= (1 if kind == "semantic" else 2)


@pytest.mark.parametrize("kind", ["semantic", "instance"])
def test_palette_masks_of_labelme(shared, kind):
    folder = shared / LABELME / f"{kind}_segmentation/data_dataset_voc"
    found = read_annotations(folder, "segmentation")
    assert len(found.class_names) == 21
    note(found, "ignored: value 255")
    for row, image in enumerate(found.images):
        golden = np.load(folder / f"SegmentationClassNpy/{image.path.stem}.npy")
        np.testing.assert_array_equal(found.semantic_mask(row), np.where(golden < 0, 255, golden))


def test_instances_of_labelme_in_three_formats(shared):
    folder = shared / LABELME / "instance_segmentation"
    sources = (folder / "data_annotated", folder / "data_dataset_coco", folder / "data_dataset_voc")
    counts = [Counter(names_of(read_annotations(source))) for source in sources]
    assert [count.total() for count in counts] == [12, 12, 12]
    assert counts[0] == counts[1] == counts[2]
