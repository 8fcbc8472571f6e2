"""Old content, new content, nothing in between; and nothing of another kind is replaced."""

import errno
import os
import shutil
import stat

import pytest
from belongings import CONTENTS, NOTES, PNG, THING, make_photos, make_thing, snapshot

from kerascnn import files
from kerascnn.errors import InputError, OutputExistsError
from kerascnn.files import atomic_file, atomic_folder, refuse_existing, user_path, write_text

KINDS = {
    "png": files.PNG,
    "gif": files.GIF,
    "svg": files.SVG,
    "html": files.HTML,
    "tflite": files.TFLITE,
    "keras": files.KERAS,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_replaced_by_one_of_its_kind_only(kind, content, tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(CONTENTS[content])
    if kind == content:
        with atomic_file(path, KINDS[kind], overwrite=True) as temporary:
            temporary.write_bytes(CONTENTS[kind] + b" new")
        assert path.read_bytes() == CONTENTS[kind] + b" new"
    else:
        with (
            pytest.raises(OutputExistsError, match="is not replaced: it is not"),
            atomic_file(path, KINDS[kind], overwrite=True),
        ):
            pytest.fail("the work was begun")
        assert path.read_bytes() == CONTENTS[content]
    assert os.listdir(tmp_path) == ["mine"]


def test_without_overwrite_nothing_is_replaced(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with pytest.raises(OutputExistsError, match=r"output exists: .*a\.png.*--overwrite"):
        refuse_existing(path, files.PNG)
    path.write_bytes(b"")
    with pytest.raises(OutputExistsError, match="output exists"):
        refuse_existing(path, files.PNG)
    refuse_existing(path, files.PNG, overwrite=True)  # an empty file is nobody's work


def test_a_folder_and_a_file_are_not_replaced_by_each_other(tmp_path):
    photos = make_photos(tmp_path / "photos")
    (tmp_path / "file").write_text(NOTES)
    with pytest.raises(OutputExistsError, match="is a folder, not a PNG image"):
        refuse_existing(photos, files.PNG, overwrite=True)
    with pytest.raises(OutputExistsError, match="is a file, not a thing"):
        refuse_existing(tmp_path / "file", THING, overwrite=True)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/null", path)])
def test_pipes_and_devices_are_not_replaced(make, tmp_path):
    make(tmp_path / "odd.png")
    with pytest.raises(OutputExistsError, match="no regular file"):
        refuse_existing(tmp_path / "odd.png", files.PNG, overwrite=True)


def test_a_folder_of_the_kind_is_replaced(tmp_path):
    make_thing(tmp_path / "thing", "old")
    (tmp_path / "thing" / ".DS_Store").write_bytes(b"a desktop's")
    with atomic_folder(tmp_path / "thing", THING, overwrite=True) as temporary:
        make_thing(temporary, "new")
        assert (tmp_path / "thing" / "inner" / "value").read_text() == "old"
    assert (tmp_path / "thing" / "inner" / "value").read_text() == "new"
    assert os.listdir(tmp_path) == ["thing"]


@pytest.mark.parametrize(
    "mine", ["notes.txt", "inner2/photo.jpg", ".hidden", "empty/", "link", "thing.json.bak"]
)
def test_a_folder_with_something_of_the_users_in_it_is_refused_by_name(mine, tmp_path):
    make_thing(tmp_path / "thing")
    path = tmp_path / "thing" / mine
    if mine == "link":
        path.symlink_to(tmp_path)
    elif mine.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(NOTES)
    before = snapshot(tmp_path)
    with (
        pytest.raises(OutputExistsError, match=f"is a thing, but '{mine}' in it is not part"),
        atomic_folder(tmp_path / "thing", THING, overwrite=True),
    ):
        pytest.fail("the work was begun")
    assert snapshot(tmp_path) == before


def test_a_folder_of_another_kind_is_refused(tmp_path):
    photos = make_photos(tmp_path / "photos")
    before = snapshot(tmp_path)
    with (
        pytest.raises(OutputExistsError, match=r"is not a thing .it holds 'notes\.txt'"),
        atomic_folder(photos, THING, overwrite=True),
    ):
        pytest.fail("the work was begun")
    assert snapshot(tmp_path) == before


def write_thing(path, text="new", before_the_end=lambda: None):
    with atomic_folder(path, THING, overwrite=True) as temporary:
        make_thing(temporary, text)
        before_the_end()


def write_png(path, before_the_end=lambda: None):
    with atomic_file(path, files.PNG, overwrite=True) as temporary:
        temporary.write_bytes(PNG)
        before_the_end()


def test_what_the_user_puts_there_meanwhile_is_not_replaced(tmp_path):
    def put():
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / "mine").write_text(NOTES)
        (tmp_path / "a.png").write_text(NOTES)

    with pytest.raises(OutputExistsError):
        write_thing(tmp_path / "thing", before_the_end=put)
    shutil.rmtree(tmp_path / "thing")
    (tmp_path / "a.png").unlink()
    with pytest.raises(OutputExistsError):
        write_png(tmp_path / "a.png", before_the_end=put)
    assert snapshot(tmp_path) == {"thing/mine": NOTES.encode(), "a.png": NOTES.encode()}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_what_was_there_and_nothing_else(error, tmp_path):
    def stop():
        raise error("stop")

    make_thing(tmp_path / "thing")
    (tmp_path / "a.png").write_bytes(PNG + b"old")
    before = snapshot(tmp_path)
    with pytest.raises(error):
        write_thing(tmp_path / "thing", before_the_end=stop)
    with pytest.raises(error):
        write_png(tmp_path / "a.png", before_the_end=stop)
    assert snapshot(tmp_path) == before


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    make_thing(tmp_path / "thing", "old")
    replace = os.replace

    def fail(source, target):
        is_new = "replaced" not in f"{source}{target}"
        if is_new and os.path.basename(target) == "thing":
            raise OSError(errno.EIO, "input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="input/output error"):
        write_thing(tmp_path / "thing")
    assert (tmp_path / "thing" / "inner" / "value").read_text() == "old"
    assert os.listdir(tmp_path) == ["thing"]


def test_a_mount_point_is_filled_not_renamed(tmp_path, monkeypatch):
    place = tmp_path / "mounted"
    place.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: os.fspath(path) == str(place.resolve()))
    number = place.stat().st_ino
    for text in ("old", "new"):
        with atomic_folder(place, THING, overwrite=True) as temporary:
            make_thing(temporary, text)
        assert (place / "inner" / "value").read_text() == text
    assert place.stat().st_ino == number
    assert sorted(os.listdir(place)) == ["inner", "thing.json"]
    assert os.listdir(tmp_path) == ["mounted"]


def test_links_are_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "thing")
    with atomic_folder(tmp_path / "out", THING) as temporary:
        make_thing(temporary)
    (tmp_path / "a.png").symlink_to(tmp_path / "disk" / "b.png")
    with atomic_file(tmp_path / "a.png", files.PNG) as temporary:
        temporary.write_bytes(PNG)
    assert (tmp_path / "disk" / "thing" / "thing.json").is_file()
    assert (tmp_path / "disk" / "b.png").read_bytes() == PNG
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "a.png").is_symlink()


def test_modes_are_those_of_other_new_files_or_of_what_is_replaced(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "new.txt", "text", files.TEXT)
        with atomic_folder(tmp_path / "thing", THING) as temporary:
            make_thing(temporary)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "thing").stat().st_mode) == 0o750
    (tmp_path / "new.txt").chmod(0o600)
    write_text(tmp_path / "new.txt", "again", files.TEXT)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o600


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_target_below_a_file_is_refused(overwrite, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"notes\.txt is a file"):
        refuse_existing(tmp_path / "notes.txt" / "deep" / "run", THING, overwrite)


def test_new_and_empty_folders_are_free(tmp_path):
    refuse_existing(tmp_path, THING)
    refuse_existing(tmp_path / "new" / "run", THING)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "a" * 251 + ".png"])
def test_names_as_long_as_file_systems_take(name, tmp_path):
    with atomic_file(tmp_path / name, files.PNG) as temporary:
        temporary.write_bytes(PNG)
    with atomic_folder(tmp_path / "f" / name, THING) as temporary:
        make_thing(temporary)
    assert sorted(os.listdir(tmp_path)) == sorted([name, "f"])


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "/".join(["a" * 200] * 30)])
def test_names_that_are_longer_are_refused(name, tmp_path):
    with pytest.raises(InputError, match="too long"):
        refuse_existing(tmp_path / name, files.PNG)


def test_home_folders_are_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_text("~/a.txt", "text", files.TEXT)
    assert (tmp_path / "a.txt").read_text() == "text"
    assert user_path("~/a.txt") == tmp_path / "a.txt"
    assert str(user_path("./~")) == "~"
    assert str(user_path("~nobody-of-this-name/a")) == "~nobody-of-this-name/a"


@pytest.mark.parametrize("path", ["", "a\0b", None, 5])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError):
        user_path(path)


def test_halves_of_characters_are_escaped(tmp_path):
    write_text(tmp_path / "a.txt", "caf\udce9 é", files.TEXT)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "caf\\udce9 é"
