"""`Dense(1, sigmoid)`, the most usual model of two classes: two classes wherever it is opened."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn import data
from kerascnn.cli.main import main
from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel, evaluate_tflite, export_bundle, export_tflite
from kerascnn.export.flatbuffer import metadata
from kerascnn.inference import open_predictor
from kerascnn.training import apply_temperature, fit_temperature, write_report

KIT = Path(__file__).parents[2] / "export" / "python" / "run.py"
NAMES = ("cat", "dog")


def network(units=1, activation="sigmoid", sign=1.0):
    """Bright pictures are dogs: the probability of the second class, or of each."""
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(2, 3, activation="relu", name="maps")(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(units, activation=activation)(x), name="pets")
    model.get_layer("maps").set_weights([np.full((3, 3, 3, 2), 1 / 27), np.zeros(2)])
    kernel = np.linspace(-6, 6, units) if units > 1 else np.full(1, 6.0)
    model.layers[-1].set_weights([sign * np.tile(kernel, (2, 1)), -sign * kernel])
    return model


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """30 dark and 30 bright pictures in two folders."""
    folder, random = tmp_path_factory.mktemp("pets") / "photos", np.random.default_rng(0)
    for name, level in zip(NAMES, (60, 190), strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(30):
            pixels = np.clip(random.normal(level, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def splits(photos):
    return data.load(photos, 16, validation_split=0.4)


@pytest.fixture(scope="module")
def files(model, splits, tmp_path_factory):
    """The model as every kind of file."""
    folder = tmp_path_factory.mktemp("files")
    model.save(folder / "pets.keras")
    model.export(folder / "saved", verbose=False)
    images, labels = splits.sample("train", 40)
    for recipe in ("float32", "int8"):
        export_tflite(model, folder / f"{recipe}.tflite", recipe, images, labels, class_names=NAMES)
    export_bundle(
        model,
        folder / "bundle",
        samples=images,
        labels=labels,
        class_names=NAMES,
        evaluation=splits.arrays("validation"),
    )
    return folder


KINDS = ["pets.keras", "saved", "float32.tflite", "int8.tflite", "bundle"]


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_evaluated_as_two_classes(kind, files, photos, capsys):
    code, out, err = call(capsys, "evaluate", files / kind, "--data", photos, "--json")
    assert code == 0, err
    result = next(iter(json.loads(out)["results"].values()))
    assert result["accuracy"] == 1
    assert list(result["per_class"]) == list(NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_it_predicts_either_class(kind, files, photos, capsys):
    paths = [photos / name / "0.png" for name in NAMES]
    code, out, err = call(capsys, "predict", files / kind, *paths, "--json")
    assert code == 0, err
    known = kind.endswith(".tflite") or kind == "bundle"
    for place, answer in enumerate(json.loads(out)):
        first, second = answer["predictions"]
        assert first["label"] == (NAMES[place] if known else f"class {place}")
        assert first["probability"] > 0.5
        assert first["probability"] + second["probability"] == pytest.approx(1, abs=1e-5)


def test_files_are_verified_with_labels_and_described(files, splits):
    images, labels = splits.arrays("validation")
    for recipe in ("float32", "int8"):
        found = evaluate_tflite(files / f"{recipe}.tflite", images, labels)
        assert (found.accuracy, found.top5) == (1.0, None)
        said = metadata.read(files / f"{recipe}.tflite")
        assert said.labels == NAMES
        assert said.output_range == (0.0, 1.0)
        assert TFLiteModel(files / f"{recipe}.tflite").kinds == ("independent",)


def test_clients_of_the_metadata_see_the_second_class(files):
    """They take one label for one output; MediaPipe refuses any other number."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO((files / "int8.tflite").read_bytes())) as archive:
        assert archive.read("labels.txt") == b"dog\n"


def test_labels_of_three_classes_are_refused(model, splits, tmp_path):
    images, labels = splits.sample("train", 20)
    with pytest.raises(InputError, match=r"labels must be 0 to 1 for 2 outputs\. Received: 0 to 2"):
        export_tflite(model, tmp_path / "a.tflite", "float32", images, labels * 2)
    with pytest.raises(InputError, match="1 class names were given for 2 outputs"):
        export_tflite(model, tmp_path / "a.tflite", "float32", images, class_names=["dog"])


def test_a_server_is_told_the_class(model, photos, tmp_path):
    import tensorflow as tf

    from kerascnn.export import export_serving

    export_serving(model, tmp_path / "served", class_names=NAMES)
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["encoded"]
    content = [(photos / name / "0.png").read_bytes() for name in NAMES]
    found = served(image_bytes=tf.constant(content))
    assert [label.decode() for label in found["label"].numpy()] == list(NAMES)


def test_the_kit_passes_its_self_test_and_names_both(files, photos):
    def kit(*arguments):
        command = [sys.executable, "-I", KIT, *arguments]
        return subprocess.run(
            [str(one) for one in command], capture_output=True, text=True, check=False
        )

    done = kit("--selftest", files / "bundle")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same top class on 100% of 8" in done.stdout
    done = kit(files / "bundle", photos / "cat" / "0.png", "--json")
    first, second = json.loads(done.stdout)[0]["top"]
    assert (first["label"], second["label"]) == NAMES
    assert first["probability"] + second["probability"] == pytest.approx(1, abs=1e-6)


def test_the_bundle_holds_one_number_and_two_names(files):
    described = json.loads((files / "bundle" / "manifest.json").read_text())
    assert described["outputs"][0]["shape"] == [1, 1]
    assert described["outputs"][0]["kind"] == "independent"
    assert described["model"]["classes"] == 2
    assert (files / "bundle" / "labels.txt").read_text() == "cat\ndog\n"


def test_it_has_a_report_and_a_temperature(model, splits, tmp_path):
    page = write_report(model, splits, tmp_path / "report.html").read_text("utf-8")
    for words in ("Confusions", "cat", "dog", "Calibration error", "Grad-CAM"):
        assert words in page
    images, labels = splits.arrays("validation")
    second = model.predict_on_batch(images)
    temperature = fit_temperature(np.concatenate([1 - second, second], axis=1), labels)
    scaled = apply_temperature(model, temperature).predict_on_batch(images)
    odds = np.log(second / (1 - second)) / temperature
    np.testing.assert_allclose(scaled, 1 / (1 + np.exp(-odds)), rtol=1e-4)


def test_a_number_without_a_sigmoid_is_refused_and_the_way_out_said(files, photos, capsys):
    plain = network(activation=None)
    plain.save(files / "plain.keras")
    for command in ("predict", "evaluate"):
        rest = [photos / "cat" / "0.png"] if command == "predict" else ["--data", photos]
        code, _, err = call(capsys, command, files / "plain.keras", *rest)
        assert code == 2
        assert "one number without a sigmoid" in err
        assert "keras.layers.Activation('sigmoid')" in err
    images = np.zeros((4, 16, 16, 3), np.uint8)
    with pytest.raises(InputError, match="regression"):
        export_tflite(plain, files / "plain.tflite", "float32", images)
    code, out, _ = call(
        *(capsys, "predict", files / "plain.keras", photos / "dog" / "0.png"),
        *("--task", "regression"),
    )
    assert code == 0
    assert "target 0" in out


def test_a_sigmoid_per_class_is_shown_as_it_is_everywhere(photos, splits, tmp_path, capsys):
    model, path = network(3), tmp_path / "three.keras"
    model.save(path)
    images, _ = splits.sample("train", 40)
    names = ("a", "b", "c")
    export_tflite(model, tmp_path / "three.tflite", "float32", images, class_names=names)
    export_bundle(model, tmp_path / "bundle", samples=images, class_names=names)
    image = photos / "dog" / "0.png"
    pixels = open_predictor(path).load_image(image)[np.newaxis]
    expected = sorted(model.predict_on_batch(pixels)[0].tolist(), reverse=True)
    assert sum(expected) > 1.2  # no softmax makes 1 of them
    for kind in ("three.keras", "three.tflite", "bundle"):
        _, out, err = call(capsys, "predict", tmp_path / kind, image, "--json")
        found = [one["probability"] for one in json.loads(out)[0]["predictions"]]
        assert found == pytest.approx(expected, abs=1e-5), err
