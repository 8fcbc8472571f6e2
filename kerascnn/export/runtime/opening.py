"""Opening a `.tflite` file in the device's interpreter: whatever is wrong is one clear error."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from kerascnn.arguments import whole
from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.reading import one_line

MOST_THREADS = 1024
_STDERR = 2
_redirecting = threading.Lock()


def default_threads() -> int:
    """CPU threads for measuring: all there are, up to four."""
    return min(4, os.cpu_count() or 1)


def open_runtime(
    content: bytes, source: str, *, threads: int | None = None, delegate: bool = True
) -> Any:
    """An interpreter with its tensors allocated.

    Args:
        content: A model that `structure.check` found whole.
        source: What to call it in messages.
        threads: CPU threads of the kernels; None leaves it to the runtime.
        delegate: Whether XNNPACK takes what it can.

    Raises:
        InputError: Threads out of 1..1024.
        BundleError: The runtime refuses the model, for instance for an operator it lacks.
    """
    if threads is not None:
        threads = whole("threads", threads, most=MOST_THREADS)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.AUTO
    if not delegate:
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with _quiet():
            interpreter = Interpreter(
                model_content=content, num_threads=threads, experimental_op_resolver_type=resolver
            )
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError) as error:
        raise BundleError(
            f"{source} is refused by the TFLite runtime: {one_line(error)}. Export the model "
            "with built-in operators only, or copy the file again."
        ) from error
    return interpreter


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what the runtime prints from C++ while it opens a model.

    "Created TensorFlow Lite XNNPACK delegate" is news to nobody, no setting silences it, and what
    goes wrong is in the exception as well.
    """
    with _redirecting, contextlib.ExitStack() as stack:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # a process without standard error has nothing to hold back
            yield
            return
        stack.callback(os.close, kept)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        sink = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, sink)
        os.dup2(sink, _STDERR)
        stack.callback(os.dup2, kept, _STDERR)
        yield
