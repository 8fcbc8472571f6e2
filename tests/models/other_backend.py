"""Python processes in which Keras has another backend."""

import os
import subprocess
import sys
from pathlib import Path

# The time to compile, a third of JAX's own: nothing here runs long enough to be worth optimising.
XLA_FLAGS = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false"
)
HERE = Path(__file__).parent


def run(backend: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Python with these arguments, the tests of models and kerascnn on its path; on the CPU."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(entry for entry in (str(HERE), *sys.path) if entry),
        # A GPU would multiply with fewer digits.
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "XLA_FLAGS": XLA_FLAGS,
    }
    command = [sys.executable, *map(str, arguments)]

    def attempt() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = attempt()
    if done.returncode and "Unknown flag" in done.stderr:  # of another version of XLA
        del environment["XLA_FLAGS"]
        done = attempt()
    return done
