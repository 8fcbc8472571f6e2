"""Loading a CSV file: what its columns become, and what is wrong with its rows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load
from kerascnn.errors import DataError, InputError


@pytest.fixture
def make_csv(tmp_path):
    """Writes `count` grey images, image i of value 10 i, and a CSV of the given lines."""

    def make(*lines: str, count: int = 12, name: str = "labels.csv", encoding="utf-8") -> Path:
        (tmp_path / "pictures").mkdir(exist_ok=True)
        for number in range(count):
            Image.new("L", (8, 6), 10 * number).save(tmp_path / "pictures" / f"{number}.png")
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return make


def rows(cells: list[str], mark: str = ",") -> list[str]:
    return [f"pictures/{number}.png{mark}{cell}" for number, cell in enumerate(cells)]


def everything(splits) -> dict[int, list]:
    """The label of each image by its number, which its pixels tell."""
    found = {}
    for split in splits.counts:
        images, labels = splits.arrays(split)
        found |= {
            int(image[0, 0, 0]) // 10: label.tolist()
            for image, label in zip(images, labels, strict=True)
        }
    return found


def test_a_column_of_names_is_classification(make_csv):
    splits = load(make_csv("file,label", *rows(["b", "A", "c"] * 4)))
    assert splits.task == "classification"
    assert splits.class_names == ("A", "b", "c")
    assert everything(splits) == {number: (1, 0, 2)[number % 3] for number in range(12)}
    assert splits.labels("train").dtype == np.int32
    assert splits.class_counts["train"] == (3, 3, 3)
    assert splits.image_shape == (6, 8, 1)


def test_lists_of_labels_are_multi_label(make_csv):
    cells = ["dog|cat", "cat", "", " red cat ; dog"] * 3
    splits = load(make_csv("image,labels", *rows(cells)))
    assert splits.task == "multi_label"
    assert splits.class_names == ("cat", "dog", "red cat")
    expected = [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 1]] * 3
    assert everything(splits) == dict(enumerate(expected))
    assert splits.labels("train").dtype == np.float32
    total = np.sum([splits.class_counts[split] for split in splits.counts], axis=0)
    assert total.tolist() == [6, 6, 3]


def test_columns_of_0_and_1_are_multi_label(make_csv):
    cells = ["1,0", "0,1", "True,1", "0,false"] * 3
    splits = load(make_csv("file,sky,sea", *rows(cells)))
    assert splits.task == "multi_label"
    assert splits.class_names == ("sky", "sea")
    assert everything(splits) == dict(enumerate([[1, 0], [0, 1], [1, 1], [0, 0]] * 3))


def test_columns_of_numbers_are_regression(make_csv):
    cells = [f"{number},{-number / 4}" for number in range(12)]
    splits = load(make_csv("file,age,height", *rows(cells)))
    assert splits.task == "regression"
    assert splits.class_names == ("age", "height")
    assert everything(splits) == {number: [number, -number / 4] for number in range(12)}
    assert splits.class_counts == {"train": (), "validation": ()}
    assert splits.counts == {"train": 10, "validation": 2}


@pytest.mark.parametrize(
    ("column", "cells", "task", "names", "note"),
    [
        ("label", ["0", "1", "2"], "classification", ("0", "1", "2"), "its numbers are names"),
        ("label", ["0.5", "1", "2"], "regression", ("label",), "regression, of label"),
        ("count", ["0", "1", "2"], "regression", ("count",), "takes its numbers as names"),
        ("has_dog", ["0", "1", "1"], "classification", ("0", "1"), "makes it one label"),
        ("species", ["a", "b", "a"], "classification", ("a", "b"), "by column 'species'"),
        ("tags", ["0", "1", "0;1"], "multi_label", ("0", "1"), "lists in column 'tags'"),
    ],
)
def test_what_a_single_column_is_taken_for_is_said(make_csv, column, cells, task, names, note):
    splits = load(make_csv(f"file,{column}", *rows(cells * 4)))
    assert (splits.task, splits.class_names) == (task, names)
    assert note in splits.notes[-2]


@pytest.mark.parametrize(
    ("cells", "task", "names"),
    [
        (["0", "1"], "classification", ("0", "1")),
        (["0", "1"], "multi_label", ("x",)),
        (["0", "1"], "regression", ("x",)),
        (["3", "4"], "classification", ("3", "4")),
        (["a|b", "b"], "multi_label", ("a", "b")),
        (["1,1", "0,1"], "regression", None),
    ],
)
def test_the_task_can_be_said(make_csv, cells, task, names):
    header = "file,x,y" if "," in cells[0] else "file,x"
    path = make_csv(header, *rows(cells * 6))
    if names is None:
        with pytest.raises(DataError, match="'y' is the same number for all usable training"):
            load(path, task=task)
        return
    splits = load(path, task=task)
    assert (splits.task, splits.class_names) == (task, names)


def test_spaces_are_part_of_a_name_and_this_is_said(make_csv):
    splits = load(make_csv("file,tags", *rows(["red cat", "dog"] * 6)))
    assert splits.class_names == ("dog", "red cat")
    assert any("spaces are part of its name" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1,1", "1,0"], "every image has the label(s) 'sky'"),
        (["1,1", "0,0"], None),
    ],
)
def test_labels_that_tell_nothing_are_warned_of(make_csv, cells, told):
    notes = load(make_csv("file,sky,sea", *rows(cells * 6))).notes
    assert [note for note in notes if "cannot be learnt" in note] == (
        [f"{told}: what they look like cannot be learnt"] if told else []
    )


@pytest.mark.parametrize(("cells", "told"), [(["1,0", "0,1"], True), (["1,0", "1,1"], False)])
def test_labels_that_could_be_classes_are_noted(make_csv, cells, told):
    splits = load(make_csv("file,sky,sea", *rows(cells * 6)))
    assert any("exactly one label" in note for note in splits.notes) == told


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiters_and_byte_order_marks_are_seen(make_csv, mark, encoding):
    lines = [f"class{mark}Path", *(f"ä{i % 2}{mark} pictures/{i}.png" for i in range(12)), ""]
    splits = load(make_csv(*lines, encoding=encoding))
    assert splits.class_names == ("ä0", "ä1")


def test_the_first_column_names_files_whatever_it_is_called(make_csv, tmp_path):
    lines = [f'"{tmp_path}/pictures/{i}.png",{"ab"[i % 2]}' for i in range(12)]
    assert sum(load(make_csv("photo,label", *lines)).counts.values()) == 12


def test_a_column_of_splits_is_kept(make_csv):
    cells = [f"{'ab'[i % 2]},{('Train', 'val', 'test')[i // 4]}" for i in range(12)]
    splits = load(make_csv("file,label,Split", *rows(cells)))
    assert splits.counts == {"train": 4, "validation": 4, "test": 4}
    assert sorted(splits.arrays("test")[0][:, 0, 0, 0] // 10) == [8, 9, 10, 11]
    assert "test: by column 'Split'" in splits.notes


def test_what_is_missing_is_drawn_from_train(make_csv):
    cells = [f"{i},{'test' if i > 7 else 'train'}" for i in range(12)]
    splits = load(make_csv("file,age,split", *rows(cells)), validation_split=0.25)
    assert splits.counts == {"train": 6, "validation": 2, "test": 4}


def test_unreadable_images_are_skipped_with_their_line(make_csv, tmp_path):
    path = make_csv("file,age", *rows([str(i) for i in range(12)]))
    (tmp_path / "pictures" / "3.png").write_text("no image")
    splits = load(path)
    assert [file.reason[:8] for file in splits.skipped] == ["line 5: "]
    assert everything(splits) == {i: [i] for i in range(12) if i != 3}


def test_images_and_labels_stay_together_in_every_way_out(make_csv):
    splits = load(make_csv("file,age", *rows([str(i) for i in range(12)])), batch_size=4)
    parts = [*splits.train.as_numpy_iterator(), *splits.batches("train", 3)]
    parts += [splits.sample("train", 5, seed=1), splits.arrays("train")]
    for images, labels in parts:
        np.testing.assert_array_equal(images[:, 0, 0] // 10, labels)
    assert len(parts[-2][1]) == 5
    assert splits.sample("train", 5, seed=1)[1].tolist() == parts[-2][1].tolist()


def test_files_that_do_not_fit_in_memory_keep_their_labels(make_csv):
    path = make_csv("file,age", *rows([str(i) for i in range(12)]))
    for images, labels in load(path, cache=False).train.as_numpy_iterator():
        np.testing.assert_array_equal(images[:, 0, 0] // 10, labels)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,label"], "has no rows"),
        (["file", "pictures/0.png"], "no column that says what is in the images"),
        (["file,", "pictures/0.png,a"], "column 2 has no name"),
        (["file,x,x", "pictures/0.png,1,2"], "2 columns of the name 'x'"),
        (["file,path,x", "a,b,1"], "may name the image's file: file, path"),
        (["split,label", "train,a"], "no column of image files"),
        (["pictures/0.png,a", "pictures/1.png,b"], "the first line must name the columns"),
        (["file,label", "pictures/0.png,a,b"], "needs 2 cells.*line 2 has 3"),
        (["file,label", "absent.png,a", ",b"], "'file' has empty cells: line 3: ''"),
        (["file,label", "pictures/0.png,a", "absent.png,b"], r"1 image\(s\).*line 3: .*absent"),
        (["file,x", *rows(["1", "2"]), "pictures/../pictures/0.png,3"], "once: lines 2 and 4"),
        (["file,label", *rows(["a", "", "b"])], "'label' has empty cells: line 3: ''"),
        (["file,label", *rows(["a", "a"])], "only one class, 'a'"),
        (["file,label,age", *rows(["a,1", "b,2"])], r"no other targets. Remove \['age'\]"),
        (["file,x", *rows(["1.5", "two", "nan", "inf", ""])], "'x' has empty cells: line 6: ''"),
        (["file,x,y", *rows(["1.5,1", "2,nan", "3,inf"])], "'y' holds not only finite.*line 3: 'n"),
        (["file,x,y", *rows(["1.5,1", "2,1_0"])], "'y' holds not only finite numbers"),
        (["file,x", *rows(["1", "two"])], "'x' holds not only finite numbers.*line 3: 'two'"),
        (["file,x", *rows(["3", "3", "3"])], "'x' is the same number for all usable"),
        (["file,tags", *rows(["", "|"])], "'tags' names no label at all"),
        (["file,x,y", *rows(["1,0", "1,0"])], "label 'y' is that of no usable training image"),
        (["file,label,split", *rows(["a,train", "b,later"])], "must hold train.*line 3: 'later'"),
        (["file,label,split", *rows(["a,val", "b,test"])], "no readable image in the split 'tr"),
        (["file,label", *rows(["a", "b"])], "class 'a' has 1 usable image"),
        (["file,x", *rows(["1.5"])], r"there are 1 usable image\(s\), at least 2 are needed"),
        (["file,label", 'pictures/0.png,"a'], r"no CSV file, line \d"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(make_csv, lines, message):
    with pytest.raises(DataError, match=message):
        load(make_csv(*lines))


@pytest.mark.parametrize(
    ("lines", "task", "error", "message"),
    [
        (["file,x", *rows(["a", "b"])], "regression", DataError, "not only finite numbers"),
        (["file,x,y", *rows(["1,2", "0,1"])], "multi_label", DataError, "'y' holds not only 0"),
        (["file,x,y", *rows(["1,0", "0,1"])], "classification", DataError, "needs one column"),
        (["file,x", *rows(["1", "2"])], "ranking", InputError, "task must be"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(make_csv, lines, task, error, message):
    with pytest.raises(error, match=message):
        load(make_csv(*lines), task=task)


def test_text_of_another_encoding_is_refused(make_csv):
    with pytest.raises(DataError, match="not UTF-8"):
        load(make_csv("file,label", *rows(["ä", "b"]), encoding="latin-1"))


def test_images_that_are_all_bad_are_refused(make_csv, tmp_path):
    path = make_csv("file,label", *rows(["a", "b"]))
    for number in range(2):
        (tmp_path / "pictures" / f"{number}.png").write_text("bad")
    with pytest.raises(
        DataError, match=r"none of its 2 image\(s\) can be read; the first: .*0\.png"
    ):
        load(path)


def test_other_sources_are_for_classification():
    with pytest.raises(InputError, match=r"task='regression' needs a \.csv file"):
        load("digits", task="regression")
    assert load("digits", task="classification").task == "classification"


def test_a_missing_csv_is_said(tmp_path):
    with pytest.raises(DataError, match="no such folder or source"):
        load(tmp_path / "absent.csv", task="regression")


def test_the_same_names_split_alike_wherever_they_are(make_csv, tmp_path):
    lines = rows([("a", "b", "a|b", "")[i % 4] for i in range(12)])
    first = everything_of(load(make_csv("file,tags", *lines), seed=3), "validation")
    turned = everything_of(load(make_csv("file,tags", *lines[::-1]), seed=3), "validation")
    assert first == turned


def everything_of(splits, split: str) -> set[int]:
    return set((splits.arrays(split)[0][:, 0, 0, 0] // 10).tolist())
