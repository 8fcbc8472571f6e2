"""A worker that ends without Python: one line and an exit code, whatever C++ has to say."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are watched on Linux")

BEGIN = """
import ctypes, os, signal, sys, time
from kerascnn.cli import streams, supervisor
streams.set_up()
supervisor.fork_worker()
"""


def started(code, **variables):
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        # What runs the tests in the background may ignore it, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(code, **variables):
    """Exit code, standard output and standard error."""
    process = started(code, **variables)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_what_the_worker_says_and_how_it_ends_goes_on(code):
    found = ended(f"print('result'); sys.stderr.write('note'); sys.exit({code})")
    assert found == (code, "result\n", "note")


def test_an_abort_is_one_line_with_the_reason():
    noise = "I0000 cpu_feature_guard.cc: whatever\\nF0000 env.cc:84] Check failed: no thread\\n"
    code, out, err = ended(f"os.write(2, b'{noise}    @ 0x7f tensorflow::data\\n'); os.abort()")
    assert code == 2
    assert out == ""
    assert err.startswith("kerascnn: an abort in TensorFlow ended the process: F0000 env.cc:84]")
    assert "Check failed: no thread. Too little memory is the usual reason" in err
    assert len(err.splitlines()) == 1


def test_a_limit_of_memory_is_named():
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000,) * 2)\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + BEGIN + "os.abort()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Its memory is limited to 3.0 GB (ulimit -v): allow it more." in done.stderr


def test_a_segmentation_fault_is_one_line():
    code, _, err = ended("ctypes.string_at(0)")
    assert code == 2
    assert "a segmentation fault in TensorFlow ended the process: it said nothing." in err


def test_a_worker_killed_by_the_system_is_told_and_ends_so():
    code, _, err = ended("os.kill(os.getpid(), signal.SIGKILL)")
    assert code == -signal.SIGKILL
    assert "the process was killed, as systems do where memory ends" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_reach_the_worker(number):
    process = started(
        """
        def heard(number, frame):
            print("heard", number); sys.exit(7)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, heard)
        print("ready", flush=True)
        while True:
            signal.pause()
        """
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (7, f"heard {int(number)}\n", "")


def test_an_interrupt_is_one_line():
    process = started(
        """
        from kerascnn.cli import benchmark, main
        def measure(**_):
            print("ready", flush=True)
            while True:
                time.sleep(1)
        benchmark.command.callback = measure
        main.main(["benchmark", "a.tflite"])
        """
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.strip() == "kerascnn: interrupted"


def is_alive(process):
    """Whether a process still runs, after a few seconds at most; a dead one may wait for init."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True


def test_the_worker_ends_with_its_supervisor(tmp_path):
    process = started("print(os.getpid(), flush=True); sys.stdin.read()", TMPDIR=str(tmp_path))
    worker = int(process.stdout.readline())
    assert worker != process.pid
    assert len(os.listdir(tmp_path)) == 2  # temporary files and their lock
    process.kill()
    process.wait()
    process.stdout.read()  # ends when the worker does
    assert not is_alive(worker)
    # What it left goes with the next one, which leaves nothing itself.
    ended("pass", TMPDIR=str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_temporary_files_are_in_a_folder_of_their_own(tmp_path):
    code = (
        "import tempfile; tempfile.mkdtemp(); print(tempfile.gettempdir() == os.environ['TMPDIR'])"
    )
    assert ended(code, TMPDIR=str(tmp_path)) == (0, "True\n", "")
    assert os.listdir(tmp_path) == []
