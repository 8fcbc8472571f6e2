"""Runs a `.tflite` file, given on standard input, once in tflite-micro's interpreter.

Prints one line of JSON with the bytes of arena it used. A program of its own, started by arena.py;
it imports nothing of kerascnn. Exit code 4: tflite-micro is not installed.
"""

import json
import os
import re
import sys
import tempfile

ABSENT = 4
LARGEST = 1 << 30  # bytes of arena to offer


def main() -> int:
    """Measures the model on standard input."""
    try:
        import numpy as np
        from tflite_micro import runtime
    except ImportError:
        return ABSENT
    content = sys.stdin.buffer.read()
    size = 1 << 20
    while True:
        try:
            interpreter = runtime.Interpreter.from_bytes(content, arena_size=size)
            break
        except RuntimeError:
            if size >= LARGEST:
                raise
            size *= 4
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    used = _allocations(interpreter)
    sys.stdout.write(json.dumps({"arena_bytes": used}) + "\n")
    return 0


def _allocations(interpreter) -> int:
    """The total that `print_allocations` writes to the C error stream."""
    with tempfile.TemporaryFile() as stream:
        kept = os.dup(2)
        os.dup2(stream.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        stream.seek(0)
        text = stream.read().decode(errors="replace")
    found = re.search(r"Arena allocation total (\d+) bytes", text)
    if found is None:
        raise ValueError(f"no total in what the interpreter reports: {text[:200]!r}")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
