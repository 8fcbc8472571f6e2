"""Killing a process at its n-th file operation, for tests of what is left then."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

CHANGES = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"),
    *("os.link", "os.symlink", "os.chmod"),
}


def count(work: Callable[[], None], below: Path) -> int:
    """How many operations change something below a folder while `work` is done in a fork."""
    read, write = os.pipe()

    def say(operations: int) -> None:
        os.write(write, str(operations).encode())

    status = _fork(work, below, None, say)
    os.close(write)
    with open(read) as answers:
        answer = answers.read()
    assert os.waitstatus_to_exitcode(status) == 0, "the work failed"
    return int(answer)


def kill(work: Callable[[], None], below: Path, moment: int) -> None:
    """Does `work` in a fork of this process, killed before its operation number `moment`."""
    status = _fork(work, below, moment, lambda _: None)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def run(work: Callable[[], None], below: Path) -> None:
    """Does `work` in a fork, to its end."""
    count(work, below)


def moments(operations: int, most: int) -> list[int]:
    """Up to `most` moments from the first operation to the last, the first ones all of them."""
    early = min(operations, most // 3)
    rest = [
        early + round(step * (operations - early) / (most - early))
        for step in range(1, most - early + 1)
    ]
    return sorted({*range(1, early + 1), *rest})


def _fork(
    work: Callable[[], None], below: Path, moment: int | None, say: Callable[[int], None]
) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code, done = 1, 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        if event in CHANGES or (event == "open" and _writes(arguments[2])):
            path = arguments[0]
            if isinstance(path, str | bytes | os.PathLike) and str(below) in os.fsdecode(path):
                done += 1
                if done == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(hook)
        work()
        say(done)
        code = 0
    except BaseException:  # noqa: BLE001 - told by the exit code
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
