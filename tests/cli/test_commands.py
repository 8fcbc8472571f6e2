"""The command line as a user meets it: exit codes, one clear line, JSON that parses."""

import contextlib
import io
import json
import resource
import subprocess
import sys

import fresh
import numpy as np
import pytest
from PIL import Image

from kerascnn.cli.main import COMMANDS, main


@pytest.fixture(scope="session")
def digit(run):
    from kerascnn.training import open_run

    images, labels = open_run(run).data().arrays("test")
    path = run.parent / "digit.png"
    Image.fromarray(images[0, :, :, 0]).save(path)
    return path, str(labels[0])


def test_help_lists_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, call):
    code, out, _ = call(name, "--help")
    assert code == 0
    assert "Usage" in out


def test_train_prints_json_and_nothing_else(tmp_path):
    arguments = ["train", "digits", "-m", "LeNet5", "-o", str(tmp_path / "run"), "--epochs", "1"]
    options = ["--option", "activation=relu", "--option", "dropout=0.1", "--image-size", "32x40"]
    done = subprocess.run(
        [sys.executable, "-m", "kerascnn", *arguments, *options, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 0 <= json.loads(done.stdout)["metrics"]["test"]["accuracy"] <= 1
    assert "oneDNN" not in done.stderr
    assert "WARNING" not in done.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["options"] == {"activation": "relu", "dropout": 0.1}
    assert config["input_shape"] == [32, 40, 1]


def accuracy(out):
    results = json.loads(out)["results"]
    return {name: value["accuracy"] for name, value in results.items()}


def test_evaluate_agrees_over_all_kinds_of_files(run, bundle, call, tmp_path):
    metrics = json.loads((run / "metrics.json").read_text())["test"]["accuracy"]
    code, out, _ = call("evaluate", run, "--json")
    assert code == 0
    assert accuracy(out) == {"model.keras": pytest.approx(metrics)}
    _, out, _ = call("evaluate", run / "model.keras", "--data", "digits", "--json")
    assert accuracy(out) == {"model.keras": pytest.approx(metrics)}
    _, out, _ = call("evaluate", bundle, "--data", "digits", "--json")
    assert accuracy(out)["float32"] == pytest.approx(metrics)
    assert accuracy(out)["int8"] == pytest.approx(metrics, abs=0.02)
    int8 = bundle / "lenet5_int8.tflite"
    _, out, _ = call("evaluate", int8, "--data", "digits", "--json")
    assert accuracy(out) == {"int8": pytest.approx(metrics, abs=0.02)}


def test_evaluate_takes_a_saved_model(run, call, tmp_path):
    from kerascnn import load_model
    from kerascnn.export import export_saved_model

    export_saved_model(load_model(run / "model.keras"), tmp_path / "saved")
    _, expected, _ = call("evaluate", run, "--json")
    code, out, err = call("evaluate", tmp_path / "saved", "--data", "digits", "--json")
    assert code == 0, err
    assert accuracy(out)["saved"] == pytest.approx(accuracy(expected)["model.keras"])


def test_evaluate_prints_a_table(run, call):
    code, out, _ = call("evaluate", run)
    assert code == 0
    assert "accuracy" in out
    assert "per class" in out


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_predict_names_the_digit(kind, run, bundle, digit, call):
    path, label = digit
    code, out, _ = call("predict", {"run": run, "bundle": bundle}[kind], path, "--json")
    assert code == 0
    (answer,) = json.loads(out)
    assert answer["predictions"][0]["label"] == label
    assert len(answer["predictions"]) == 3
    total = sum(guess["probability"] for guess in answer["predictions"])
    assert 0.3 < total <= 1.05


def test_predict_prints_one_line_per_image(run, digit, call):
    code, out, _ = call("predict", run, digit[0], digit[0], "--top", "2")
    assert code == 0
    assert len(out.strip().splitlines()) == 2


def test_export_chooses_a_recipe_and_shows_sensitive_layers(run, tmp_path, call):
    code, out, err = call(
        *("export", run, "-o", tmp_path / "best.tflite", "--recipes", "auto"),
        *("--sensitivity", tmp_path / "layers.png", "--accuracy-drop", "0.05"),
    )
    assert code == 0
    assert "layers that lose most in int8" in out
    assert "taken" in err
    assert (tmp_path / "layers.png").stat().st_size > 1000
    assert (tmp_path / "best.tflite").exists()


def test_export_writes_a_saved_model_too(run, tmp_path, call):
    code, out, err = call(
        *("export", run, "-o", tmp_path / "bundle", "--recipes", "float32"),
        *("--saved-model", tmp_path / "saved"),
    )
    assert code == 0, err
    assert (tmp_path / "saved" / "saved_model.pb").is_file()
    assert "float32" in out


def test_benchmark_measures_every_file_of_a_bundle(bundle, call):
    code, out, _ = call("benchmark", bundle, "--runs", "5", "--json")
    assert code == 0
    rows = json.loads(out)
    assert len(rows) == 2
    assert all(row["median_ms"] > 0 for row in rows)
    assert rows[0]["ratio"] == 1


def photo(path, color=(200, 30, 30), size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


@pytest.fixture
def bad(tmp_path, run, bundle):
    """Places where something is wrong, by name."""
    photo(tmp_path / "one_class" / "cats" / "a.jpg")
    photo(tmp_path / "one_class" / "cats" / "b.jpg")
    for name in ("a", "b", "c"):
        photo(tmp_path / "single" / "cats" / f"{name}.jpg")
    photo(tmp_path / "single" / "dogs" / "a.jpg")
    (tmp_path / "empty").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "unreadable" / name).mkdir(parents=True)
        (tmp_path / "unreadable" / name / "a.jpg").write_text("text")
    (tmp_path / "text.jpg").write_text("this is no image")
    (tmp_path / "random.tflite").write_bytes(np.random.default_rng(0).bytes(5000))
    whole = (bundle / "lenet5_float32.tflite").read_bytes()
    (tmp_path / "short.tflite").write_bytes(whole[: len(whole) // 2])
    return {"tmp": tmp_path, "run": run, "bundle": bundle}


TRAIN = ("train", "{tmp}/SOURCE", "-m", "LeNet5", "-o", "{tmp}/out")


def on(source, *more):
    return (*(part.replace("SOURCE", source) for part in TRAIN), *more)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (on("absent"), "no such folder"),
        (on("empty"), "empty"),
        (on("one_class"), "one class"),
        (on("single"), "dogs"),
        (on("unreadable"), "no readable image"),
        (("train", "digits", "-m", "LeNet55", "-o", "{tmp}/out"), "Did you mean: LeNet5"),
        (("train", "digits", "-m", "LeNet5", "-o", "{run}"), "output exists"),
        (("train", "digits", "-m", "LeNet5", "-o", "{tmp}/out", "--option", "x=1"), "no option"),
        (("train", "digits", "-m", "LeNet5", "-o", "{tmp}/out", "--option", "x"), "key=value"),
        (("train", "digits", "-m", "LeNet5", "-o", "{tmp}/out", "--image-size", "8"), "too small"),
        (("train", "digits", "-m", "LeNet5", "-o", "{tmp}/out", "--image-size", "a"), "HEIGHTx"),
        (("train", "tfds:mnits", "-m", "LeNet5", "-o", "{tmp}/out"), "mnist"),
        (("train", "digits"), "missing --model NAME"),
        (("train", "--resume", "-o", "{tmp}/absent"), "not a run folder"),
        (("export", "{run}", "-o", "{tmp}/out", "--recipes", "int9"), "int9"),
        (("export", "{run}", "-o", "{bundle}"), "output exists"),
        (("export", "{bundle}", "-o", "{tmp}/out"), "not a Keras model"),
        (("export", "{run}/model.keras", "-o", "{tmp}/out"), "--data"),
        (("evaluate", "{tmp}/absent"), "no such file or folder"),
        (("evaluate", "{tmp}/text.jpg"), "cannot tell what"),
        (("evaluate", "{tmp}/random.tflite", "--data", "digits"), "random.tflite"),
        (("evaluate", "{tmp}/short.tflite", "--data", "digits"), "short.tflite"),
        (("evaluate", "{bundle}"), "--data"),
        (("evaluate", "{run}", "--recipe", "int8"), "from a bundle only"),
        (("evaluate", "{bundle}", "--recipe", "float16", "--data", "digits"), "float16"),
        (("predict", "{run}", "{tmp}/text.jpg"), "text.jpg"),
        (("predict", "{run}", "{tmp}/absent.jpg"), "absent.jpg"),
        (("benchmark", "{tmp}/absent"), "no such file or bundle"),
        (("benchmark", "{tmp}/random.tflite"), "random.tflite"),
        (("nonsense",), "nonsense"),
        (("train", "digits", "-m", "LeNet5", "-o", "{tmp}/text.jpg/run"), "text.jpg"),
        (("export", "{run}", "-o", "{tmp}/text.jpg/bundle"), "text.jpg"),
    ],
)
def test_bad_input_exits_with_2_and_one_clear_line(arguments, message, bad, call):
    code, out, err = call(*(item.format(**bad) for item in arguments))
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith("kerascnn: ")
    assert message in last
    assert "Traceback" not in err
    assert out == ""
    assert not (bad["tmp"] / "out").exists()


def run_with_small_files(*arguments: str) -> tuple[int, str]:
    """Exit code and last words of a process that cannot write files of more than 30 KB.

    Such a limit fails like a full disk, also for root: here small text files can be written and
    models cannot.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(list(arguments))
        except SystemExit as stop:
            return stop.code, said.getvalue()
    raise AssertionError("the command line did not exit")


@pytest.mark.parametrize("command", ["train", "export"])
def test_a_full_disk_is_one_clear_line_and_leaves_nothing_half_written(command, run, tmp_path):
    arguments = {
        "train": ["train", "digits", "-m", "LeNet5", "--epochs", "1", "-o", str(tmp_path / "out")],
        "export": ["export", str(run), "--recipes", "float32", "-o", str(tmp_path / "out")],
    }[command]
    code, said = fresh.call(run_with_small_files, *arguments)
    assert code == 2, said
    assert said.strip().splitlines()[-1].startswith("kerascnn: ")
    assert "Traceback" not in said
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left <= {"config.json", "labels.txt"}


def test_debug_shows_the_traceback(call, tmp_path):
    code, _, err = call("train", tmp_path / "absent", "-m", "LeNet5", "--debug")
    assert code == 2
    assert "Traceback" in err


def test_corrupt_photos_among_good_ones_are_skipped_and_said(tmp_path, call):
    rng = np.random.default_rng(0)
    for name, color in (("cats", (220, 40, 40)), ("dogs", (40, 40, 220))):
        for index in range(10):
            noise = rng.integers(0, 30, 3)
            photo(tmp_path / "photos" / name / f"{index}.jpg", tuple(color + noise))
    whole = (tmp_path / "photos" / "cats" / "0.jpg").read_bytes()
    (tmp_path / "photos" / "cats" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    code, out, err = call(
        *("train", tmp_path / "photos", "-m", "LeNet5", "-o", tmp_path / "run", "--epochs", "2")
    )
    assert code == 0, err
    assert "skipped" in err
    assert "validation: accuracy" in out
