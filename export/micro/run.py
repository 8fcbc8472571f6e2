#!/usr/bin/env python3
"""Replays a kerascnn bundle in tflite-micro's interpreter, the one that microcontrollers run.

    python run.py --selftest BUNDLE [--recipe int8]   does tflite-micro compute what Keras computed?

Each line ends with the memory the file used: the tensor arena to reserve on the device. It needs
numpy and tflite-micro, `bundle.py` beside it, and no file of kerascnn.
Exit codes: 0 all well, 1 a file failed, 2 bad input (one line on stderr says which).
"""

import contextlib
import os
import re
import sys
import tempfile
from argparse import RawTextHelpFormatter
from pathlib import Path

try:
    import numpy as np
    from tflite_micro import runtime
except ImportError as error:
    reason = " ".join(str(error).split())[:200]
    print(f"run.py: error: {reason}: pip install --pre -r requirements.txt", file=sys.stderr)
    sys.exit(2)

from bundle import (
    TENSOR,
    KitError,
    Parser,
    choose_files,
    ends_of,
    guarded,
    judge,
    printable,
    read_bundle,
    read_golden,
    real_outputs,
    rehearse,
    require,
)

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
        self.manifest, self.file, path, size = manifest, file, folder / file["path"], 1 << 20
        ends = ends_of(manifest, file)
        while True:
            try:
                with c_messages() as messages:
                    model = runtime.Interpreter.from_file(str(path), arena_size=size)
                    tensors = [model.get_input_details(0)]
                    with contextlib.suppress(IndexError):  # after the last; one more is too many
                        while len(tensors) <= len(ends):
                            tensors.append(model.get_output_details(len(tensors) - 1))
                break
            except RuntimeError as error:
                short_of_memory = any("Failed to" in message for message in messages)
                reason = messages[0] if messages else error
                require(short_of_memory and size < LARGEST_ARENA, f"tflite-micro: {reason}")
                size *= 8
            except Exception as error:  # on damaged files, whatever its reader happens to raise
                raise KitError(
                    f"{path} cannot be opened: {error or type(error).__name__}"
                ) from error
        self.interpreter = model
        require(len(tensors) == len(ends), f"{path} must have {len(ends) - 1} output(s)")
        for (name, shape, stored), tensor in zip(ends, tensors):  # noqa: B905 (Python 3.9)
            quantization = tensor["quantization_parameters"]
            scales = quantization["scales"].tolist(), quantization["zero_points"].tolist()
            found = [tensor["shape"].tolist(), np.dtype(tensor["dtype"]).name, *map(first, scales)]
            expected = [shape, *(stored[key] for key in TENSOR)]
            require(found == expected, f"{path}: {name} is {found}, the manifest says {expected}")

    def run(self, pixels: np.ndarray) -> dict:
        """The outputs by role, real numbers, for pixels [H, W, C] of 0 to 255."""
        taken, outputs = self.file["input"], range(len(self.file["outputs"]))
        values = pixels[np.newaxis].astype(np.float64)
        if taken["dtype"] != "float32":
            limits = np.iinfo(taken["dtype"])
            steps = np.floor(values / taken["scale"] + 0.5) + taken["zero_point"]
            values = steps.clip(limits.min, limits.max)
        try:
            with c_messages():
                self.interpreter.set_input(values.astype(taken["dtype"]), 0)
                self.interpreter.invoke()
                stored = [self.interpreter.get_output(i) for i in outputs]
        except (RuntimeError, ValueError, MemoryError) as error:
            raise KitError(f"{self.file['path']} cannot be run: {error}") from error
        return real_outputs(self.manifest, self.file, stored)

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

    def answers(file: dict, inputs: np.ndarray) -> tuple:
        model = Classifier(folder, manifest, file)
        runs = [model.run(pixels) for pixels in inputs]
        found = {role: np.stack([one[role] for one in runs]) for role in runs[0]}
        return found, model.arena_bytes()

    for file in files:
        try:
            rehearse(folder / file["path"], lambda file=file: answers(file, inputs[:1]))
            found, arena = answers(file, inputs)
            failures += not judge(manifest, file, found, expected, f", arena {arena:,} bytes")
        except KitError as error:
            print(printable(f"FAIL {file['recipe']:<16} {' '.join(str(error).split())}"))
            failures += 1
    return 1 if failures else 0


def run(arguments) -> int:
    """What the command line asks for; its exit code."""
    parser = Parser("run.py", None, __doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with a manifest.json")
    parser.add_argument("--selftest", action="store_true", help="replay the golden inputs")
    parser.add_argument("--recipe", help="the file to use (default: all)")
    options = parser.parse_args(arguments)
    require(options.selftest, "give --selftest (see run.py --help)")
    manifest, _ = read_bundle(options.bundle)
    return selftest(options.bundle, manifest, choose_files(manifest, options.recipe))


def main(arguments=None) -> int:
    return guarded("run.py", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
