"""A process that watches the one that works: what ends there without Python ends in one line.

TensorFlow aborts the process, from C++ and on any thread, where it gets no memory or no thread; no
`except` sees that. So the work is done in a forked process, and the first one, which has loaded
nothing, says what became of it. What C++ writes to standard error is kept for that, and is not
shown otherwise.
"""

import contextlib
import ctypes
import os
import re
import signal
import sys
import tempfile
from typing import IO, NoReturn

from kerascnn.cli import streams
from kerascnn.files import temporary_folder

BAD_INPUT = 2
_CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PR_SET_PDEATHSIG = 1
_BY_KERNEL = 128  # si_code of a signal that the terminal sent, which the worker got as well
_TELLING = re.compile(r"error|fail|bad_alloc|alloc|what\(\)", re.IGNORECASE)
_KEPT = 1 << 16  # bytes of the end of what C++ wrote


def fork_worker() -> None:
    """Returns in a new process; the process that calls it stays here, and ends as that one does.

    On Linux only, where the worker can be made to end with its supervisor.
    """
    if sys.platform != "linux":
        return
    stack = contextlib.ExitStack()
    try:
        folder = stack.enter_context(temporary_folder())
        noise = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - as long as the process
    except OSError:  # no place for temporary files: the work will say so
        return
    # TensorFlow leaves Python files there, unless its process ends by itself.
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    parent = os.getpid()
    # Until the supervisor waits for them, signals wait for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *_FORWARDED})
    worker = os.fork()
    if worker:
        status = _wait(worker)
        stack.close()
        _exit_like(status, noise)
    stack.pop_all()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that
        os._exit(1)
    _set_noise_apart(noise)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, *_FORWARDED})


def _set_noise_apart(noise: IO[bytes]) -> None:
    """Sends what C++ writes to standard error into a file; Python still reaches the terminal."""
    sys.stderr.flush()
    heard = os.dup(2)
    os.dup2(noise.fileno(), 2)
    # As long as the process: unbuffered below, so that nothing is lost when it ends.
    sys.stderr = open(  # noqa: SIM115
        heard, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
    )


def _wait(worker: int) -> int:
    """Forwards signals until the worker has ended; its status."""
    while True:
        heard = signal.sigwaitinfo({signal.SIGCHLD, *_FORWARDED})
        if heard.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(worker, os.WNOHANG)
            if ended:
                return status
        elif heard.si_code != _BY_KERNEL:
            os.kill(worker, heard.si_signo)


def _exit_like(status: int, noise: IO[bytes]) -> NoReturn:
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    if number in _CRASHES:
        _say(f"{_name(number)} in TensorFlow ended the process: {_last_words(noise)}. {_advice()}")
        os._exit(BAD_INPUT)
    if number == signal.SIGKILL:
        _say(f"the process was killed, as systems do where memory ends. {_advice()}")
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _name(number: int) -> str:
    names = {signal.SIGABRT: "an abort", signal.SIGSEGV: "a segmentation fault"}
    return names.get(signal.Signals(number), f"signal {number}")


def _advice() -> str:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        return f"Its memory is limited to {limit / 1e9:.1f} GB (ulimit -v): allow it more."
    return (
        "Too little memory is the usual reason: try smaller images or batches (--image-size, "
        "--batch-size), or close other programs. A run goes on with --resume."
    )


def _last_words(noise: IO[bytes]) -> str:
    """The most telling line of what was written; the stack below it tells nobody anything."""
    noise.seek(0, os.SEEK_END)
    noise.seek(max(0, noise.tell() - _KEPT))
    lines = noise.read().decode("utf-8", "replace").splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("@")]
    telling = [line for line in lines if _TELLING.search(line)] or lines
    return streams.cut(telling[-1], 120).rstrip(".") if telling else "it said nothing"


def _say(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"kerascnn: {streams.cut(streams.visible(message))}\n")
        sys.stderr.flush()
