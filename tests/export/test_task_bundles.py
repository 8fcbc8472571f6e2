"""Bundles of labels and of quantities, from the model to the kit that has no Keras."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.export import export_bundle
from kerascnn.export.contract import manifest as contract
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.verify import keras_outputs
from kerascnn.inference import open_predictor, open_predictors

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "export" / "manifest.schema.json"
NAMES = ("red", "green", "blue")


@pytest.fixture(scope="session")
def labels_model():
    """Which colours are bright: 16x16 pixels in, three independent probabilities out."""
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Dense(3, activation="sigmoid")(x), name="bright")
    model.layers[-1].set_weights([9 * np.eye(3), np.full(3, -4.2)])
    return model


@pytest.fixture(scope="session")
def quantities_model():
    """Brightness in two units: 0..100 and -40..60."""
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    x = layers.Dense(2)(x)
    model = keras.Model(inputs, layers.Rescaling([100.0, 100.0], [0.0, -40.0])(x), name="light")
    model.layers[-2].set_weights([np.full((3, 2), 1 / 3), np.zeros(2)])
    return model


@pytest.fixture(scope="session")
def colours():
    """80 noisy colours."""
    random = np.random.default_rng(0)
    flat = random.integers(0, 226, (80, 1, 1, 3)) + random.integers(0, 30, (80, 16, 16, 3))
    return flat.astype(np.uint8)


@pytest.fixture(scope="session")
def labelled(labels_model, colours, tmp_path_factory):
    truth = colours.mean(axis=(1, 2)) > 120
    return export_bundle(
        labels_model,
        tmp_path_factory.mktemp("labelled") / "bundle",
        samples=colours[:60],
        labels=truth[:60],
        evaluation=(colours[60:], truth[60:]),
        class_names=NAMES,
        task="multi_label",
    )


@pytest.fixture(scope="session")
def valued(quantities_model, colours, tmp_path_factory):
    light = colours.mean(axis=(1, 2, 3)) / 2.55
    return export_bundle(
        quantities_model,
        tmp_path_factory.mktemp("valued") / "bundle",
        samples=colours[:60],
        evaluation=(colours[60:], np.stack([light, light - 40], axis=1)[60:]),
        class_names=("share", "degrees"),
        task="regression",
    )


def kit(*arguments):
    """The Python kit where Keras, TensorFlow and kerascnn cannot be imported."""
    blocker = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'tensorflow', 'keras', 'kerascnn'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import runpy\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    script = ROOT / "export" / "python" / "run.py"
    command = [sys.executable, "-I", "-c", blocker, script, *arguments]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["labelled", "valued"])
def test_the_manifest_is_of_version_3_and_fits_the_schema(name, request):
    made = request.getfixturevalue(name)
    data = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert data["schema_version"] == 3
    jsonschema.validate(data, json.loads(SCHEMA.read_text("utf-8")))
    assert contract.read(made.folder) == made.manifest


def test_labels_have_thresholds_and_scores(labelled, labels_model, colours):
    output, report = labelled.manifest.output, labelled.report
    assert (output.kind, output.thresholds, output.ranges) == ("independent", (0.5,) * 3, None)
    truth = colours[60:].mean(axis=(1, 2)) > 120
    said = keras_outputs(labels_model, colours[60:]) > 0.5
    assert report.keras.share == pytest.approx((said == truth).mean())
    assert report.task == "multi_label"
    float32 = labelled.reports["float32"]
    assert float32.agreement == 1
    assert [check.name for check in float32.checks][-2:] == ["label_agreement", "accuracy_drop"]


def test_golden_images_of_labels_hold_several_sets(labelled):
    with np.load(labelled.folder / "golden.npz") as golden:
        sets = np.unique(golden["scores"] > 0.5, axis=0)
    assert len(sets) >= 4


def test_quantities_have_ranges_and_errors(valued, quantities_model, colours):
    outputs = keras_outputs(quantities_model, colours)
    expected = np.stack([outputs[:60].min(axis=0), outputs[:60].max(axis=0)], axis=1)
    np.testing.assert_allclose(valued.manifest.output.ranges, expected, rtol=1e-6)
    light = colours[60:].mean(axis=(1, 2, 3)) / 2.55
    held_out = keras_outputs(quantities_model, colours[60:])  # sums differ by batch
    errors = np.abs(held_out - np.stack([light, light - 40], axis=1)).mean(axis=0)
    found = [row.mae for row in valued.report.keras.per_target.values()]
    assert found == pytest.approx(errors, rel=1e-6)
    int8 = valued.reports["int8"]
    got = TFLiteModel(valued.folder / int8.path).predict(colours[60:])
    spread = expected[:, 1] - expected[:, 0]
    assert int8.max_abs == pytest.approx((np.abs(got - outputs[60:]) / spread).max(), rel=1e-4)
    assert int8.agreement is None


@pytest.mark.parametrize(
    ("name", "words"), [("labelled", "same decisions"), ("valued", "of range")]
)
def test_the_kit_passes_its_self_test_without_keras(name, words, request):
    result = kit("--selftest", request.getfixturevalue(name).folder)
    assert result.returncode == 0, result.stderr + result.stdout
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "float32"], ["ok", "int8"]]
    assert all(words in line for line in lines)


@pytest.mark.parametrize("name", ["labelled", "valued"])
def test_the_self_test_fails_on_other_outputs(name, request, tmp_path):
    import hashlib
    import shutil

    folder = shutil.copytree(request.getfixturevalue(name).folder, tmp_path / "copy")
    with np.load(folder / "golden.npz") as golden:
        role = "scores" if name == "labelled" else "values"
        inputs, outputs = golden["inputs"], golden[role]
    np.savez(folder / "golden.npz", inputs=inputs, **{role: outputs[:, ::-1].copy()})
    data = json.loads((folder / "manifest.json").read_text("utf-8"))
    data["golden"]["sha256"] = hashlib.sha256((folder / "golden.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(data), "utf-8")
    result = kit("--selftest", folder)
    assert result.returncode == 1
    assert result.stdout.count("FAIL") == 2


def photo(tmp_path, colour):
    from PIL import Image

    path = tmp_path / "colour.png"
    Image.new("RGB", (16, 16), colour).save(path)
    return path


def test_the_kit_gives_the_labels_above_their_thresholds(labelled, tmp_path):
    path = photo(tmp_path, (250, 250, 0))
    words = kit(labelled.folder, path).stdout
    assert "red" in words
    assert "green" in words
    assert "blue" not in words
    answer = json.loads(kit(labelled.folder, path, "--json").stdout)[0]["labels"]
    assert {item["label"]: item["given"] for item in answer} == {
        "red": True,
        "green": True,
        "blue": False,
    }
    assert "no label (first:" in kit(labelled.folder, photo(tmp_path, (9, 9, 0))).stdout


def test_a_threshold_of_its_own_decides(labelled, tmp_path, call_kit):
    import shutil

    folder = shutil.copytree(labelled.folder, tmp_path / "copy")
    path = photo(tmp_path, (250, 250, 0))  # blue: 1.5 %
    data = json.loads((folder / "manifest.json").read_text("utf-8"))
    data["outputs"][0]["thresholds"] = [0.999, 0.5, 0.01]
    (folder / "manifest.json").write_text(json.dumps(data), "utf-8")
    answer = call_kit(folder, path)
    assert "green" in answer
    assert "blue" in answer
    assert "red" not in answer
    assert open_predictor(folder).outputs[0].thresholds == (0.999, 0.5, 0.01)


@pytest.fixture
def call_kit(capfd):
    import importlib.util

    spec = importlib.util.spec_from_file_location("task_kit", ROOT / "export" / "python" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(*arguments):
        assert module.main([str(part) for part in arguments]) == 0
        return capfd.readouterr().out

    return call


def test_the_kit_names_quantities(valued, tmp_path):
    path = photo(tmp_path, (255, 255, 255))
    assert "share 100, degrees 60" in kit(valued.folder, path).stdout
    answer = json.loads(kit(valued.folder, path, "--json").stdout)[0]["values"]
    assert [item["label"] for item in answer] == ["share", "degrees"]
    assert answer[1]["value"] == pytest.approx(60, abs=0.1)


def test_bundles_are_opened_by_the_command_line_with_their_task(labelled, valued, colours):
    predictor = open_predictor(labelled.folder, recipe="int8")
    assert (predictor.task, predictor.labels) == ("multi_label", NAMES)
    assert predictor.predict(colours[:5])["scores"].shape == (5, 3)
    assert open_predictors(valued.folder)[0].task == "regression"


def test_what_does_not_suit_the_task_is_refused(labels_model, quantities_model, colours, tmp_path):
    folder = tmp_path / "bundle"
    with pytest.raises(InputError, match=r"probabilities, in 0\.\.1"):
        export_bundle(quantities_model, folder, samples=colours, task="multi_label")
    with pytest.raises(InputError, match="labels are for classifiers"):
        export_bundle(
            *(quantities_model, folder), samples=colours, labels=colours, task="regression"
        )
    with pytest.raises(InputError, match=r"rows of numbers \[2, 2\]"):
        export_bundle(
            quantities_model,
            folder,
            samples=colours,
            evaluation=(colours[:2], np.zeros(2)),
            task="regression",
        )
    with pytest.raises(InputError, match="rows \\[80, 3\\] of 0 and 1"):
        export_bundle(
            labels_model, folder, samples=colours, labels=np.zeros(80), task="multi_label"
        )
    with pytest.raises(InputError, match="task must be one of"):
        export_bundle(labels_model, folder, samples=colours, task="captioning")
    assert not folder.exists()
