"""Every model of the catalogue as a float32 and an int8 file: whole, correct, how large, how fast.

    python benchmarks/export_matrix.py [MODEL ...] [--photos FOLDER] [--weights MODEL=FILE]
        [--files FOLDER] [--again] [--latency-only] [--table-only]

Resumable: each model is measured in a process of its own, smallest first, and its entry is written
to benchmarks/results/export_matrix.json as soon as it is done; models that have one are skipped,
unless it says that something failed.
docs/export_matrix.md is made from the entries. MODEL is a name of `kerascnn models`, with options
where they matter: "MobileNet(alpha=0.25)".

--photos: a folder of images (of class folders, too); scikit-learn's digits otherwise.
--weights: trained weights for one model. The others have random ones, and their entry says so.
--files: where the files are kept, for --latency-only; in a temporary folder otherwise.
--latency-only: times the files of FOLDER again, on a machine that does nothing else.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import export_table
import record

import kerascnn
from kerascnn.errors import InputError

RESULT = record.RESULTS / "export_matrix.json"
ONE = Path(__file__).with_name("export_entry.py")
TIMEOUT_S = 3600


def main() -> None:
    """Measures what is missing, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--weights", action="append", default=[], metavar="MODEL=FILE")
    parser.add_argument("--files", type=Path)
    parser.add_argument("--again", action="store_true", help="also models that have an entry")
    parser.add_argument("--latency-only", action="store_true")
    parser.add_argument("--table-only", action="store_true")
    args = parser.parse_args()
    weights = dict(_assignment(text) for text in args.weights)
    known = read()
    if args.latency_only and args.files is None:
        parser.error("--latency-only needs --files, the folder of an earlier run")
    if not args.table_only:
        wanted = args.models or sorted({*kerascnn.list_models(), *weights, *known}, key=_cost)
        for name in wanted:
            done = name in known and "error" not in known[name]
            if done and not (args.again or args.latency_only):
                continue
            entry = _measure(name, args, weights.get(name), known.get(name))
            known = {**read(), name: entry}  # another run may have added some
            _write(known)
            print(f"{name:<24} {_line(entry)}", flush=True)
    print(export_table.write(known))


def read() -> dict[str, Any]:
    """The entries so far, by model."""
    if not RESULT.is_file():
        return {}
    models: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))["figures"]["models"]
    return models


def _write(entries: dict[str, Any]) -> None:
    ordered = {name: entries[name] for name in sorted(entries, key=_cost)}
    record.write("export_matrix", {"benchmark": "export_matrix", "models": ordered})


def _assignment(text: str) -> tuple[str, str]:
    model, _, file = text.rpartition("=")
    if not model or not Path(file).is_file():
        raise SystemExit(f"--weights takes MODEL=FILE with a file that exists, got {text!r}")
    return model, file


def _cost(name: str) -> tuple[int, str]:
    """What models are ordered by."""
    try:
        return kerascnn.catalog.find(re.sub(r"\(.*", "", name)).macs, name
    except InputError as error:
        raise SystemExit(str(error)) from error


def _measure(
    name: str, args: argparse.Namespace, weights: str | None, known: dict[str, Any] | None
) -> dict[str, Any]:
    """The entry of one model, from a fresh process; what went wrong where it failed."""
    with tempfile.TemporaryDirectory() as temporary:
        job = {
            "model": name,
            "photos": str(args.photos) if args.photos else None,
            "weights": weights,
            "files": str(args.files or temporary),
            "latency_only": known if args.latency_only else None,
            "result": str(Path(temporary) / "entry.json"),
        }
        start = time.perf_counter()
        command = [sys.executable, str(ONE), json.dumps(job)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=TIMEOUT_S, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            return {"error": f"took more than {TIMEOUT_S} s"}
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            return {"error": lines[-1][:300]}
        entry: dict[str, Any] = json.loads(Path(job["result"]).read_text(encoding="utf-8"))
        entry["seconds"]["all"] = round(time.perf_counter() - start, 1)
        return entry


def _line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return entry["error"]
    files = entry["files"]
    return "  ".join(
        f"{recipe}: {file['partitions']} piece(s) {file['bytes'] / 1e6:.1f} MB "
        f"{file['latency_ms']['median']:.2f} ms"
        for recipe, file in files.items()
    )


if __name__ == "__main__":
    main()
