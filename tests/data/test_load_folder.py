"""Loading folders: arrangements that work, files that are skipped, folders that are refused."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load
from kerascnn.errors import DataError


def test_classes_are_sorted_whatever_their_case(make_folder):
    splits = load(make_folder({"b": 3, "A": 2, "C": 4}))
    assert splits.class_names == ("A", "b", "C")
    assert splits.counts == {"train": 6, "validation": 3}
    assert splits.class_counts == {"train": (1, 2, 3), "validation": (1, 1, 1)}
    assert splits.test is None


def test_images_of_one_size_keep_it(make_folder):
    splits = load(make_folder({"a": 2, "b": 2}, size=(12, 16)))
    assert splits.image_shape == (12, 16, 3)


def test_images_of_various_sizes_become_224_and_this_is_said(make_folder):
    make_folder({"a": 2}, size=(12, 16))
    splits = load(make_folder({"b": 2}, size=(20, 20)))
    assert splits.image_shape == (224, 224, 3)
    assert any("various sizes and no image_size" in note for note in splits.notes)


def test_grey_images_stay_grey_unless_asked(make_folder):
    root = make_folder({"a": 2, "b": 2}, grey=True)
    assert load(root).image_shape == (12, 16, 1)
    splits = load(root, channels=3)
    assert splits.image_shape == (12, 16, 3)
    assert "grey images converted to RGB (three equal channels)" in splits.notes


def test_colour_images_become_grey_when_asked(make_folder):
    root = make_folder({"a": 2, "b": 2})
    splits = load(root, channels=1)
    assert any("colour images converted to grey" in note for note in splits.notes)
    images, _ = splits.arrays("train")
    with Image.open(sorted((root / "a").iterdir())[0]) as image:
        grey = np.asarray(image.convert("L"))
    assert images.shape[1:] == (12, 16, 1)
    assert any(
        (pixels[..., 0] == grey).all() for pixels in [*images, *splits.arrays("validation")[0]]
    )


def test_slightly_small_images_are_centred(make_folder):
    splits = load(make_folder({"a": 2, "b": 2}, size=(28, 28)), 32)
    assert splits.resize.fit == "pad"
    assert (
        'images 28x28 fitted to 32x32 by resize rule "pad" (chosen automatically)' in splits.notes
    )


def test_nested_files_are_found_and_hidden_ones_ignored(make_folder):
    root = make_folder({"a": 2, "b": 2, "a/deep/er": 3, "a/.hidden": 5, ".git": 2})
    (root / "a" / ".DS_Store").write_bytes(b"x")
    splits = load(root)
    assert splits.class_names == ("a", "b")
    assert sum(splits.counts.values()) == 7
    assert splits.skipped == ()


def test_links_in_a_circle_end(make_folder):
    root = make_folder({"a": 2, "b": 2})
    (root / "a" / "again").symlink_to(root / "a", target_is_directory=True)
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    assert sum(load(root).class_counts[split][1] for split in ("train", "validation")) == 2


def test_a_linked_class_folder_is_followed(make_folder, tmp_path):
    root = make_folder({"a": 2})
    other = make_folder({"real": 3}, below="elsewhere")
    (root / "b").symlink_to(other / "real", target_is_directory=True)
    assert load(root).class_counts == {"train": (1, 2), "validation": (1, 1)}


def odd_files(root: Path) -> None:
    """Adds one file of every readable odd kind to class a, and of every bad kind to class b."""
    image = Image.new("RGB", (16, 12), (120, 60, 30))
    image.convert("CMYK").save(root / "a" / "cmyk.jpg")
    image.convert("P").save(root / "a" / "palette.gif")
    image.convert("RGBA").save(root / "a" / "alpha.png")
    image.convert("LA").save(root / "a" / "grey_alpha.png")
    image.convert("1").save(root / "a" / "bits.png")
    Image.fromarray(np.full((12, 16), 40000, np.uint16)).save(root / "a" / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (12, 16)).save(root / "a" / "turned.jpg", exif=exif)
    image.save(root / "a" / "no_suffix", format="PNG")
    good = (root / "b" / "000.png").read_bytes()
    (root / "b" / "cut.png").write_bytes(good[: len(good) // 2])
    (root / "b" / "empty.jpg").write_bytes(b"")
    (root / "b" / "text.jpeg").write_text("no image")
    (root / "b" / "table.csv").write_text("1,2")
    (root / "b" / "broken.png").symlink_to(root / "nowhere.png")
    (root / "LICENSE.txt").write_text("free")


@pytest.mark.parametrize("cache", [True, False])
def test_odd_files_are_used_and_bad_ones_listed(make_folder, caplog, cache):
    root = make_folder({"a": 2, "b": 3})
    odd_files(root)
    with caplog.at_level(logging.WARNING, "kerascnn.data"):
        splits = load(root, cache=cache)
    assert splits.image_shape == (12, 16, 3)
    assert sum(splits.counts.values()) == 10 + 3
    reasons = {file.path.name: file.reason for file in splits.skipped}
    assert set(reasons) == {
        "cut.png",
        "empty.jpg",
        "text.jpeg",
        "table.csv",
        "broken.png",
        "LICENSE.txt",
    }
    assert "damaged" in reasons["cut.png"]
    assert reasons["broken.png"] == "broken link"
    assert any(note.startswith("6 file(s) skipped") for note in splits.notes)
    assert "4 of 17 files skipped; the first: " in caplog.text
    assert sum(len(labels) for _, labels in splits.train) == splits.counts["train"]


def test_a_text_beside_the_classes_is_no_cause_for_a_warning(make_folder, caplog):
    root = make_folder({"a": 2, "b": 2})
    (root / "LICENSE.txt").write_text("free")
    (root / "a" / "notes.txt").write_text("text")
    with caplog.at_level(logging.WARNING, "kerascnn.data"):
        splits = load(root)
    assert len(splits.skipped) == 2
    assert caplog.text == ""


def test_a_bad_file_does_not_decide_the_size_or_the_colour(make_folder):
    root = make_folder({"a": 3, "b": 3}, size=(12, 16), grey=True)
    Image.effect_noise((90, 80), 50).convert("RGB").save(root / "a" / "bad.png")
    content = (root / "a" / "bad.png").read_bytes()
    (root / "a" / "bad.png").write_bytes(content[: len(content) // 2])
    splits = load(root)
    assert splits.image_shape == (12, 16, 1)
    assert [file.path.name for file in splits.skipped] == ["bad.png"]


def test_pixels_stay_with_their_labels_when_files_are_skipped(make_folder):
    root = make_folder({"a": 6, "b": 6})
    for name, value in (("a", 0), ("b", 255)):
        for path in (root / name).iterdir():
            Image.new("L", (8, 8), value).save(path)
    (root / "a" / "000.png").write_text("bad")
    (root / "b" / "002.png").write_text("bad")
    for images, labels in load(root, shuffle=True).train:
        np.testing.assert_array_equal(images[:, 0, 0, 0] // 255, labels)


def test_the_same_files_split_alike_wherever_they_are(make_folder, tmp_path):
    first = load(make_folder({"a": 20, "b": 20}), seed=4).arrays("validation")[0]
    copied = shutil.copytree(tmp_path / "photos", tmp_path / "moved" / "elsewhere")
    np.testing.assert_array_equal(load(copied, seed=4).arrays("validation")[0], first)


def test_a_test_split_is_drawn_when_asked(make_folder):
    splits = load(make_folder({"a": 10, "b": 20}), test_split=0.1)
    assert splits.class_counts == {"train": (7, 14), "validation": (2, 4), "test": (1, 2)}


def pre_split(make_folder, *names: str) -> Path:
    return make_folder({f"{name}/{label}": 4 for name in names for label in ("x", "y")})


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_a_folder_that_is_split_already_stays_so(make_folder, validation):
    splits = load(pre_split(make_folder, "train", validation, "test"))
    assert splits.class_names == ("x", "y")
    assert splits.counts == {"train": 8, "validation": 8, "test": 8}


def test_a_missing_validation_folder_is_drawn_from_train(make_folder):
    splits = load(pre_split(make_folder, "train", "test"), validation_split=0.25)
    assert splits.counts == {"train": 6, "validation": 2, "test": 8}


def test_a_second_test_set_is_refused(make_folder):
    with pytest.raises(DataError, match="has a test set of its own"):
        load(pre_split(make_folder, "train", "test"), test_split=0.2)


def test_splits_with_other_classes_are_refused(make_folder):
    root = make_folder({"train/x": 2, "train/y": 2, "val/x": 2, "val/z": 2})
    with pytest.raises(DataError, match=r"missing \['y'\], extra \['z'\]"):
        load(root)


def test_two_folders_for_one_split_are_refused(make_folder):
    with pytest.raises(DataError, match="two folders for one split"):
        load(pre_split(make_folder, "train", "val", "valid"))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is empty\. Put the images of each class"):
        load(tmp_path)


def test_a_file_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(DataError, match="is a file, a folder of class folders was expected"):
        load(tmp_path / "a.zip")


def test_images_without_class_folders_are_refused(make_folder):
    root = make_folder({"a": 3}) / "a"
    with pytest.raises(DataError, match=r"no class folders; 3 image file\(s\) lie directly in it"):
        load(root)


def test_one_class_is_refused(make_folder):
    with pytest.raises(DataError, match="only one class folder, 'a'"):
        load(make_folder({"a": 3}))


def test_an_empty_class_is_refused(make_folder):
    with pytest.raises(DataError, match="class 'b' is empty"):
        load(make_folder({"a": 3, "b": 0}))


def test_an_empty_class_of_a_split_is_refused(make_folder):
    root = make_folder({"train/x": 2, "train/y": 2, "val/x": 2, "val/y": 0})
    with pytest.raises(DataError, match="class 'y' of 'validation' is empty"):
        load(root)


def test_a_class_of_bad_files_is_refused(make_folder):
    root = make_folder({"a": 3, "b": 0})
    (root / "b" / "1.jpg").write_text("no image")
    (root / "b" / "2.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"class 'b' has no readable image: all of its 2 .*1\.jpg"):
        load(root)


def test_a_class_with_one_image_is_refused(make_folder):
    with pytest.raises(DataError, match=r"class 'b' has 1 usable image\(s\), at least 2"):
        load(make_folder({"a": 3, "b": 1}))
