"""Names of classes and files in any script, any Unicode form, and in no encoding at all."""

import os
import sys

import pytest
from PIL import Image

from kerascnn.data import load, load_image
from kerascnn.errors import DataError
from kerascnn.names import label_name, shown

NFC, NFD = "caf\u00e9", "cafe\u0301"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


def plant(root, *names, count=3):
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), 20 * place + number).save(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize(
    "name",
    [
        FAMILY,
        PERSIAN,
        "\u05d0\u05b7\u05dc\u05b6\u05e3",
        "a b",
        "\u200fx",
        "50 % (\u00bd)",
        "x\u00a0y",
    ],
)
def test_joiners_marks_and_spaces_belong_to_names(tmp_path, name):
    splits = load(plant(tmp_path / "photos", name, "other"))
    assert label_name(name) in splits.class_names


@pytest.mark.parametrize("letter", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_control_characters_and_ends_of_lines_are_refused(tmp_path, letter):
    root = plant(tmp_path / "photos", f"b{letter}c", "other")
    with pytest.raises(DataError, match=r"control character in its name") as caught:
        load(root)
    assert letter not in str(caught.value)
    assert "PosixPath" not in str(caught.value)


def test_a_name_of_spaces_is_refused(tmp_path):
    with pytest.raises(DataError, match="nothing but spaces"):
        load(plant(tmp_path / "photos", "  ", "other"))


@pytest.mark.parametrize("folders", [(NFC, NFC), (NFD, NFC), (NFC, NFD), (NFD, NFD)])
def test_splits_of_different_unicode_forms_have_the_same_classes(tmp_path, folders):
    root = tmp_path / "photos"
    for split, name in zip(("train", "test"), folders, strict=True):
        plant(root / split, name, "other")
    splits = load(root)
    assert splits.class_names == (NFC, "other")
    assert splits.class_counts["test"] == (3, 3)
    assert all(path.is_file() for path in splits.paths("test"))


def test_one_class_in_two_forms_is_refused(tmp_path):
    root = plant(tmp_path / "photos", NFC, NFD, "other")
    if len(os.listdir(root)) < 3:
        pytest.skip("this file system keeps one form only")
    with pytest.raises(DataError, match=r"two class folders of one name.*NFC and NFD.*u0301"):
        load(root)


def test_the_form_of_a_file_name_does_not_decide_its_split(tmp_path):
    counts = []
    for folder, name in (("one", NFC), ("two", NFD)):
        root = plant(tmp_path / folder, name, "other", count=20)
        splits = load(root, seed=3)
        counts.append(sorted(int(path.stem) for path in splits.paths("validation")))
    assert counts[0] == counts[1]


def test_classes_that_differ_in_case_only_are_said(tmp_path, caplog):
    root = plant(tmp_path / "photos", "Cat", "cat", "dog")
    if len(os.listdir(root)) < 3:
        pytest.skip("this file system does not tell cases apart")
    assert load(root).class_names == ("Cat", "cat", "dog")
    assert "the classes 'Cat' and 'cat' differ only in upper and lower case" in caplog.text


@pytest.fixture
def undecodable(tmp_path):
    """A class folder and a file in it whose names are no UTF-8."""
    folder = os.path.join(os.fsencode(tmp_path), b"photos", b"caf\xe9")
    try:
        os.makedirs(folder)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    plant(tmp_path / "photos", "other")
    for number in range(3):
        path = os.path.join(folder, b"%d-\xff.png" % number)
        Image.new("L", (8, 8), 50 + number).save(os.fsdecode(path))
    with open(os.path.join(folder, b"bad-\xfe.png"), "wb") as file:
        file.write(b"bad")
    return tmp_path / "photos"


@pytest.mark.skipif(sys.platform == "win32", reason="all names are Unicode there")
def test_names_that_are_no_utf8_work_and_are_shown_escaped(undecodable, caplog):
    splits = load(undecodable)
    assert splits.class_names == ("caf\\xe9", "other")
    assert sum(splits.class_counts["train"]) == 4
    (*splits.notes, *splits.class_names, caplog.text)[-1].encode()
    assert any(r"bad-\xfe.png" in note for note in splits.notes)
    for text in (*splits.notes, *splits.class_names, caplog.text):
        text.encode()  # can be written


@pytest.mark.skipif(sys.platform == "win32", reason="all names are Unicode there")
def test_messages_about_such_files_can_be_written(undecodable):
    bad = next(path for path in undecodable.rglob("bad*"))
    with pytest.raises(DataError) as caught:
        load_image(bad, 8, 1)
    str(caught.value).encode()
    assert r"caf\xe9/bad-\xfe.png" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\udcffb", r"a\xffb"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_names_are_shown_in_one_line(name, text):
    assert shown(name) == text


def test_names_too_long_for_any_file_are_no_such_source():
    with pytest.raises(DataError, match="no such folder or source"):
        load("x" * 300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (FAMILY, FAMILY),
        ("a\u202eb\n\u2028", r"a\u202eb\n\u2028"),
        ("x" * 1000, "x" * 120 + "..." + "x" * 120),
        (17, "17"),
    ],
)
def test_values_are_shown_as_one_short_line(value, text):
    assert shown(value) == text
