"""Copies of one file across splits, or with different labels, are said when a source is loaded."""

import shutil

from PIL import Image

from kerascnn.data import load


def plant(root, *folders, count=4):
    for place, folder in enumerate(folders):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), 20 * place + number).save(root / folder / f"{number}.png")
    return root


def test_copies_across_splits_are_warned_about(tmp_path, caplog):
    root = plant(tmp_path, "train/a", "train/b", "test/a", "test/b")
    shutil.copy(root / "train/a/0.png", root / "test/a/copy.png")
    shutil.copy(root / "train/b/1.png", root / "test/b/copy.png")
    load(root)
    assert "2 image(s) lie in more than one of train, validation, test" in caplog.text
    assert "test/a/copy.png = " in caplog.text


def test_copies_with_another_label_are_warned_about(tmp_path, caplog):
    root = plant(tmp_path, "a", "b")
    shutil.copy(root / "a/0.png", root / "b/copy.png")
    splits = load(root)
    assert "1 image(s) have copies with another label" in caplog.text
    assert any("copies with another label" in note for note in splits.notes)


def test_a_class_folder_that_is_a_link_to_another_is_seen(tmp_path, caplog):
    root = plant(tmp_path, "a", "b")
    (root / "c").symlink_to(root / "a")
    load(root)
    assert "4 image(s) have copies with another label" in caplog.text


def test_files_of_one_length_that_differ_are_no_copies(tmp_path, caplog):
    folders = ("train/a", "train/b", "test/a", "test/b")
    for place, folder in enumerate(folders):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(3):
            shade = 10 * place + number
            Image.new("L", (8, 8), shade).save(tmp_path / folder / f"{number}.bmp")
    load(tmp_path)
    assert "copies" not in caplog.text
