"""What the README says is true: its table is the catalogue's. tests/users run its code."""

import re

import pytest

from kerascnn import catalog


@pytest.fixture
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def model_table():
    rows = ["| family | year | models |", "|---|---|---|"]
    families = {}
    for entry in catalog.entries(None):
        families.setdefault(entry.family, []).append(entry)
    for family, entries in families.items():
        years = sorted({entry.year for entry in entries})
        span = str(years[0]) if len(years) == 1 else f"{years[0]}, {years[-1]}"
        names = ", ".join(f"`{entry.name}`" for entry in entries)
        rows.append(f"| {family} | {span} | {names} |")
    return "\n".join(rows)


def test_the_model_table_is_the_catalogue(readme):
    inside = re.search(r"<!-- models: .*? -->\n(.*?)\n<!-- /models -->", readme, flags=re.DOTALL)
    assert inside, "the README has no model table"
    assert inside.group(1) == model_table(), f"put this into the README:\n{model_table()}"


def test_the_readme_names_commands_that_exist(readme):
    from kerascnn.cli.main import COMMANDS

    named = set(re.findall(r"^kerascnn (\w+)", readme, flags=re.MULTILINE))
    assert named <= set(COMMANDS)
    assert named


def test_the_readme_names_make_targets_that_exist(readme, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", readme, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
