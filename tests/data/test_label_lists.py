"""Cells that hold several labels are told from names with a comma in them."""

import pytest
from PIL import Image

from kerascnn.data import load
from kerascnn.data.tables.label_lists import find_lists

FINDINGS = ["Effusion|Mass", "No Finding", "Mass", "Effusion", "Hernia|Mass|Effusion", "Hernia"]


@pytest.fixture
def plant(tmp_path):
    """Makes a table of images with the given cells, twice each."""

    def make(column: str, cells: list[str]):
        rows = []
        for number, cell in enumerate([*cells, *cells]):
            Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
            rows.append(f'{number}.png,"{cell}"')
        (tmp_path / "labels.csv").write_text("\n".join([f"file,{column}", *rows]))
        return tmp_path / "labels.csv"

    return make


@pytest.mark.parametrize("column", ["Finding Labels", "findings", "label", "class", "diagnosis"])
def test_a_column_of_lists_is_multi_label_whatever_it_is_called(plant, column):
    splits = load(plant(column, FINDINGS))
    assert splits.task == "multi_label"
    assert splits.class_names == ("Effusion", "Hernia", "Mass")
    totals = [splits.class_counts[split] for split in splits.counts]
    assert [sum(counts) for counts in zip(*totals, strict=True)] == [6, 4, 6]
    assert any("lists in column" in note for note in splits.notes)
    assert f"'No Finding' in column {column!r} stands for no label" in splits.notes


def test_each_cell_is_a_class_where_this_is_said(plant, caplog):
    splits = load(plant("findings", FINDINGS), task="classification")
    assert splits.task == "classification"
    assert "Effusion|Mass" in splits.class_names
    assert "write them as" not in caplog.text


@pytest.mark.parametrize(
    ("cells", "expected", "separator", "names"),
    [
        (["a|b", "c"], False, "|", {"a", "b", "c"}),
        (["a;b", "c"], False, ";", {"a", "b", "c"}),
        (["a | b", "b|c|"], False, "|", {"a", "b", "c"}),
        (["a, b", "b, c", "a", "c"], False, ",", {"a", "b", "c"}),
        (["a,b", "a,c", "b,c"], False, ",", {"a", "b", "c"}),
        (["a+b", "b + c", "a", "c"], False, "+", {"a", "b", "c"}),
        (["haze on", "clear on", "haze", "clear"], True, " ", {"haze", "on", "clear"}),
        (["cat, dog", "bird"], True, ",", {"cat", "dog", "bird"}),
        (["['cat', 'dog']", "['bird']", "[]"], False, ",", {"cat", "dog", "bird"}),
        (['["red cat"]', '["dog", "red cat"]'], True, ",", {"red cat", "dog"}),
    ],
)  # fmt: skip
def test_lists_are_seen(cells, expected, separator, names):
    found = find_lists(cells, expected=expected)
    assert found is not None
    assert found.separator == separator
    assert set().union(*found.labels) == names


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["tench, Tinca tinca", "goldfish, Carassius auratus"], False),
        (["C++", "C", "Python"], False),
        (["salt, pepper", "sugar"], False),
        (["A+", "A", "B+", "B"], False),
        (["haze primary", "clear primary", "haze", "clear"], False),
        (["red cat", "dog"], True),
        (["a", "b"], True),
        (["(a) x", "(b) y"], False),
        (["", "a"], False),
    ],
)
def test_names_are_left_whole(cells, expected):
    assert find_lists(cells, expected=expected) is None


def test_what_might_be_a_list_is_warned_about(plant, caplog):
    splits = load(plant("kind", ["black, white", "black", "red"]))
    assert splits.task == "classification"
    assert "each cell is one class, 'black, white' too" in caplog.text


@pytest.mark.parametrize(
    "none", ["No Finding", "none", "No-Finding", "NO_LABEL", "nothing", "n/a", "nan"]
)
def test_words_for_no_label(none):
    found = find_lists(["a|b", none, "a"], expected=False)
    assert (found.none, found.labels) == (none, [{"a", "b"}, set(), {"a"}])


@pytest.mark.parametrize(
    "cells", [["a|none", "none", "b"], ["a|b", "normal"], ["a|b", "none", "nan"]]
)
def test_words_that_are_labels(cells):
    found = find_lists(cells, expected=False)
    assert found.none is None
    assert set().union(*found.labels) >= {cells[1]}


def test_spaces_between_labels_are_said(plant):
    splits = load(plant("tags", ["haze primary", "clear primary", "haze", "clear"]))
    assert splits.class_names == ("clear", "haze", "primary")
    assert "column 'tags': labels are separated by ' '" in splits.notes


def test_a_list_beside_other_columns_is_named(plant, tmp_path):
    path = plant("Finding Labels", FINDINGS)
    lines = path.read_text().splitlines()
    extended = [
        lines[0] + ",Patient Age",
        *(f"{line},{50 + i}" for i, line in enumerate(lines[1:])),
    ]
    path.write_text("\n".join(extended))
    with pytest.raises(ValueError, match=r"beside column 'Finding Labels' there must be no other"):
        load(path)
