"""The command line in odd surroundings: narrow terminals, closed streams, other encodings."""

import os
import subprocess
import sys
import textwrap

import pytest
from rich.console import Console

from kerascnn import catalog
from kerascnn.cli import console, keras_backend, progress, streams
from kerascnn.cli.main import COMMANDS, _explain

# The command line as it is installed; what is asked of it here loads no TensorFlow.
KERASCNN = [sys.executable, "-m", "kerascnn"]


def run(*arguments, shell=None, **variables):
    """A finished process of the command line; `shell` is what follows it on a line of sh."""
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | variables
    command = [*KERASCNN, *arguments]
    if shell is not None:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, errors="replace"
    )


def python(code, **variables):
    """A finished process that runs some code."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        check=False,
        env=os.environ | variables,
    )


def test_the_bare_command_shows_its_help():
    bare, helped = run(), run("--help")
    assert bare.returncode == helped.returncode == 0
    assert bare.stdout == helped.stdout
    lines = bare.stdout.splitlines()
    for name in COMMANDS:
        assert any(line.split()[:1] == [name] for line in lines)


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_fits_the_terminal(name, columns, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    _, out, _ = call(*([name] if name else []), "--help")
    assert max(map(len, out.splitlines())) <= int(columns)


def test_each_command_has_one_line_in_the_help(monkeypatch, call):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call("--help")
    assert [line for line in out.splitlines() if line.startswith("   ")] == []


@pytest.mark.parametrize("arguments", [["models", "--nonsense"], ["predict"], ["nonsense"]])
def test_wrong_usage_names_the_help(arguments, call):
    code, _, err = call(*arguments)
    assert code == 2
    assert "--help` explains it" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("columns", ["80", "120", ""])
def test_tables_break_no_names(columns):
    done = run("models", COLUMNS=columns)
    names = [line.split()[0] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert names == ["name", *catalog.list_models(task=None)]
    assert max(map(len, done.stdout.splitlines())) <= int(columns or 160)


def test_a_table_leaves_out_what_has_no_room_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(console, "out", Console(width=40, force_terminal=True, no_color=True))
    rows = [("a_layer_with_a_long_name", "Conv2D", "1,234,567", "12.3 MB")]
    console.show_table(
        "layers", ("layer", "kind", "weights", "memory"), rows, texts=["kind"], optional=["memory"]
    )
    told = capsys.readouterr()
    assert "a_layer_with_a_long_name" not in told.out  # it is folded, the number is not
    assert "1,234,567" in told.out
    assert "12.3 MB" not in told.out
    assert "no room for: memory" in told.err


@pytest.mark.parametrize("name", ["[/red]", "[bold]x", ":cat:", "caf\udce9", "a\nb", "\x1b[31mred"])
def test_names_are_shown_as_they_are(name, capsys):
    console.show_table(name, (name,), [(name,)])
    console.say(name)
    console.note(name)
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert all(line in told.out for line in streams.visible(name).split("\\n"))


SHOW = """
from kerascnn.cli import console, streams
streams.set_up()
console.show_table("\\xdf", ("\\u0436",), [("\\u65e5",), ("caf\\udce9",), ("\\U0001f600",)])
console.say("\\u0436"); console.note("\\u0436"); console.next_steps("\\u0436")
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "latin-1", "utf-16"])
def test_every_encoding_is_written(encoding):
    done = python(SHOW, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    expected = "\u0436" if encoding.startswith("utf") else "\\u0436"
    assert expected in done.stdout.decode(encoding)
    assert expected in done.stderr.decode(encoding)


def test_a_c_locale_is_no_obstacle():
    done = python(SHOW, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_is_no_error():
    done = run("models", shell="| head -n 1")
    assert done.stdout.startswith("name ")
    assert done.stderr.splitlines()[:1] == ["next: kerascnn summary MLP"] or not done.stderr
    code = run("models", shell="| true; exit ${PIPESTATUS:-0}").returncode
    assert code == 0


def test_a_broken_pipe_ends_quietly():
    """Reading ends before anything is written."""
    with subprocess.Popen(
        [*KERASCNN, "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        process.wait()
        assert process.returncode == 0
        assert process.stderr.read() == ""


def test_output_that_cannot_be_written_is_one_line():
    done = run("models", shell=">/dev/full")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "kerascnn: the output: No space left on device."
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["2>/dev/full", "2>&-", "<&-"])
def test_results_come_without_a_place_for_notes(shell):
    done = run("models", "lenet*", shell=shell)
    assert done.returncode == 0
    assert "LeNet5" in done.stdout


@pytest.mark.parametrize("shell", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_crash(shell):
    done = run("models", "lenet*", shell=shell)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_file_opened_later_does_not_get_what_libraries_print(tmp_path):
    done = python(
        f"""
        import os
        os.close(1); os.close(2)
        from kerascnn.cli import streams
        streams.set_up()
        with open({str(tmp_path / "mine")!r}, "w") as file:
            os.write(1, b"noise"); os.write(2, b"noise")
            file.write("mine")
        """
    )
    assert done.returncode == 0
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KERAS_BACKEND", "bogus", "KERAS_BACKEND must be one of tensorflow, jax, torch"),
        ("KERAS_BACKEND", "numpy", "KERAS_BACKEND must be one of tensorflow, jax, torch"),
        ("OMP_NUM_THREADS", "bogus", "OMP_NUM_THREADS must be a number of threads"),
        ("TF_NUM_INTRAOP_THREADS", "-1", "TF_NUM_INTRAOP_THREADS must be a number"),
    ],
)
def test_variables_that_keras_would_stumble_over(name, value, message):
    done = run("summary", "LeNet5", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"kerascnn: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_a_backend_that_is_not_installed(monkeypatch, call):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = call("summary", "LeNet5")
    assert code == 2
    assert "the package torch is not installed: pip install torch, or unset KERAS_BACKEND" in err


def test_a_package_that_cannot_be_loaded_is_one_line(monkeypatch, call):
    monkeypatch.setattr(keras_backend, "check_environment", lambda: None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    code, _, err = call("summary", "LeNet5")
    assert code == 2
    assert "Keras and TensorFlow cannot be loaded: " in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits of addresses are Linux's")
def test_too_little_memory_to_load_tensorflow_is_one_line():
    limited = subprocess.run(
        ["sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh", *KERASCNN, "summary", "LeNet5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert limited.returncode == 2
    assert limited.stderr.startswith("kerascnn: the memory of this process is limited to 1.0 GB")
    assert len(limited.stderr.splitlines()) == 1


class ResourceExhaustedError(Exception):
    """As TensorFlow's is called."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is not enough memory: MemoryError"),
        (MemoryError("Unable to allocate 5 TiB"), "not enough memory: Unable to allocate 5 TiB"),
        (
            ResourceExhaustedError("OOM when allocating\n\n[Op:Mul]"),
            "enough memory: OOM when alloc",
        ),
        (ResourceExhaustedError("x; No space left on device"), "the disk is full: x; No space"),
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device."),
        (PermissionError(13, "Permission denied", "/a/b"), "/a/b: Permission denied."),
    ],
)
def test_errors_of_the_machine_are_bad_input_in_words(error, message):
    told, code = _explain(error)
    assert code == 2
    assert message in told


def test_lines_are_cut_in_the_middle_and_show_what_is_in_them(call, before_tensorflow, tmp_path):
    _, _, err = call("predict", tmp_path / "a\nb\x1b[31mc\u202e", "x.png")
    assert "a\\nb\\x1b[31mc" in err
    assert len(err.splitlines()) == 1
    long = "d/" * 500 + "end"
    _, _, err = call("predict", long, "x.png")
    assert len(err) <= len("kerascnn: \n") + streams.LINE
    assert err.startswith("kerascnn: no such file or folder: d/d/")
    assert err.endswith("d/end.\n")
    _, _, err = call("--debug", "predict", long, "x.png")
    assert long in err.splitlines()[-1]


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_the_progress_bar_has_room_for_all_of_it(columns, monkeypatch, capsys):
    terminal = Console(width=columns, force_terminal=True, stderr=True, no_color=True)
    monkeypatch.setattr(progress, "err", terminal)
    bar = progress.TrainingProgress()
    bar.set_params({"epochs": 200, "steps": 1000})
    bar.on_train_begin()
    bar.on_epoch_begin(199)
    logs = {"loss": 1.23456, "accuracy": 0.98765, "val_loss": 0.5, "val_accuracy": 0.91234}
    bar.on_epoch_end(199, logs)
    shown = "".join(segment.text for segment in terminal.render_lines(bar._bar)[0])
    bar.close()
    capsys.readouterr()
    assert "epoch 200/200" in shown
    assert "validation 0.9123" in shown
    assert shown.count(":") == 4  # elapsed and remaining, both whole
    assert shown.count("━") + shown.count("╸") + shown.count("╺") >= 10
    assert ("accuracy 0.9877" in shown) == (columns >= 110)


def test_the_temporary_folder_is_left_as_it_was(tmp_path):
    assert run("models", "lenet*", TMPDIR=str(tmp_path)).returncode == 0
    assert os.listdir(tmp_path) == []
