"""Loading Keras and TensorFlow for a command, with a line where that cannot be."""

import importlib.util
import os
import sys

from kerascnn.cli import streams
from kerascnn.errors import InputError

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # and their packages
_LEAST_MEMORY = 1.9e9  # bytes of addresses: TensorFlow 2.21 is mapped, and little can be computed
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def check_environment() -> None:
    """Raises InputError for variables that Keras or TensorFlow would stumble over, at once."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise InputError(
            f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {backend!r}. Unset it "
            "for tensorflow."
        )
    for package in dict.fromkeys((BACKENDS[backend], "tensorflow")):
        if importlib.util.find_spec(package) is None:
            unset = "" if package == "tensorflow" else ", or unset KERAS_BACKEND for tensorflow"
            raise InputError(
                f"KERAS_BACKEND is {backend}, and the package {package} is not installed: "
                f"pip install {package}{unset}."
            )
    for name in _THREADS:
        numbers = os.environ.get(name, "")
        if numbers and not all(part.strip().isdecimal() for part in numbers.split(",")):
            raise InputError(f"{name} must be a number of threads. Received: {numbers!r}.")


def _check_memory() -> None:
    """Raises InputError where the process may not map what loading TensorFlow maps."""
    if sys.platform == "win32":
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < _LEAST_MEMORY:
        raise InputError(
            f"the memory of this process is limited to {limit / 1e9:.1f} GB (ulimit -v), and "
            f"loading TensorFlow takes {_LEAST_MEMORY / 1e9:.1f} GB of addresses: allow it 4 GB."
        )


def import_tensorflow() -> None:
    """Imports Keras and TensorFlow, without the lines that their C++ parts write.

    Raises:
        InputError: They cannot be loaded.
    """
    check_environment()
    _check_memory()
    try:
        with streams.hidden_stderr():
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    except (ImportError, ValueError, AttributeError, OSError) as error:
        # Where memory ends while libraries are loaded, whatever they miss is what they complain of.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"Keras and TensorFlow cannot be loaded: {reason}. Too little memory, or a damaged "
            "installation: pip install --force-reinstall tensorflow keras. (--debug shows where.)"
        ) from error
