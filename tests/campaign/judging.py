"""Runs one case in a forked process with limits, and says what was wrong with how it ended."""

import os
import re
import resource
import shutil
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REFUSED, NOTED, ACCEPTED, EITHER = "refused", "noted", "accepted", "either"
FAULTS = (
    "traceback",  # or "internal error", a crash, an error of Python that is not ours
    "exit",  # neither 0 nor 2
    "hang",
    "memory",
    "lost",  # a file of the user is gone or another
    "left",  # temporary or half-written files
    "silent",  # bad input accepted, or without the note that it must have
    "unclear",  # refused by something else than one short line that names the mistake
    "refused",  # good input
)
MOST_CHARACTERS = {"command": 300, "call": 500}
MOST_MEMORY = 2 << 30  # bytes in RAM: TensorFlow alone takes a quarter of it
ADDRESSES = 16 << 30  # the machine is safe from what goes wrong
CPU_SECONDS, WALL_SECONDS = 120, 600
FILE_BYTES = 1 << 30


@dataclass(frozen=True)
class Case:
    """Something that is handed over, and what must happen.

    Attributes:
        group: The kind of input that is bad.
        name: What is bad about it.
        run: Arguments of the command line, in which {here} is the case's folder and {world} that
            of the good files; or a function of the two folders.
        expect: REFUSED, NOTED, ACCEPTED, or EITHER, where a seed decides how bad it is.
        words: What the message or note must match, as a regular expression.
        make: Writes what is bad into the case's folder.
    """

    group: str
    name: str
    run: tuple[str, ...] | Callable[[Path, Path], Any]
    expect: str = REFUSED
    words: str = ""
    make: Callable[[Path, Path], Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a case ended."""

    case: Case
    faults: tuple[str, ...]
    code: int
    said: str
    seconds: float
    memory: int


def snapshot(folder: Path) -> dict[str, tuple[int, ...]]:
    """What is below a folder: kind, size and time of each thing."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            about = os.lstat(path)
            is_folder = stat.S_ISDIR(about.st_mode)
            found[os.path.relpath(path, folder)] = (
                stat.S_IFMT(about.st_mode),
                0 if is_folder else about.st_size,
                0 if is_folder else about.st_mtime_ns,
            )
    return found


def judge(case: Case, world: Path, here: Path) -> Outcome:
    """Makes the case's files in the new folder `here`, runs it, and looks at what is there then."""
    here.mkdir()
    scratch = here.with_name(f"{here.name}-temporary")
    scratch.mkdir()
    if case.make is not None:
        case.make(here, world)
    before = snapshot(here), snapshot(world)
    begin = time.monotonic()
    code, memory, hung = _fork(case, world, here, scratch)
    seconds = time.monotonic() - begin
    said = (scratch / "stderr").read_text(encoding="utf-8", errors="replace")
    (scratch / "stderr").unlink()
    (scratch / "stdout").unlink()
    faults = []
    if hung:
        faults.append("hang")
    elif code < 0 or "Traceback (" in said or "internal error" in said:
        faults.append("traceback")
    elif code not in (0, 2):
        faults.append("exit")
    if memory > MOST_MEMORY:
        faults.append("memory")
    faults += _of_files(code, before, (snapshot(here), snapshot(world)), snapshot(scratch))
    if not faults:
        faults += _of_words(case, code, said)
    shutil.rmtree(scratch, ignore_errors=True)
    return Outcome(case, tuple(faults), code, said, seconds, memory)


def _of_files(code: int, before: Any, after: Any, temporary: dict[str, Any]) -> list[str]:
    faults = []
    for old, new in zip(before, after, strict=True):
        if any(new.get(path) != about for path, about in old.items()):
            faults.append("lost")
        made = new.keys() - old.keys()
        if (made and code != 0) or any("kerascnn" in path for path in made):
            faults.append("left")
    # TensorFlow leaves its generated Python until the process ends by itself; a supervisor, which
    # these forks do not have, sweeps them.
    if any(not Path(path).name.startswith(("__autograph", "tmp")) for path in temporary):
        faults.append("left")
    return list(dict.fromkeys(faults))


def _of_words(case: Case, code: int, said: str) -> list[str]:
    lines = [line for line in said.splitlines() if line.strip()]
    if code == 2:
        if case.expect in (NOTED, ACCEPTED):
            return ["refused"]
        most = MOST_CHARACTERS["call" if callable(case.run) else "command"]
        message = lines[-1] if lines else ""
        # Notes on other things may come before.
        wrong = not message.startswith("kerascnn: ") or len(message) > most + len("kerascnn: ")
        wrong = wrong or any(line.startswith("kerascnn: ") for line in lines[:-1])
        if wrong or not re.search(case.words, message, re.IGNORECASE):
            return ["unclear"]
        return []
    if case.expect == REFUSED:
        return ["silent"]
    if case.expect == NOTED and not re.search(case.words, " ".join(lines), re.IGNORECASE):
        return ["silent"]
    return []


def _fork(case: Case, world: Path, here: Path, scratch: Path) -> tuple[int, int, bool]:
    """Exit code (negative for a signal), peak of memory, whether a limit of time ended it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _work(case, world, here, scratch)
    # Counted by what this process slept: one that is stopped for a while makes no hang.
    waited, killed, pause = 0.0, False, 0.002
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if not killed and waited > WALL_SECONDS:
            os.killpg(child, signal.SIGKILL)
            killed = True
        time.sleep(pause)
        waited += pause
        pause = min(0.05, pause * 1.3)
    code = os.waitstatus_to_exitcode(status)
    return code, usage.ru_maxrss * 1024, killed or code == -signal.SIGXCPU


def _work(case: Case, world: Path, here: Path, scratch: Path) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        os.chdir(here)
        os.environ["TMPDIR"] = str(scratch)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            opened = os.open(scratch / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            os.dup2(opened, descriptor)
            os.close(opened)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace", closefd=False)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        code = _call(case, world, here) if callable(case.run) else _command(case, world, here)
    except BaseException:  # noqa: BLE001 - that is what is looked for
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def filled(text: str, here: Path, world: Path) -> str:
    return text.replace("{here}", str(here)).replace("{world}", str(world))


def _command(case: Case, world: Path, here: Path) -> int:
    from kerascnn.cli.main import main

    try:
        main([filled(part, here, world) for part in case.run])
    except SystemExit as stop:
        return int(stop.code or 0)


def _call(case: Case, world: Path, here: Path) -> int:
    from kerascnn.cli import console
    from kerascnn.errors import KerascnnError

    console.set_up(debug=False)
    try:
        case.run(here, world)
    except KerascnnError as error:
        print(f"kerascnn: {error}", file=sys.stderr)
        return 2
    return 0
