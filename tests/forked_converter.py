"""The converter's process forked instead of started: without the seconds of loading TensorFlow.

`kerascnn.export` runs `_child.py` in a process of its own. Here Python's fork server, which has
loaded TensorFlow once (see `fresh`), forks that process, and the same file runs in it.
"""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fresh

from kerascnn.export.conversion import convert


@contextlib.contextmanager
def child(output: Path) -> Iterator["ForkedConverter"]:
    """In place of `convert._child`."""
    yield ForkedConverter(output)


class ForkedConverter:
    """What `convert` uses of `subprocess.Popen`. The process lives only in `communicate`."""

    def __init__(self, output: Path):
        self.output = output
        self.returncode: int | None = None

    def communicate(self, saved_model: bytes, timeout: float) -> tuple[None, bytes]:
        """Converts; gives what the process wrote to standard error."""
        log = self.output.with_suffix(".log")
        arguments = (str(convert._CHILD), str(self.output), saved_model, str(log))
        process = fresh.CONTEXT.Process(target=_run, args=arguments)
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(arguments[0], timeout)
        self.returncode = process.exitcode
        return None, log.read_bytes()


def _run(script: str, output: str, saved_model: bytes, log: str) -> None:
    """Runs the file as a program, in the forked process."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    sys.stdin = io.TextIOWrapper(io.BytesIO(saved_model))
    sys.argv = [script, output]
    runpy.run_path(script, run_name="__main__")
