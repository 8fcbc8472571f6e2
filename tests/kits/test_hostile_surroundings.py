"""The Python kit among pipes, loops of links, odd names, closed streams and crashes."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mutants import refused
from PIL import Image

KIT = Path(__file__).parents[2] / "export" / "python" / "run.py"


@pytest.fixture
def photo(photos, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photos[0]).save(path)
    return path


def shell(command, *arguments, **environment):
    """What a shell's command line ends with; "$KIT" in it is the kit, "$1" the first argument."""
    return subprocess.run(
        ["bash", "-c", command, "bash", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "KIT": f"{sys.executable} {KIT}", **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to("gone"), "No such file"),
        (lambda path: path.write_bytes(b""), "of no known kind"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)), ": "),
    ],
)
def test_what_is_no_image_is_a_line_and_the_next_is_answered(
    call, bundle, photo, tmp_path, make, words
):
    odd = tmp_path / ("long name " * 20 + ".png")
    make(odd)
    result = call(bundle, odd, photo)
    assert refused(result, words)
    assert result.stdout.startswith(f"{photo}: ")


@pytest.mark.parametrize("name", ["manifest.json", "labels.txt", "golden.npz", "report.html"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(path), os.mkdir])
def test_what_is_no_file_of_a_bundle_is_a_line(call, copy, name, make):
    (copy / name).unlink()
    make(copy / name)
    assert refused(call("--selftest", copy), name)


def test_folders_are_walked_without_following_links(call, bundle, photo, tmp_path):
    (tmp_path / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    result = call(bundle, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1


def test_a_bundle_that_is_a_loop_of_links(call, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert refused(call("--selftest", tmp_path / "loop"), "not a bundle")


def test_a_line_is_at_most_a_screen(call, bundle, tmp_path):
    assert refused(call(bundle, "/".join(["a" * 200] * 15)), "aaa", "No such file")
    assert refused(call(bundle, "a" * 300), "aaa", "File name too long")
    assert refused(call("--selftest", bundle, "--recipe", "x" * 100_000), "no recipe", "int8")
    assert refused(call("--selftest", bundle, "--threads", "1" * 100_000), "--threads")
    assert refused(call("--selftest", bundle, "--threads", "99999999999"), "1 to 1024")


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}]
)
def test_labels_and_names_that_the_terminal_has_no_letters_for(bundle, photo, environment):
    odd = os.fsencode(photo.parent) + b"/na\xefve \xff\n.png"
    shutil.copy(photo, odd)
    result = shell('$KIT "$1" "$2" --top 4', str(bundle), odd, **environment, PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert "\\udcff\\n.png: " in result.stdout
    result = shell('$KIT "$1" "$2" "$3"', str(bundle), odd + b"x", str(photo), **environment)
    assert refused(result, "\\udcff", "No such file")


def test_a_bundle_in_a_folder_whose_name_is_no_text(bundle, tmp_path):
    odd = tmp_path / os.fsdecode(b"b\xff")
    shutil.copytree(bundle, odd)
    result = shell('$KIT --selftest "$1"', odd)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        '$KIT "$1" "$2" >&-',
        '$KIT "$1" "$2" >/dev/full',
        '$KIT "$1" "$2" --json >/dev/full',
        '$KIT --selftest "$1" >/dev/full',
        "$KIT --help >/dev/full",
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_answers_that_cannot_be_written_are_a_line(bundle, photo, command, unbuffered):
    result = shell(command, str(bundle), str(photo), PYTHONUNBUFFERED=unbuffered)
    assert refused(result)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_a_line(bundle, photo, unbuffered):
    command = 'mkfifo pipe; $KIT "$1" "$2" "$2" >pipe & exec 3<pipe 3<&-; wait $!'
    result = shell(
        f'cd "$(dirname "$2")"; {command}', str(bundle), str(photo), PYTHONUNBUFFERED=unbuffered
    )
    assert refused(result, "Broken pipe")


def test_errors_without_a_place_to_go_are_still_code_2(bundle, photo):
    assert shell('$KIT "$1" gone.png 2>&-', str(bundle)).returncode == 2
    assert shell('$KIT "$1" gone.png 2>/dev/full', str(bundle)).returncode == 2
    result = shell('$KIT "$1" "$2" 2>&-', str(bundle), str(photo))
    assert (result.returncode, result.stdout.count("\n")) == (0, 1)


def test_ctrl_c_is_no_traceback(kit, call, bundle, photo, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(kit, "load_image", interrupted)
    result = call(bundle, photo)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def forever():
    while True:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="files are tried first on Linux only")
@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGABRT), "crashes with SIGABRT"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed; is the memory too small"),
        (lambda: os.kill(os.getpid(), signal.SIGILL), "lacks instructions"),
        (forever, "computes for more than 0.2 s"),
    ],
)
def test_a_file_that_ends_the_interpreter_is_a_line(kit, call, bundle, monkeypatch, work, words):
    monkeypatch.setattr(kit, "TRIAL_SECONDS", 0.2)
    monkeypatch.setattr(kit, "ImageModel", lambda *arguments: work())
    assert refused(call("--selftest", bundle), "colours_float32.tflite cannot be run", words)


@pytest.mark.parametrize("role", ["scores", "count"])
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_a_model_that_answers_no_number_is_a_line(
    kit, call, bundles, photo, monkeypatch, role, odd
):
    right = kit.ImageModel.run
    monkeypatch.setattr(
        kit.ImageModel, "run", lambda self, pixels: {**right(self, pixels), role: np.array([odd])}
    )
    assert refused(call(bundles["two-outputs"], photo), f"{role} with what is no number")
    result = call("--selftest", bundles["two-outputs"])
    assert (result.returncode, result.stdout.count("FAIL"), result.stderr) == (1, 2, "")
