"""What can be said at once is said at once: before TensorFlow is loaded, the most basic first."""

import json
import os

import pytest
from PIL import Image

from kerascnn.files import HTML, write_text


@pytest.fixture
def places(tmp_path, sketch_run):
    """Places by name: a source, a run, and things that are in the way."""
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8)).save(tmp_path / "photos" / name / f"{number}.png")
    run = sketch_run(tmp_path / "run")
    moved = sketch_run(tmp_path / "moved", tmp_path / "gone")
    unfinished = sketch_run(tmp_path / "unfinished")
    (unfinished / "model.keras").unlink()
    (unfinished / "backup").mkdir()
    (tmp_path / "run-bundle").mkdir()
    (tmp_path / "new-bundle").mkdir()
    (tmp_path / "new-bundle" / "mine.txt").write_text("mine")
    write_text(tmp_path / "page.png", "<html>", HTML)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    (tmp_path / "w.weights.h5").write_bytes(b"")
    (tmp_path / "m.keras").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.keras")
    os.mkfifo(tmp_path / "pipe.csv")
    return {
        "tmp": tmp_path,
        "photos": tmp_path / "photos",
        "run": run,
        "moved": moved,
        "unfinished": unfinished,
    }


TRAIN = ("train", "{photos}", "-m", "LeNet5", "-o", "{tmp}/new")
EXPORT = ("export", "{run}", "-o", "{tmp}/new")
FINE = ("train", "{photos}", "--fine-tune", "-o", "{tmp}/new")
MISTAKES = [
    # train: the source, the model, its options, numbers, names, outputs
    (("train", "{tmp}/absent", "-m", "LeNet5", "-o", "{run}"), "no such folder or source"),
    (("train", "digit", "-m", "LeNet5", "-o", "{tmp}/new"), 'Did you mean "digits"'),
    (("train", "{tmp}/pipe.csv", "-m", "LeNet5", "-o", "{tmp}/new"), "a named pipe"),
    (("train", "a" * 300, "-m", "LeNet5", "-o", "{tmp}/new"), "no such folder or source"),
    (("train", "", "-m", "LeNet5", "-o", "{tmp}/new"), "no such folder or source"),
    (("train", "{photos}", "-m", "LeNet55", "-o", "{run}"), "Did you mean: LeNet5"),
    ((*TRAIN[:-1], "{run}", "--option", "clases=3"), "no option 'clases'. Did you mean 'classes'"),
    ((*TRAIN[:-1], "{run}", "--option", "classes=3"), "decided by the data"),
    ((*TRAIN[:-1], "{run}", "--augment", "standart"), "standard"),
    ((*TRAIN, "--epochs", "0"), "`epochs` must be a whole number of at least 1"),
    ((*TRAIN, "--batch-size", "-3"), "`batch_size` must be a whole number of at least 1"),
    ((*TRAIN, "--learning-rate", "-1"), "`learning_rate` must be a number above 0"),
    ((*TRAIN, "--image-size", "0"), "positive integer"),
    ((*TRAIN, "--validation-split", "1.5"), "validation_split must be"),
    ((*TRAIN, "--seed", "-1"), "`seed` must be a whole number in 0..4294967295"),
    ((*TRAIN, "--seed", "9" * 30), "`seed` must be a whole number in 0..4294967295"),
    ((*TRAIN, "--data-dir", "{tmp}"), 'data_dir belongs to sources "tfds:NAME"'),
    ((*TRAIN, "--task", "regression"), "needs a .csv file"),
    ((*TRAIN, "--weights", "imagenet"), "LeNet5 has no weights 'imagenet'"),
    ((*TRAIN, "--weights", "{tmp}/absent.h5"), "no such weight file"),
    ((*TRAIN, "--weights", "{tmp}"), "is a folder, not a file. Give the path of a weight file"),
    ((*FINE, "--head", "nonsense"), "`head` must be one of"),
    ((*FINE, "--patience", "3"), "`patience` does not go with `fine_tune`"),
    ((*FINE, "-m", "LeNet5"), "no weights are published for LeNet5"),
    ((*FINE, "--time-budget", "soon"), "--time-budget takes a duration"),
    ((*TRAIN[:-1], "{run}"), "output exists"),
    ((*TRAIN[:-1], "{run}"), "--resume"),
    ((*TRAIN[:-1], "{run}"), "--overwrite"),
    ((*TRAIN[:-1], "{tmp}/mine", "--overwrite"), "it is not a run folder (it holds 'thesis.tex')"),
    ((*TRAIN[:-1], "{photos}/run"), "would lie among the data"),
    ((*TRAIN[:-1], "{tmp}/w.weights.h5/run"), "is a file"),
    ((*TRAIN[:-1], ""), "-o needs RUN, and what is given is empty"),
    ((*TRAIN[:-1], "{tmp}/" + "a" * 256), "the name is too long"),
    # train --export: what is written after hours of training
    ((*TRAIN, "--export", "int9"), "unknown recipe 'int9'"),
    ((*TRAIN, "--export", "int8,float32,INT8"), "recipe 'int8' is listed twice"),
    ((*TRAIN, "--export", "auto"), "the recipe auto is for a single file"),
    ((*TRAIN, "--export", " , "), "names no recipe"),
    ((*TRAIN, "--export", "int8"), "it is not a bundle (it holds 'mine.txt')"),
    # train --resume
    (("train", "--resume", "-o", "{tmp}/absent"), "nothing to resume"),
    (("train", "--resume", "-o", "{run}"), "is finished"),
    (("train", "{photos}", "--resume", "-o", "{unfinished}"), "was started on digits, not on"),
    (("train", "-m", "VGG11", "--resume", "-o", "{unfinished}"), "trains LeNet5, not VGG11"),
    (("train", "--augment", "light", "--resume", "-o", "{unfinished}"), "augmentation none"),
    # export
    (("export", "{tmp}/absent", "-o", "{tmp}/mine"), "no such file or folder"),
    (("export", "{tmp}/pipe.keras", "-o", "{tmp}/new", "--data", "digits"), "a named pipe"),
    (("export", "{unfinished}", "-o", "{tmp}/new"), "its training did not finish"),
    (("export", "{moved}", "-o", "{tmp}/new"), "is not in {tmp}/gone any more"),
    (("export", "{run}", "-o", "{tmp}/new", "--data", "{tmp}/absent"), "no such folder or source"),
    (("export", "{tmp}/m.keras", "-o", "{tmp}/new"), "say --data"),
    (("export", "{tmp}/mine", "-o", "{tmp}/new"), "is not a Keras model"),
    ((*EXPORT, "--recipes", "int9"), "unknown recipe"),
    ((*EXPORT, "--recipes", "int8,int8"), "listed twice"),
    ((*EXPORT, "--recipes", "weight-only-int8,weight_only_int8"), "listed twice"),
    ((*EXPORT, "--recipes", "auto"), "for a single file"),
    ((*EXPORT[:-1], "{tmp}/a.tflite"), "choose one recipe"),
    ((*EXPORT, "--target", "coral", "--recipes", "float32"), "takes float32, and"),
    ((*EXPORT, "--target", "serving", "--recipes", "int8"), "--recipes does not go with"),
    ((*EXPORT, "--target", "serving", "--calibrate-scores"), "does not go with --target serving"),
    ((*EXPORT, "--clusters", "16", "--recipes", "float32"), "`clusters` is for 8-bit weights"),
    ((*EXPORT, "--sensitivity", "{tmp}/new.jpg"), "must be a .png file"),
    ((*EXPORT, "--sensitivity", "{tmp}/page.png", "--overwrite"), "it is not a PNG image"),
    ((*EXPORT, "--saved-model", "{tmp}/mine", "--overwrite"), "it is not a SavedModel"),
    ((*EXPORT, "--saved-model", "{tmp}/./new"), "--out and --saved-model name one place"),
    (("export", "{run}", "-o", "{tmp}/mine", "--overwrite"), "it is not a bundle"),
    (("export", "{run}", "-o", "{run}", "--overwrite"), "it is not a bundle"),
    (("export", "{run}", "-o", "{tmp}/mine", "--overwrite", "--target", "serving"), "SavedModel"),
    # options that would take the next option for their value
    (("export", "{run}", "--data", "--out", "{tmp}/new"), "--data needs SOURCE, but --out follows"),
    ((*TRAIN, "--augment", "--overwrite"), "--augment needs NAME, but --overwrite follows"),
    ((*TRAIN, "-o", "-m", "VGG11"), "-o needs RUN, but -m follows"),
    # options with empty values, as of a variable that is not set, and nan, which is in any range
    ((*TRAIN, "--export", ""), "--export needs A,B,..., and what is given is empty"),
    ((*TRAIN, "--weights="), "--weights needs FILE|TAG, and what is given is empty"),
    (("evaluate", "{run}", "--data-dir", ""), "--data-dir needs FOLDER, and what is given is"),
    (("explain", "{run}", "{photos}/cats/0.png", "--out="), "--out needs FILE.png|.gif, and what"),
    (("summary", "LeNet5", "--svg", ""), "--svg needs FILE, and what is given is empty"),
    (("selftest", "{tmp}/mine", "--recipe", ""), "--recipe needs NAME, and what is given is"),
    ((*EXPORT, "--accuracy-drop", "nan"), "nan is not a finite number"),
    ((*TRAIN, "--learning-rate", "inf"), "inf is not a finite number"),
    ((*TRAIN, "--validation-split", "nan"), "nan is not a finite number"),
    (("augment", "digits", "--stats", "--seconds", "inf"), "inf is not a finite number"),
    (("augment", "digits", "--stats", "--image-size", "99999999"), "positive integer up to 16384"),
    (("benchmark", "{tmp}/mine", "--threads", "99999999999"), "is not in the range 1<=x<=1024"),
    # others
    (("evaluate", "{tmp}/absent"), "no such file or folder"),
    (("evaluate", "{run}", "--data", "{tmp}/absent"), "no such folder or source"),
    (("evaluate", "{run}", "--pixels", "0"), "--pixels takes two numbers"),
    (("predict", "{tmp}/absent", "{tmp}/photos/cats/0.png"), "no such file or folder"),
    (("predict", "LeNet6", "{tmp}/photos/cats/0.png"), "Did you mean the architecture LeNet5"),
    (("predict", "MobileNet", "a.png", "--weights", "imagnet"), "Did you mean 'imagenet'"),
    (("predict", "MobileNet", "a.png", "--option", "alfa=1", "--weights", "imagenet"), "alpha"),
    (("predict", "{run}", "{tmp}/absent.png", "{tmp}/absent2.png"), "absent.png: no such file"),
    (("explain", "{run}", "{tmp}/absent.png"), "absent.png: no such file"),
    (
        ("explain", "{run}", "{photos}/cats/0.png", "-o", "{tmp}/a.jpg"),
        "--out must be a .png or .gif",
    ),
    (("explain", "{run}", "{photos}/cats/0.png", "-o", "{tmp}/page.png", "--overwrite"), "PNG"),
    (("augment", "{tmp}/absent", "--out", "{tmp}/a.png"), "no such folder or source"),
    (("augment", "digits", "--policy", "standart", "--stats"), "standard"),
    (("augment", "digits", "--out", "{tmp}/page.png", "--overwrite"), "it is not a PNG image"),
    (("augment", "digits", "--out", "{tmp}/a.jpg"), "must be a .png file"),
    (("summary", "LeNet55"), "Did you mean: LeNet5"),
    (("summary", "LeNet5", "--option", "clases=1"), "Did you mean 'classes'"),
    (("summary", "LeNet5", "--svg", "{tmp}/m.keras"), "--svg must be a .svg file"),
    (("summary", "{tmp}/absent.keras"), "no such file or folder"),
    (("demo", "--out", "{tmp}/mine"), "is not the folder of an earlier demo"),
    (("demo", "--out", "{tmp}"), "'m.keras' in it is not part of it"),
    (("selftest", "{tmp}/mine"), "not a bundle"),
    (("selftest", "{tmp}/absent"), "not a bundle"),
    (("models", "resnet*", "--plot", "{tmp}/page.png", "--overwrite"), "it is not a PNG image"),
]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [pytest.param(*case, id=f"{' '.join(case[0])[:60]}: {case[1][:40]}") for case in MISTAKES],
)
def test_mistakes_are_told_before_tensorflow_is_loaded(
    arguments, message, places, call, before_tensorflow
):
    before = {path: path.stat().st_mtime_ns for path in places["tmp"].rglob("*")}
    code, out, err = call(*(item.format(**places) for item in arguments))
    assert code == 2, err
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("kerascnn: ")
    assert message.format(**places) in lines[0]
    assert len(lines[0]) <= 320
    assert {path: path.stat().st_mtime_ns for path in places["tmp"].rglob("*")} == before


def test_a_right_command_comes_as_far_as_tensorflow(places, call, before_tensorflow):
    commands = [
        TRAIN,
        (*TRAIN, "--option", "activation=relu", "--augment", "light", "--weights", "{tmp}/m.keras"),
        FINE,
        ("train", "--resume", "-o", "{unfinished}"),
        EXPORT,
        (*EXPORT, "--sensitivity", "--saved-model", "{tmp}/saved"),
        ("export", "{moved}", "-o", "{tmp}/new", "--data", "{photos}"),
        ("evaluate", "{run}"),
        ("predict", "{run}", "{tmp}/absent.png", "{photos}/cats/0.png"),
        ("demo", "--out", "{tmp}/new"),
    ]
    for command in commands:
        code, _, err = call(*(item.format(**places) for item in command))
        assert code == 1, err
        assert "TensorFlow would be loaded now" in err


def test_a_home_folder_is_meant_everywhere(places, call, before_tensorflow, monkeypatch):
    monkeypatch.setenv("HOME", str(places["tmp"]))
    for command in (
        ("train", "~/photos", "-m", "LeNet5", "-o", "~/new"),
        ("export", "~/run", "-o", "~/new"),
        ("evaluate", "~/run", "--data", "~/photos"),
        ("predict", "~/run", "~/photos/cats/0.png"),
        ("explain", "~/run", "~/photos/cats/0.png", "-o", "~/new.png"),
        ("augment", "~/photos", "--out", "~/new.png"),
        ("summary", "LeNet5", "--svg", "~/new.svg"),
    ):
        _, _, err = call(*command)
        assert "TensorFlow would be loaded now" in err, command
    _, _, err = call("train", "~/photos", "-m", "LeNet5", "-o", "~/run")
    assert "output exists" in err


def test_sensitivity_takes_no_option_for_its_value(places, call, before_tensorflow):
    code, _, err = call("export", places["run"], "--sensitivity", "--out", places["tmp"] / "new")
    assert "TensorFlow would be loaded now" in err
    assert code == 1


def test_a_damaged_configuration_is_one_line(places, call, before_tensorflow):
    good = json.loads((places["run"] / "config.json").read_text())
    for change in (
        {"model": 5},
        {"training": {"epoch": 3}},
        {"input_shape": [8, 8]},
        {"class_names": []},
        {"fine_tuning": {"phases": 3}},
        {"fingerprint": [1]},
    ):
        (places["run"] / "config.json").write_text(json.dumps({**good, **change}))
        code, _, err = call("export", places["run"], "-o", places["tmp"] / "new")
        assert code == 2, err
        assert "config.json" in err
    for text in ("", "[]", "null", "[" * 100_000, "\0", '{"schema_version": 1}', "{}"):
        (places["run"] / "config.json").write_text(text)
        code, _, err = call("export", places["run"], "-o", places["tmp"] / "new")
        assert code == 2, err
        assert len(err.splitlines()) == 1
