"""Writes the tables of benchmarks/README.md from the files in benchmarks/results.

python benchmarks/tables.py
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
BEGIN, END = "<!-- tables: made by tables.py -->", "<!-- end of the tables -->"
PEERS = ("keras.applications", "torchvision", "timm", "keras-hub")


def update() -> None:
    """Replaces what stands between the two marks."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    body = "\n\n".join(_tables())
    README.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", encoding="utf-8")


def _tables() -> list[str]:
    parts = []
    for path in sorted((FOLDER / "results").glob("*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        kind = report["figures"].get("benchmark")
        if kind in ("train_step", "inference"):
            parts.append(_speed(path.stem, report))
        elif kind == "build_time":
            parts.append(_build_time(path.stem, report))
    return parts or ["No results yet."]


def _speed(name: str, report: dict[str, Any]) -> str:
    figures = report["figures"]
    peers = [
        peer
        for peer in PEERS
        if any(peer in row["advantage"] for row in figures["models"].values())
    ]
    what = "training steps" if figures["benchmark"] == "train_step" else "inference"
    lines = [
        f"### `{name}`: {what}, batch {figures['batch']}, {figures['size']}x{figures['size']}",
        _machine(report, figures),
        "",
        "Images per second of kerascnn, and how many times as fast it is (in brackets the middle "
        "half of the rounds; then the same by the seconds of all cores).",
        "",
        _row(["model", "images/s", *peers]),
        _row(["---"] * (2 + len(peers))),
    ]
    for model, row in figures["models"].items():
        ours = [value for key, value in row["libraries"].items() if key.startswith("kerascnn")]
        cells = [_advantage(row["advantage"].get(peer)) for peer in peers]
        lines.append(_row([model, f"{ours[0]['images_per_second']:.1f}", *cells]))
    means = [figures["geometric_means"].get(peer) for peer in peers]
    cells = [f"**{m['median']:.2f}x**, {m['cpu']:.2f}x" if m else "" for m in means]
    lines.append(_row(["geometric mean", "", *cells]))
    for peer, mean in zip(peers, means, strict=True):
        if mean:
            lines += ["", f"The mean against {peer} is over {', '.join(mean['models'])}."]
    return "\n".join(lines)


def _advantage(line: dict[str, float] | None) -> str:
    if line is None:
        return ""
    spread = f"({line['low']:.2f} to {line['high']:.2f})"
    return f"{line['median']:.2f}x {spread}, {line['cpu']:.2f}x"


def _build_time(name: str, report: dict[str, Any]) -> str:
    figures = report["figures"]
    lines = [
        f"### `{name}`: seconds until a model is there",
        _machine(report, figures),
        "",
        _row(["model", "library", "build", "first training step", "first prediction"]),
        _row(["---"] * 5),
    ]
    for model, libraries in figures["models"].items():
        for library, steps in libraries.items():
            lines.append(_row([model, library, *(f"{s['median']:.2f}" for s in steps.values())]))
    return "\n".join(lines)


def _machine(report: dict[str, Any], figures: dict[str, Any]) -> str:
    versions = {**report["versions"], **figures.get("peer_versions", {})}
    shown = ("keras", "tensorflow", "torch", "torchvision", "timm", "keras-hub")
    libraries = ", ".join(f"{key} {versions[key]}" for key in shown if key in versions)
    machine = report["machine"]
    extra = f", backend {figures['backend']}, {figures['dtype']}" if "backend" in figures else ""
    return f"{machine['cpu']}, {machine['cores']} cores; {libraries}{extra}."


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    update()
