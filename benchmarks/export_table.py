"""Writes docs/export_matrix.md from the entries of export_matrix.py."""

from pathlib import Path
from typing import Any

import kerascnn

PAGE = Path(__file__).parent.parent / "docs" / "export_matrix.md"
HEAD = """# Every model as a file

Made by `make export-matrix` (`benchmarks/export_matrix.py`), from
`benchmarks/results/export_matrix.json`. Each model of the catalogue is exported as float32 and as
int8 (uint8 in and out), with built-in operators only, and both files are taken apart and run.

- **partitions**: parts of the graph that the CPU delegate (XNNPACK) runs; one is best.
- **ms**: median of one image, two threads, the two files in turn. `~` stands before times that were
  taken while the machine had other work: compare them with each other only.
- **int8/float**: processor time of the int8 file by that of the float32 file, on one thread.
- **float/Keras**, **int8/float top-1**: share of held-out images with the same best class.
- **error**: mean difference of the int8 file's outputs from the float file's, by how much the float
  file's outputs differ between images (mean absolute deviation). It says how much of the answer
  8 bits blur.
- **weights**: `random` ones have batch normalisation measured on the images and a head scaled to
  spread-out answers. They show that the graph is right and how fast it is. How well int8 answers
  they do not show: 1000 random classes have many near ties, and what a deep random network tells
  apart is small beside what all its answers share, so rounding weighs far more than in a
  trained one.
- **outside the delegate**: what remains in the int8 file. The QUANTIZE at either end turns uint8
  into int8, and SOFTMAX over the classes is small.
"""
COLUMNS = (
    "model",
    "input",
    "float32 MB",
    "partitions",
    "ms",
    "int8 MB",
    "partitions",
    "ms",
    "int8/float",
    "float/Keras top-1",
    "int8/float top-1",
    "error",
    "weights",
    "outside the delegate",
)


def write(entries: dict[str, Any]) -> Path:
    """Writes the page; returns where."""
    good = {name: entry for name, entry in entries.items() if "error" not in entry}
    lines = [HEAD, _summary(good), "", _row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(_cells(name, entry)) for name, entry in good.items()]
    failed = {name: entry["error"] for name, entry in entries.items() if "error" in entry}
    if failed:
        lines += ["", "Failed:", *(f"- {name}: {error}" for name, error in failed.items())]
    missing = sorted(set(kerascnn.list_models()) - set(entries))
    if missing:
        lines += ["", f"Not made yet: {', '.join(missing)}."]
    reasons = _reasons(good)
    if reasons:
        lines += ["", "Why operators stay outside:", *reasons]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return PAGE


def _summary(entries: dict[str, Any]) -> str:
    """What the table says, in one paragraph."""
    total = len(entries)
    whole = {
        recipe: sum(entry["files"][recipe]["partitions"] == 1 for entry in entries.values())
        for recipe in ("float32", "int8")
    }
    slower = [name for name, entry in entries.items() if _ratio(entry) > 1]
    flex = [n for n, e in entries.items() if any(f["flex"] for f in e["files"].values())]
    return (
        f"{total} models: {whole['float32']} float32 files and {whole['int8']} int8 files run in "
        f"one partition; Flex operators in {', '.join(flex) or 'none'}; int8 slower than float32 "
        f"in {', '.join(slower) or 'none'}."
    )


def _cells(name: str, entry: dict[str, Any]) -> list[str]:
    float32, int8 = entry["files"]["float32"], entry["files"]["int8"]
    rough = "" if entry["latency"]["quiet"] else "~"
    outside = ", ".join(f"{count} {kind}" for kind, count in int8["undelegated"].items())
    return [
        name,
        "x".join(str(size) for size in entry["input_shape"]),
        f"{float32['bytes'] / 1e6:.2f}",
        str(float32["partitions"]),
        f"{rough}{float32['latency_ms']['median']:.3g}",
        f"{int8['bytes'] / 1e6:.2f}",
        str(int8["partitions"]),
        f"{rough}{int8['latency_ms']['median']:.3g}",
        f"{_ratio(entry):.2f}",
        f"{100 * float32['top1_agreement']:.0f} %",
        f"{100 * int8['top1_agreement']:.0f} %",
        f"{int8['relative_error']:.3f}",
        entry["weights"],
        outside,
    ]


def _ratio(entry: dict[str, Any]) -> float:
    return float(entry["files"]["int8"]["cpu_ms"] / entry["files"]["float32"]["cpu_ms"])


def _reasons(entries: dict[str, Any]) -> list[str]:
    found: dict[str, str] = {}
    for entry in entries.values():
        for file in entry["files"].values():
            found |= file["reasons"]
    return [f"- {kind}: {reason}" for kind, reason in sorted(found.items())]


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
