"""docs/parity.md: made of what the numerics tests record, and complete."""

import json

import pytest
from make_parity_table import TARGET, records, table, without_record

from kerascnn import catalog


def record(variant, difference, **options):
    return {
        "family": catalog.find(variant).family,
        "variant": variant,
        "options": options,
        "peer": "somebody 1.0",
        "outputs": ["scores", "aux1", "stage1", "stage2"],
        "difference": difference,
        "tolerance": 1e-4,
    }


@pytest.fixture
def junit(tmp_path):
    """A file as pytest writes it, of three comparisons; one was made twice."""
    found = [record("ResNet50", 2e-6, style="torch"), record("LeNet5", 1e-7)]
    found.append(record("ResNet50", 3e-6, style="torch"))
    cases = "".join(
        "<testcase><properties><property name='parity' value='{}'/></properties></testcase>".format(
            json.dumps(values).replace('"', "&quot;")
        )
        for values in found
    )
    (tmp_path / "junit.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return tmp_path / "junit.xml"


def test_rows_are_in_the_order_of_the_catalogue_with_the_largest_difference(junit):
    *_, first, second = table(records([junit])).splitlines()
    compared = "scores, 2 feature maps, auxiliary scores"
    assert first == f"| lenet | `LeNet5` | somebody 1.0 | {compared} | 1.0e-07 |"
    assert second == f"| resnet | `ResNet50` (style=torch) | somebody 1.0 | {compared} | 3.0e-06 |"


def test_families_that_were_not_compared_are_named(junit):
    families = {entry.family for entry in catalog.entries()}
    assert set(without_record(records([junit]))) == families - {"lenet", "resnet"}


def test_the_committed_table_has_every_family_within_the_tolerance():
    lines = TARGET.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "`" in line]
    rows = [cells for cells in rows if len(cells) == 5]
    assert {cells[0] for cells in rows} == {entry.family for entry in catalog.entries()}
    assert max(float(cells[-1]) for cells in rows) < 1e-4
