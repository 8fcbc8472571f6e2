"""Tables as spreadsheets, pandas and people write them: taken where there is no doubt."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load
from kerascnn.errors import DataError

NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.fixture
def plant(tmp_path):
    """Makes images of value 10 i called by a pattern, and a table; returns the table's path."""

    def make(table: str | bytes, pattern: str = "{}.png", count: int = 8, name: str = "labels.csv"):
        for number in range(count):
            path = tmp_path / pattern.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 6), 10 * number).save(path, "PNG")
        content = table.encode() if isinstance(table, str) else table
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


def table(header: str, row: str, count: int = 8, end: str = "\n") -> str:
    """A table of which {i} is the number of a row and {c} its class, a or b."""
    rows = [row.format(i=number, c="ab"[number % 2]) for number in range(count)]
    return end.join([header, *rows]) + end


def labels(splits) -> dict[int, object]:
    """What each image is labelled, by the number that its pixels tell."""
    found = {}
    for split in splits.counts:
        images, values = splits.arrays(split)
        for image, value in zip(images, values, strict=True):
            found[int(image[0, 0, 0]) // 10] = np.ravel(value).tolist()
    return found


CLASSES = {number: [number % 2] for number in range(8)}
TAKEN = {
    "comma": (table("file,label", "{i}.png,{c}"), None),
    "semicolon": (table("file;label", "{i}.png;{c}"), None),
    "tab": (table("file\tlabel", "{i}.png\t{c}"), None),
    "sep=": ("sep=;\r\n" + table("file;label", "{i}.png;{c}"), None),
    "sep=|": ("sep=|\n" + table("file|label", "{i}.png|{c}"), None),
    "Windows": (table("file,label", "{i}.png,{c}", end="\r\n"), None),
    "old Mac": (table("file,label", "{i}.png,{c}", end="\r"), None),
    "BOM": (b"\xef\xbb\xbf" + table("file,label", "{i}.png,{c}").encode(), None),
    "UTF-16": (table("file\tlabel", "{i}.png\t{c}", end="\r\n").encode("utf-16"), None),
    "UTF-16 BE": (b"\xfe\xff" + table("file,label", "{i}.png,{c}").encode("utf-16-be"), None),
    "UTF-32": (table("file,label", "{i}.png,{c}").encode("utf-32"), None),
    "empty lines": ("\n\n" + table("file,label", "\n{i}.png,{c}\n,\n") + ",,\n\n", None),
    "spaces": (table(" file , label ", "  {i}.png ,\u00a0{c}  "), None),
    "quotes": (table('"file","label"', '"{i}.png","{c}"'), None),
    "line breaks": (table('"file\n","la\nbel"', '"{i}.png","{c}\n"'), None),
    "trailing separator": (table("file,label,", "{i}.png,{c},"), "empty cells behind or between"),
    "trailing separators": (table("file,label", "{i}.png,{c},,,"), "empty cells behind or between"),
    "separator in header": (table("file;label;;", "{i}.png;{c}"), "empty cells behind or between"),
    "empty column": (table("file,,label", "{i}.png,,{c}"), "empty cells behind or between"),
    "index of pandas": (table(",file,label", "{i},{i}.png,{c}"), "column 1 has no name and number"),
    "index read back": (
        table("Unnamed: 0,file,label", "{i},{i}.png,{c}"),
        "column 'Unnamed: 0' numbers the rows",
    ),
    "id": (table("id,file,label", "10{i},{i}.png,{c}"), "column 'id' numbers the rows"),
    "index behind": (table("file,label,index", "{i}.png,{c},{i}"), "column 'index' numbers the"),
    "label first": (table("label,file", "{c},{i}.png"), None),
    "label first, other names": (table("kind,pic", "{c},{i}.png"), "image files: by column 'pic'"),
    "other first name": (table("pic,kind", "{i}.png,{c}"), "image files: by column 'pic'"),
    "other case": (table("file,label", "{i}.PNG,{c}"), "8 name(s) are not exactly those of the fi"),
    "without suffix": (table("file,label", "{i},{c}"), "such as '0' for 0.png"),
    "label first, no suffix": (table("label,id", "{c},{i}"), "image files: by column 'id'"),
    "path from elsewhere": (table("file,label", "/home/me/set/{i}.png,{c}"), "/home/me/set/0.png'"),
    "path of Windows": (table("file,label", "D:\\set\\{i}.png,{c}"), "for 0.png"),
    "own folder": (table("file,label", "./{i}.png,{c}"), None),
    "row twice": (table("file,label", "{i}.png,{c}\n{i}.png,{c}"), "8 row(s) repeat an earlier"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_tables_without_a_doubt_are_taken(plant, name):
    content, told = TAKEN[name]
    splits = load(plant(content))
    assert splits.class_names == ("a", "b")
    assert labels(splits) == CLASSES
    if told is None:
        assert not any("left out" in note or "exactly" in note for note in splits.notes)
    else:
        assert any(told in note for note in splits.notes), splits.notes
    assert all(len(note) < 200 for note in splits.notes)


@pytest.mark.parametrize(
    ("pattern", "row", "told"),
    [
        ("images/{}.png", "{i}.png,{c}", "'0.png' for images/0.png"),
        ("images/{}.png", "{i},{c}", "'0' for images/0.png"),
        ("images/{}.png", "images\\{i}.png,{c}", "for images/0.png"),
        ("Images/{}.PNG", "images/{i}.png,{c}", "for Images/0.PNG"),
        ("deep/er/{}.png", "data/deep/er/{i},{c}", "for deep/er/0.png"),
        (NFD + "/{}.png", NFC + "/{i}.png,{c}", "for cafe"),
        (NFC + "/{}.png", NFD + "/{i}.png,{c}", "for caf"),
        ("a.b.{}.png", "a.b.{i},{c}", "'a.b.0' for a.b.0.png"),
    ],
)
def test_files_are_found_where_there_is_one_that_can_be_meant(plant, pattern, row, told):
    splits = load(plant(table("file,label", row), pattern))
    assert labels(splits) == CLASSES
    assert any(told in note for note in splits.notes) or sys.platform == "darwin"


def test_names_for_which_there_are_several_files_are_refused(plant):
    plant("", "one/{}.png")
    path = plant(table("file,label", "{i}.png,{c}"), "two/{}.png")
    with pytest.raises(
        DataError, match=r"several files: line 2: '0.png' may be any of .*one/0.png"
    ):
        load(path)


def test_a_name_in_another_folder_is_not_taken_for_it(plant):
    path = plant(table("file,label", "train/{i}.png,{c}"), "test/{}.png")
    with pytest.raises(DataError, match=r"names 8 image\(s\) that do not exist: line 2: .*train/0"):
        load(path)


def test_numbers_of_a_quantity_are_not_taken_for_files(plant):
    path = plant(table("photo,age", "absent{i}.jpg,{i}"))
    with pytest.raises(DataError, match=r"column 'photo' names 8 image\(s\) that do not exist"):
        load(path)


def test_quantities_may_be_called_as_files_are(plant):
    splits = load(plant(table("photo,age", "{i}.png,{i}")))
    assert splits.task == "regression"
    assert labels(splits) == {number: [number] for number in range(8)}


@pytest.mark.parametrize("name", ["labels.txt", "labels.tsv", "LABELS.CSV", "Labels.Txt"])
def test_unicode_text_of_a_spreadsheet_is_a_table(plant, name):
    content = table("file\tlabel", "{i}.png\t{c}").encode("utf-16")
    assert labels(load(plant(content, name=name))) == CLASSES


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("split", ("Train", "valid", "TEST")),
        ("Split", ("training_set", "dev", "testing")),
        ("subset", ("train", "val", "test")),
        ("Partition", ("training", "validation", "test_set")),
    ],
)
def test_splits_in_a_column_are_known_by_any_usual_name(plant, column, cells):
    rows = [f"{i}.png,{'ab'[i % 2]},{cells[0 if i < 4 else 1 if i < 6 else 2]}" for i in range(8)]
    splits = load(plant("\n".join([f"file,label,{column}", *rows])))
    assert splits.counts == {"train": 4, "validation": 2, "test": 2}
    assert f"test: by column {column!r}" in splits.notes


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,5", "2", "-3,25", "1e3"], [1.5, 2, -3.25, 1000]),
        (["0,123", "0,456", "0,789", "0,5"], [0.123, 0.456, 0.789, 0.5]),
        (["1.234,5", "2,25", "7", "12.345.678,0"], [1234.5, 2.25, 7, 12345678]),
    ],
)
def test_decimal_commas_are_read_with_a_note(plant, cells, values):
    rows = [f"{i}.png;{cells[i % 4]}" for i in range(8)]
    splits = load(plant("\n".join(["file;weight", *rows])))
    assert splits.task == "regression"
    found = labels(splits)
    assert [found[place][0] for place in range(4)] == pytest.approx(values)
    assert any("column 'weight' has decimal commas" in note for note in splits.notes)


def test_decimal_commas_in_quotes_are_read_too(plant):
    splits = load(plant(table("file,weight", '{i}.png,"{i},5"')))
    assert labels(splits) == {number: [number + 0.5] for number in range(8)}


@pytest.mark.parametrize("cells", [["1,234", "5,678"], ["1,234", "2"], ["1,234,567", "8"]])
def test_commas_that_may_be_of_either_kind_are_refused(plant, cells):
    rows = [f"{i}.png;{cells[i % 2]}" for i in range(8)]
    with pytest.raises(DataError, match="decimal or stand between thousands, as in '1,234"):
        load(plant("\n".join(["file;people", *rows])))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1e39", "1"], r"'x' has numbers beyond float32 \(3.4e38\): line 2: '1e39'"),
        (["-1e300", "1"], "beyond float32"),
        (["nan", "1"], "holds not only finite numbers.*line 2: 'nan'"),
        (["", "1"], "has empty cells: line 2"),
        (["inf", "1"], "holds not only finite numbers"),
        (["1e999", "1"], "holds not only finite numbers"),
        (["5", "5"], "'x' is the same number for all usable training images"),
        (["0.1", "0.1"], "'x' is the same number for all usable training images"),
        (
            ["1700000001", "1700000002"],
            "1.7e\\+09|1700000001 to 1700000002, differ by less than flo",
        ),
        (["1e-50", "2e-50"], "differ by less than float32 can tell"),
    ],
)
def test_quantities_that_cannot_be_learned_are_refused(plant, cells, message):
    rows = [f"{i}.png,{cells[i % 2]}" for i in range(8)]
    with pytest.raises(DataError, match=message):
        load(plant("\n".join(["file,x", *rows])), task="regression")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,label\n0.png,caf\xe9\n", r"is not UTF-8 text \(line 2: .*'CSV UTF-8'"),
        (b"file,label\n0.png,a\0b\n", "NUL characters"),
        (b"PK\x03\x04workbook", "is a workbook of a spreadsheet, not text. Save it as CSV"),
        (b"", "has no rows"),
        (b"\xff\xfe", "has no rows"),
        (b"\xff\xfea\0b", "is not UTF-16 text"),
        (b"," * 20_000 + b"\na", "more than 10,000 columns"),
        (b"file,label\n0.png,a,extra\n", "needs 2 cells, one for each column: line 2 has 3"),
        (b"file,label,age\n0.png,a\n", "needs 3 cells"),
        (b"file,,label\n0.png,x,a\n", "column 2 has no name"),
        (b"a,b\n" + b"x" * 10**6 + b",b\n", "field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(plant, content, message):
    with pytest.raises(DataError, match=message) as caught:
        load(plant(content))
    assert len(str(caught.value)) < 600


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_table_that_is_no_file_is_not_waited_for(tmp_path, kind):
    path = tmp_path / "labels.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"labels\.csv is a (named pipe|device)"):
        load(path)


def test_names_too_long_for_a_file_are_missing_files(plant):
    path = plant(table("file,label", "{i}" + "x" * 300 + ".png,{c}"))
    with pytest.raises(DataError, match=r"names 8 image\(s\) that do not exist") as caught:
        load(path)
    assert len(str(caught.value)) < 1500


def test_classes_of_both_unicode_forms_are_one(plant):
    rows = [f"{i}.png,{(NFC, NFD, 'x')[i % 3]}" for i in range(8)]
    splits = load(plant("\n".join(["file,label", *rows])))
    assert splits.class_names == (NFC, "x")


def test_classes_that_differ_in_case_only_are_said(plant, caplog):
    rows = [f"{i}.png,{('Cat', 'cat')[i % 2]}" for i in range(8)]
    assert load(plant("\n".join(["file,label", *rows]))).class_names == ("Cat", "cat")
    assert "differ only in upper and lower case" in caplog.text
