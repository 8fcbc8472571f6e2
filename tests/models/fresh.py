"""Fresh processes for tests, without the seconds that importing Keras takes.

Python's fork server imports Keras with TensorFlow, once, and nothing of kerascnn. Each call runs in
a process forked from it, as new as one that has just imported Keras.
"""

import contextlib
import io
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["keras"])


def printed(code: str, argument: str) -> str:
    """What a program prints in a process that has imported Keras and nothing of kerascnn."""
    sys.argv = ["-c", argument]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {"__name__": "__main__"})
    return said.getvalue()


def error_of_loading(path: str) -> str:
    """What Keras says of a model file in a process that has not imported kerascnn."""
    import keras

    try:
        keras.saving.load_model(path)
    except TypeError as error:
        return str(error)
    return ""


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module that does not import kerascnn gives in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        return pool.submit(function, *arguments).result()
