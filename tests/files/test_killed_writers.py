"""Writers killed at every single operation: the old content or the new, and it can be done again.

No line of a writer is left out: the process is killed before its first change of the disk, before
its second one, and so on.
"""

import os

import killing
import pytest
from belongings import NOTES, PNG, THING, make_thing, snapshot

from kerascnn import files
from kerascnn.files import atomic_file, atomic_folder, temporary_folder


def write_thing(folder, text):
    def work():
        with atomic_folder(folder / "thing", THING, overwrite=True) as temporary:
            make_thing(temporary, text)

    return work


def write_file(folder, text):
    def work():
        with atomic_file(folder / "a.png", files.PNG, overwrite=True) as temporary:
            temporary.write_bytes(PNG + text.encode())

    return work


def thing(text):
    return {"thing/inner/value": text.encode(), "thing/thing.json": b'{"a": 1}'}


def file(text):
    return {"a.png": PNG + text.encode()}


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize(("write", "content"), [(write_thing, thing), (write_file, file)])
def test_old_or_new_and_it_can_be_done_again(write, content, is_new, tmp_path):
    def begin(place):
        place.mkdir()
        (place / "notes.txt").write_text(NOTES)
        if not is_new:
            write(place, "old")()

    mine = {"notes.txt": NOTES.encode()}
    begin(tmp_path / "counted")
    operations = killing.count(write(tmp_path / "counted", "new"), tmp_path / "counted")
    assert operations >= 5
    for moment in range(1, operations + 1):
        place = tmp_path / str(moment)
        begin(place)
        killing.kill(write(place, "new"), place, moment)
        seen = {name: data for name, data in snapshot(place).items() if "kerascnn" not in name}
        between = mine  # while a folder waits to be put back
        assert seen in (mine | content("new"), mine if is_new else mine | content("old"), between)
        with files.claim(place / "other"):  # whoever comes next puts it back
            pass
        old = mine if is_new else mine | content("old")
        assert snapshot(place) in (mine | content("new"), old)
        write(place, "newer")()
        assert snapshot(place) == mine | content("newer")
        assert not [name for name in os.listdir(place) if name.startswith(".")]


def test_temporary_folders_of_killed_processes_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def work():
        with temporary_folder() as folder:
            (folder / "features").mkdir()
            (folder / "features" / "big").write_text("big")

    for moment in range(1, killing.count(work, tmp_path) + 1):
        killing.kill(work, tmp_path, moment)
    killing.run(work, tmp_path)
    assert os.listdir(tmp_path) == []
