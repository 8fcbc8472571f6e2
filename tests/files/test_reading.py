"""What a user names is read if it is a regular file, and refused in one sentence if not."""

import os
import socket

import pytest

from kerascnn.errors import DataError, InputError
from kerascnn.files import check_file, read_bytes, read_text


def test_regular_files_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9")
    assert read_text("~/a.txt") == "café"
    assert read_bytes(tmp_path / "a.txt", most=8).endswith(b"\xa9")
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    assert check_file(tmp_path / "link") == tmp_path / "link"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (os.mkfifo, "a named pipe"),
        (os.mkdir, "a folder"),
        (lambda path: os.symlink("/dev/zero", path), "a device"),
    ],
)
@pytest.mark.parametrize("read", [check_file, read_bytes, read_text])
def test_anything_else_is_refused_without_opening_it(read, make, name, tmp_path):
    make(tmp_path / "odd")
    with pytest.raises(DataError, match=f"odd is {name}, not a file. Give .* weight file"):
        read(tmp_path / "odd", "weight file", error=DataError)


def test_sockets_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(InputError, match="a socket"):
            check_file("s")


def test_a_pipe_that_comes_after_the_check_does_not_hang(tmp_path, monkeypatch):
    from kerascnn.files import reading

    os.mkfifo(tmp_path / "odd")
    monkeypatch.setattr(reading, "check_file", lambda path, *_, **__: path)
    with pytest.raises(InputError, match="a named pipe"):
        read_bytes(tmp_path / "odd")


def test_too_much_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)  # no byte of it on the disk
    with pytest.raises(InputError, match="larger than a manifest can be: more than 1,000 bytes"):
        read_bytes(tmp_path / "huge", "manifest", most=1000)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such weight file: .*absent"):
        check_file(tmp_path / "absent", "weight file")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="no such file"):
        check_file(tmp_path / "file" / "below")
    with pytest.raises(InputError, match=r"cannot read .*: File name too long"):
        check_file(tmp_path / ("a" * 300))


def test_text_in_another_encoding_is_said(tmp_path):
    (tmp_path / "a.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_text(tmp_path / "a.txt")
