"""One writer at a time, and what killed writers left goes with the next."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from belongings import THING, make_thing

from kerascnn.errors import OutputInUseError
from kerascnn.files import atomic_folder, claim, claims, temporary_folder

WAIT = """
import sys
from pathlib import Path
from kerascnn import files
THING = files.FolderKind("a thing", "thing.json", lambda mark: ())
with {work}:
    print("ready", flush=True)
    sys.stdin.read()
"""


class Writer:
    """A process in the midst of some work on a path, until it is killed or left to end."""

    def __init__(self, work: str):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WAIT.format(work=work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(autouse=True)
def few_tries(monkeypatch):
    monkeypatch.setattr(claims, "_TRIES", 2)


WORKS = {
    "claim": "files.claim(Path({path!r}))",
    "file": "files.atomic_file({path!r}, files.PNG)",
    "folder": "files.atomic_folder({path!r}, THING)",
}


@pytest.mark.parametrize("work", WORKS)
def test_a_second_writer_is_told_who_is_first(work, tmp_path):
    path = str(tmp_path / "deep" / "out")
    with Writer(WORKS[work].format(path=path)) as process:
        with (
            pytest.raises(OutputInUseError, match=rf"another process .number {process.pid}."),
            claim(Path(path)),
        ):
            pytest.fail("both have it")
        with claim(tmp_path / "deep" / "other"):
            pass
    with claim(Path(path)):
        pass


@pytest.mark.parametrize("work", WORKS)
def test_a_killed_writer_holds_nothing_and_its_files_are_swept(work, tmp_path):
    with Writer(WORKS[work].format(path=str(tmp_path / "out"))) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert os.listdir(tmp_path)  # hidden files
    with claim(tmp_path / "another"):  # in the same folder
        assert os.listdir(tmp_path) == [".another.kerascnn-lock"]
    assert os.listdir(tmp_path) == []


def test_a_living_writer_keeps_its_files(tmp_path):
    with Writer(WORKS["folder"].format(path=str(tmp_path / "out"))):
        before = set(os.listdir(tmp_path))
        with claim(tmp_path / "another"):
            assert before <= set(os.listdir(tmp_path))
        assert set(os.listdir(tmp_path)) == before


def test_files_of_others_are_not_swept(tmp_path):
    for name in (".hidden", ".a.kerascnn", "a.kerascnn-1", ".kerascnn-x", ".a-old", "a"):
        (tmp_path / name).write_text("mine")
    before = sorted(os.listdir(tmp_path))
    with claim(tmp_path / "out"):
        pass
    assert sorted(os.listdir(tmp_path)) == before


def test_what_waited_to_be_replaced_is_put_back(tmp_path):
    """The writer was killed between two renames."""
    make_thing(tmp_path / ".out.kerascnn-replaced" / "out", "old")
    with claim(tmp_path / "other"):
        assert (tmp_path / "out" / "inner" / "value").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]
    make_thing(tmp_path / ".out.kerascnn-replaced" / "out", "older")
    with claim(tmp_path / "out"):  # another had taken its place
        assert (tmp_path / "out" / "inner" / "value").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_blocks_of_one_process_share_a_claim(tmp_path):
    with claim(tmp_path / "out"):
        with claim(tmp_path / "." / "out"), atomic_folder(tmp_path / "out", THING) as temporary:
            make_thing(temporary)
        assert ".out.kerascnn-lock" in os.listdir(tmp_path)
    assert os.listdir(tmp_path) == ["out"]


def test_a_link_and_what_it_leads_to_are_one_place(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "thing")
    work = WORKS["claim"].format(path=str(tmp_path / "disk" / "thing"))
    with Writer(work), pytest.raises(OutputInUseError), claim(tmp_path / "out"):
        pytest.fail("both have it")


def _child_has_nothing(path, answer):
    try:
        with claim(path):
            answer.put("claimed")
    except OutputInUseError:
        answer.put("refused")


def test_a_forked_process_does_not_inherit_a_claim(tmp_path):
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    with claim(tmp_path / "out"):
        child = context.Process(target=_child_has_nothing, args=(tmp_path / "out", answer))
        child.start()
        child.join()
        assert answer.get() == "refused"
        assert ".out.kerascnn-lock" in os.listdir(tmp_path)


def test_folders_made_for_a_claim_go_with_it(tmp_path):
    with claim(tmp_path / "a" / "b" / "out"):
        assert (tmp_path / "a" / "b").is_dir()
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_locks_still_tells_processes_apart(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    lock_file = claims._lock_file

    def lock(descriptor):
        if "/tmp/." not in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOLCK, "No locks available")
        return lock_file(descriptor)

    monkeypatch.setattr(claims, "_lock_file", lock)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".x.kerascnn-1").write_text("who knows whose")
    with claim(tmp_path / "out" / "run"):
        assert os.listdir(tmp_path / "tmp")
        assert os.listdir(tmp_path / "out") == [".x.kerascnn-1"]
    assert os.listdir(tmp_path / "tmp") == []


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".out.kerascnn"))

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(PermissionError, match=r"Permission denied: '.*/out'$"),
        claim(tmp_path / "out"),
    ):
        pytest.fail("it was claimed")


def test_a_lock_does_not_follow_links(tmp_path):
    """In a folder that everybody may write, one could lead to a file of the user's."""
    (tmp_path / "mine").write_text("precious")
    (tmp_path / ".x.kerascnn-lock").symlink_to(tmp_path / "mine")
    (tmp_path / ".x.kerascnn-1").write_text("")
    with claim(tmp_path / "out"):
        pass
    assert (tmp_path / "mine").read_text() == "precious"


def test_temporary_folders_of_the_dead_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Writer("files.temporary_folder()") as process:
        (name,) = [n for n in os.listdir(tmp_path) if not n.endswith("-lock")]
        (tmp_path / name / "big").write_text("features")
        with temporary_folder() as folder:
            assert folder.is_dir()
            assert (tmp_path / name / "big").exists()
        process.kill()
        process.wait()
    with temporary_folder() as folder:
        assert sorted(os.listdir(tmp_path))[0] == folder.name
        assert not (tmp_path / name).exists()
    assert os.listdir(tmp_path) == []


LETTERS = """
import sys
from kerascnn import files
from kerascnn.errors import OutputInUseError
try:
    with files.atomic_file(sys.argv[1], files.PNG, overwrite=True) as temporary:
        temporary.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n" + sys.argv[2].encode() * 1000)
except OutputInUseError:
    sys.exit(7)
"""


def test_twenty_writers_of_one_file_end_with_one_of_them(tmp_path):
    """Whoever comes too late says so; the file is whole."""
    processes = [
        subprocess.Popen([sys.executable, "-c", LETTERS, str(tmp_path / "a.png"), letter])
        for letter in "abcdefghijklmnopqrst"
    ]
    codes = {process.wait() for process in processes}
    assert codes <= {0, 7}
    assert 0 in codes
    content = (tmp_path / "a.png").read_bytes()
    assert len(content) == 1008
    assert len(set(content[8:])) == 1
    assert os.listdir(tmp_path) == ["a.png"]
