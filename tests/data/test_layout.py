"""Which folders are splits and which are classes: as people arrange them, never guessed unsaid."""

import os
from pathlib import Path

import pytest
from PIL import Image

from kerascnn.data import load
from kerascnn.data.folders.split_names import split_of
from kerascnn.errors import DataError


@pytest.fixture
def plant(tmp_path):
    """Makes a tree of small images, all different, and of other files; returns its root."""

    def make(*paths: str, root: str = "photos") -> Path:
        for number, path in enumerate(paths):
            file = tmp_path / root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".png":
                Image.new("L", (8, 8), number).save(file)
            elif path.endswith("/"):
                file.mkdir()
            else:
                file.write_text("text")
        return tmp_path / root

    return make


def images(*folders: str, count: int = 3) -> list[str]:
    return [f"{folder}/{number}.png" for folder in folders for number in range(count)]


def classes_in(*folders: str, names: tuple[str, ...] = ("cat", "dog")) -> list[str]:
    return images(*(f"{folder}/{name}" for folder in folders for name in names))


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("TRAINING", "VALIDATION", "TESTING"),
        ("training_set", "dev", "test_set"),
        ("train-images", "val images", "TestData"),
        ("seg_train", "valid", "seg_test"),
    ],
)
def test_splits_are_known_by_any_usual_name(plant, train, validation, test):
    splits = load(plant(*classes_in(train, validation, test)))
    assert splits.class_names == ("cat", "dog")
    assert splits.counts == {"train": 6, "validation": 6, "test": 6}
    for split, name in (("train", train), ("validation", validation), ("test", test)):
        told = f"{split}: the source's own, in {name}/" if name != split else f"in {name}/"
        assert any(told in note for note in splits.notes) == (name != split)


@pytest.mark.parametrize("name", ["trains", "testimony", "devices", "Valencia", "", "contest"])
def test_other_words_are_no_splits(name):
    assert split_of(name) is None


@pytest.mark.parametrize("more", ["extra", "holdout", "predictions"])
def test_splits_beside_other_folders_of_images_are_refused(plant, more):
    root = plant(*classes_in("train", "val", "test"), *images(more))
    with pytest.raises(DataError, match=rf"split folder\(s\) test, train, val beside .*, {more}\."):
        load(root)


def test_a_split_beside_classes_is_refused(plant):
    with pytest.raises(DataError, match="test beside other folders of images, cat, dog"):
        load(plant(*classes_in(".", "test")))


def test_folders_without_images_beside_splits_are_left_out_with_a_note(plant):
    paths = [*classes_in("train", "test"), "annotations/a.xml", "models/best.h5", "empty/x/"]
    splits = load(plant(*paths))
    assert splits.counts["test"] == 6
    assert "without images, so not used: annotations, empty, models" in splits.notes


@pytest.mark.parametrize("names", [("train", "test"), ("test1", "train", "val"), ("train",)])
def test_splits_without_classes_are_refused(plant, names):
    with pytest.raises(DataError, match=r"no class folders|only one class folder|beside"):
        load(plant(*images(*names)))


def test_unlabelled_test_images_are_left_out_with_a_warning(plant, caplog):
    splits = load(plant(*classes_in("train"), *images("test")))
    assert splits.test is None
    assert "test/ is not used: it has images but no class folders" in caplog.text


def test_a_class_called_train_among_vehicles_is_a_class_and_this_is_said(plant, caplog):
    splits = load(plant(*images("plane", "train", "car")))
    assert splits.class_names == ("car", "plane", "train")
    assert "train is taken as a class, like car, plane beside it" in caplog.text


@pytest.mark.parametrize("names", [("val", "test"), ("Testing", "dev")])
def test_splits_without_a_training_set_are_refused(plant, names):
    with pytest.raises(DataError, match="but no training set with class folders"):
        load(plant(*classes_in(*names)))


@pytest.mark.parametrize("names", [("train", "val", "valid"), ("train", "training_set")])
def test_two_folders_for_one_split_are_refused(plant, names):
    with pytest.raises(DataError, match=r"two folders for one split: .* and "):
        load(plant(*classes_in(*names)))


@pytest.mark.parametrize("above", ["dataset", "archive/dataset", "a/b/c"])
def test_folders_that_hold_nothing_but_the_next_are_passed_through(plant, above):
    splits = load(plant(*classes_in(f"{above}/train", f"{above}/test"), "README.md"))
    assert splits.counts["test"] == 6
    assert any(f"are in {above}/" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("paths", "inner"),
    [
        (classes_in("images"), "images"),
        ([*classes_in("images"), "annotations/1.xml", "labels.csv"], "images"),
        (classes_in("photos"), "photos"),
        (classes_in("only/one/more"), "only/one/more"),
        (classes_in("test"), "test"),
    ],
)
def test_classes_further_in_are_found_and_this_is_said(plant, paths, inner):
    splits = load(plant(*paths))
    assert splits.class_names == ("cat", "dog")
    assert any(note.endswith(f"are in {inner}/") for note in splits.notes)


def test_a_split_folder_inside_itself_is_passed_through(plant):
    splits = load(plant(*classes_in("seg_train/seg_train", "seg_test/seg_test")))
    assert splits.class_names == ("cat", "dog")
    assert splits.counts["test"] == 6


def test_classes_of_folders_count_all_images_inside_with_a_warning(plant, caplog):
    root = plant(*images("dogs/beagle", "dogs/collie", "cats/tabby"), *images("cats/wild/lynx"))
    splits = load(root)
    assert splits.class_names == ("cats", "dogs")
    assert sum(splits.counts.values()) == 12
    assert "the 2 classes are the outer folders cats, dogs" in caplog.text
    assert "beagle, collie, tabby, wild" in caplog.text


def test_one_inner_folder_of_the_same_name_in_each_class_is_counted(plant, caplog):
    splits = load(plant(*images("n01/images", "n02/images"), "n01/boxes.txt"))
    assert splits.class_names == ("n01", "n02")
    assert "they hold only folders" in caplog.text


def test_some_folders_inside_classes_are_counted_with_a_note(plant):
    splits = load(plant(*images("cat", "dog", "dog/more", "dog/more/yet")))
    assert sum(splits.counts.values()) == 12
    assert "images in 1 folder(s) inside class folders were counted to the classes" in splits.notes


@pytest.mark.parametrize(
    "outer", [("part1", "part2"), ("batch_a", "batch_b", "batch_c"), ("color", "segmented")]
)
def test_the_same_folders_in_all_outer_ones_are_refused(plant, outer):
    with pytest.raises(DataError, match="folders of the same names, cat, dog: are these the cla"):
        load(plant(*classes_in(*outer)))


def test_folders_of_classes_beside_these_classes_are_refused(plant):
    with pytest.raises(DataError, match="folders of the same names, cat, dog"):
        load(plant(*classes_in(".", "more")))


@pytest.mark.parametrize("inner", [("train", "test"), ("Training", "dev")])
def test_splits_inside_classes_are_refused(plant, inner):
    paths = [f"{name}/{split}" for name in ("cat", "dog") for split in inner]
    with pytest.raises(DataError, match=r"called as splits are\. Expected splits outside"):
        load(plant(*images(*paths)))


def test_a_split_may_lack_a_class_which_is_said(plant, caplog):
    paths = [*classes_in("train"), *images("test/cat"), *classes_in("val")]
    splits = load(plant(*paths))
    assert splits.class_counts["test"] == (3, 0)
    assert "test has no folder of the class(es) dog" in caplog.text


def test_system_files_and_folders_are_left_out_unsaid(plant):
    extras = ["__MACOSX/cat/._0.png", ".ipynb_checkpoints/a.png", "cat/Thumbs.db", "cat/.DS_Store"]
    extras += ["dog/desktop.ini", "dog/.ipynb_checkpoints/1.png", "@eaDir/cat/0.png"]
    splits = load(plant(*images("cat", "dog"), *extras))
    assert sum(splits.counts.values()) == 6
    assert splits.skipped == ()


def test_links_in_a_circle_end(plant):
    root = plant(*images("cat", "dog"))
    (root / "cat" / "again").symlink_to(root / "cat")
    (root / "dog" / "up").symlink_to(root / "dog")
    (root / "dog" / "self.png").symlink_to(root / "dog" / "self.png")
    splits = load(root)
    assert sum(splits.counts.values()) == 6
    assert [file.reason for file in splits.skipped] == ["broken link"]


@pytest.mark.skipif(os.name == "nt", reason="no named pipes or sockets there")
def test_what_is_called_an_image_and_is_none_is_skipped_without_waiting(plant, monkeypatch):
    import socket

    root = plant(*images("cat", "dog"))
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "folder.png").mkdir()
    (root / "dog" / "null.png").symlink_to("/dev/null")
    (root / "dog" / "zero.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(root / "dog")  # names of sockets are short
        listener.bind("socket.png")
        splits = load(root)
    assert sum(splits.counts.values()) == 6
    assert {file.path.name: file.reason for file in splits.skipped} == dict.fromkeys(
        ("pipe.png", "null.png", "zero.png", "socket.png"), "not a regular file"
    )


def test_a_folder_that_may_not_be_read_is_said(plant, monkeypatch, caplog):
    root = plant(*images("cat", "dog", "dog/secret"))
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    splits = load(root)
    assert [file.path.name for file in splits.skipped] == ["secret"]
    assert "secret (folder that cannot be read: Permission denied)" in caplog.text


def test_a_class_folder_that_may_not_be_read_is_an_error(plant, monkeypatch):
    root = plant(*images("cat", "dog"))
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"dog cannot be read: Permission denied\. Allow it"):
        load(root)


def test_a_table_beside_loose_images_is_pointed_at(plant):
    root = plant("1.png", "2.png", "labels.csv")
    with pytest.raises(DataError, match=r"If labels.csv names them, make .*labels\.csv the source"):
        load(root)


@pytest.mark.parametrize(
    ("name", "remedy"), [("a.zip", "Unpack the archive"), ("a.xlsx", "Save the table as CSV")]
)
def test_other_files_as_sources_get_a_remedy(tmp_path, name, remedy):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(DataError, match=remedy):
        load(tmp_path / name)
