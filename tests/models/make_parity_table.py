"""Writes docs/parity.md: how far each model is from other implementations with the same weights.

pytest tests/models --junitxml parity.xml -o junit_family=xunit1
python tests/models/make_parity_table.py parity.xml
"""

import argparse
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kerascnn import catalog

TARGET = Path(__file__).resolve().parents[2] / "docs" / "parity.md"
HEAD = """# Parity

Each model below was given the same weights as another implementation of the same network (those of
a library through the importer that users call), and the same raw images. The largest difference of
any output is given as a share of that output's range; a test fails where it reaches {tolerance:g}.
Weights are random. Scores are logits. A feature map is compared value by value with
keras.applications, and by its averages over places and over channels with the others, whose outputs
are in small files under `tests/models/golden`, beside the scripts that wrote them.

Made by `tests/models/make_parity_table.py`.

| family | model | peer | compared | largest difference |
|---|---|---|---|---|
"""


def records(files: Iterable[Path]) -> list[dict[str, Any]]:
    """What the tests recorded, in the order of the catalogue."""
    found = [
        json.loads(item.attrib["value"])
        for file in files
        for item in ElementTree.parse(file).getroot().iter("property")
        if item.attrib["name"] == "parity"
    ]
    order = [entry.name for entry in catalog.entries()]
    return sorted(found, key=lambda record: order.index(record["variant"]))


def without_record(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Families of the catalogue that nothing was compared of."""
    compared = {record["family"] for record in found}
    return [f for f in dict.fromkeys(e.family for e in catalog.entries()) if f not in compared]


def row(record: Mapping[str, Any]) -> str:
    """A line of the table."""
    options = ", ".join(f"{key}={value}" for key, value in record["options"].items())
    model = f"`{record['variant']}`" + (f" ({options})" if options else "")
    maps = len([name for name in record["outputs"] if not name.startswith(("scores", "aux"))])
    compared = "scores" + (f", {maps} feature maps" if maps else "")
    compared += ", auxiliary scores" if "aux1" in record["outputs"] else ""
    cells = (record["family"], model, record["peer"], compared, f"{record['difference']:.1e}")
    return f"| {' | '.join(cells)} |\n"


def table(found: Iterable[Mapping[str, Any]]) -> str:
    """The page; the same comparison made twice is one row, with the larger difference."""
    rows: dict[str, Mapping[str, Any]] = {}
    for record in found:
        key = row({**record, "difference": 0})
        if key not in rows or record["difference"] > rows[key]["difference"]:
            rows[key] = record
    tolerance = max(record["tolerance"] for record in rows.values())
    return HEAD.format(tolerance=tolerance) + "".join(map(row, rows.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("junitxml", type=Path, nargs="+")
    found = records(parser.parse_args().junitxml)
    if missing := without_record(found):
        parser.error(f"nothing was compared of {', '.join(missing)}: run all of tests/models.")
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
