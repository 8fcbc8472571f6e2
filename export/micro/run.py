#!/usr/bin/env python3
"""Replays a kerascnn bundle in tflite-micro's interpreter, the one that microcontrollers run.

    python run.py --selftest BUNDLE [--recipe int8]   does tflite-micro compute what Keras computed?

Each line ends with the memory the file used: the tensor arena to reserve on the device. It needs
numpy and tflite-micro, `bundle.py` beside it, and no file of kerascnn.
Exit codes: 0 all well, 1 a file failed, 2 bad input (one line on stderr says which).
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    from tflite_micro import runtime
except ImportError as error:
    print(f"run.py: error: {error}: pip install --pre -r requirements.txt", file=sys.stderr)
    sys.exit(2)

from bundle import TENSOR, KitError, choose_files, judge, read_bundle, read_golden, require

LARGEST_ARENA = 1 << 30


@contextlib.contextmanager
def c_messages():
    """Yields a list that holds what the interpreter wrote to the C error stream, at the end."""
    lines, kept = [], os.dup(2)
    with tempfile.TemporaryFile() as stream:
        os.dup2(stream.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            stream.seek(0)
            lines += [line for line in stream.read().decode(errors="replace").splitlines() if line]


class Classifier:
    """One .tflite file in tflite-micro's interpreter: raw pixels in, real numbers out."""

    def __init__(self, folder: Path, manifest: dict, file: dict) -> None:
        self.file, path, size = file, folder / file["path"], 1 << 20
        while True:
            try:
                with c_messages() as messages:
                    self.interpreter = runtime.Interpreter.from_file(str(path), arena_size=size)
                break
            except RuntimeError as error:
                short_of_memory = any("Failed to" in message for message in messages)
                reason = messages[0] if messages else error
                require(short_of_memory and size < LARGEST_ARENA, f"tflite-micro: {reason}")
                size *= 8
        self.outputs = manifest["outputs"]
        ends = [("input", manifest["input"]["shape"], file["input"])]
        ends += [
            (f"output {output['role']}", output["shape"], tensor)
            for output, tensor in zip(self.outputs, file["outputs"])  # noqa: B905 (Python 3.9)
        ]
        for i, (side, shape, stored) in enumerate(ends):
            details = self.interpreter.get_output_details
            tensor = self.interpreter.get_input_details(0) if i == 0 else details(i - 1)
            quantization = tensor["quantization_parameters"]
            scales = quantization["scales"].tolist(), quantization["zero_points"].tolist()
            found = [tensor["shape"].tolist(), np.dtype(tensor["dtype"]).name, *map(first, scales)]
            expected = [shape, *(stored[key] for key in TENSOR)]
            require(found == expected, f"{path}: {side} is {found}, the manifest says {expected}")

    def run(self, pixels: np.ndarray) -> dict:
        """The outputs by role, real numbers, for pixels [H, W, C] of 0 to 255."""
        taken = self.file["input"]
        values = pixels[np.newaxis].astype(np.float64)
        if taken["dtype"] != "float32":
            limits = np.iinfo(taken["dtype"])
            steps = np.floor(values / taken["scale"] + 0.5) + taken["zero_point"]
            values = steps.clip(limits.min, limits.max)
        self.interpreter.set_input(values.astype(taken["dtype"]), 0)
        self.interpreter.invoke()
        found = {}
        for i, (output, given) in enumerate(zip(self.outputs, self.file["outputs"])):  # noqa: B905
            values = self.interpreter.get_output(i)[0].astype(np.float32)
            if given["dtype"] != "float32":
                values = (values - np.float32(given["zero_point"])) * np.float32(given["scale"])
            found[output["role"]] = values
        return found

    def arena_bytes(self) -> int:
        """Memory used so far, from the report that the interpreter writes to the C error stream."""
        with c_messages() as messages:
            self.interpreter.print_allocations()
        found = re.search(r"Arena allocation total (\d+) bytes", " ".join(messages))
        require(found, "the interpreter does not say how much memory it used")
        return int(found[1])


def first(values: list):
    return values[0] if values else None


def selftest(folder: Path, manifest: dict, files: list) -> int:
    inputs, expected = read_golden(folder, manifest)
    failures = 0
    for file in files:
        try:
            model = Classifier(folder, manifest, file)
        except KitError as error:
            print(f"FAIL {file['recipe']:<16} {error}")
            failures += 1
            continue
        runs = [model.run(pixels) for pixels in inputs]
        found = {role: np.stack([values[role] for values in runs]) for role in runs[0]}
        failures += not judge(
            manifest, file, found, expected, f", arena {model.arena_bytes():,} bytes"
        )
    return 1 if failures else 0


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise KitError(f"{message} (run.py --help shows the usage)")


def main(arguments=None) -> int:
    parser = Parser("run.py", None, __doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with a manifest.json")
    parser.add_argument("--selftest", action="store_true", help="replay the golden inputs")
    parser.add_argument("--recipe", help="the file to use (default: all)")
    try:
        options = parser.parse_args(arguments)
        require(options.selftest, "give --selftest (see run.py --help)")
        manifest, _ = read_bundle(options.bundle)
        return selftest(options.bundle, manifest, choose_files(manifest, options.recipe))
    except (KitError, OSError) as error:
        print("run.py: error:", *str(error).split(), file=sys.stderr)  # one line, always
        return 2


if __name__ == "__main__":
    sys.exit(main())
