"""Fresh processes for tests, without the seconds that importing Keras takes.

Python's fork server imports Keras with TensorFlow, once, and nothing of kerascnn. Each call runs in
a process forked from it, as new as one that has just imported Keras.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["keras"])


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module that does not import kerascnn gives in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        return pool.submit(function, *arguments).result()
