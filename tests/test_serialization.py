"""Saved models: what loads where, and what a bad file ends in."""

import functools
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import bad_models
import fresh
import keras
import numpy as np
import pytest
import tiny
from bad_models import MAKERS

import kerascnn
from kerascnn import model_file, registration
from kerascnn.errors import InputError, KerascnnError


@pytest.fixture(scope="module")
def content():
    return bad_models.good()


@pytest.fixture
def bad(content, tmp_path, monkeypatch):
    """Makes a bad file by its name, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return lambda name: MAKERS[name](content, tmp_path)


def test_the_file_that_bad_ones_are_made_from_loads(content, tmp_path):
    (tmp_path / "good.keras").write_bytes(content)
    model = kerascnn.load_model(tmp_path / "good.keras")
    assert model.compiled
    assert model.output_shape == (None, 3)


@pytest.mark.filterwarnings("ignore:Skipping variable loading:UserWarning")
@pytest.mark.filterwarnings("ignore:Do not pass an:UserWarning")
@pytest.mark.parametrize("name", MAKERS)
def test_a_bad_file_is_one_line_and_runs_nothing(name, bad, tmp_path):
    path = bad(name)
    with pytest.raises(InputError) as raised:
        kerascnn.load_model(path)
    message = str(raised.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 700 + len(str(path)), message
    assert "Expected" in message or "Import the module" in message
    assert not (tmp_path / bad_models.MARK).exists()


@pytest.mark.parametrize("name", MAKERS)
def test_a_bad_file_of_weights_is_one_line_and_runs_nothing(name, bad, tmp_path):
    """Those that are whole, and bad as models alone, hold weights of another network."""
    with pytest.raises(InputError) as raised:
        kerascnn.models.LeNet5(weights=bad(name))
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 700 + len(str(tmp_path)), message
    assert not (tmp_path / bad_models.MARK).exists()


@pytest.mark.filterwarnings("ignore:Skipping variable loading:UserWarning")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crc-of-weights", "the checksum of its model.weights.h5 is wrong"),
        ("no-config", "it holds no config.json"),
        ("lambda", "its layer 'odd', of the class Lambda, holds code"),
        ("h5-lambda", "its layer 'code', of the class Lambda, holds code"),
        ("tfsm", "of the class TFSMLayer, holds code"),
        ("unknown-class", "custom_object_scope({'Mine': Mine})"),
        ("h5-unknown", "custom_object_scope({'Mine': Mine})"),
        ("compile-unknown-loss", "compile=False"),
        ("hdf5-as-keras", "under a name that ends in .h5"),
        ("weights-alone", "of a model called 'sequential"),
        ("class-optimizer", "holds no model, but a layer or the like (SGD)"),
        ("unknown-of-keras", "needs keras.layers.NoSuchLayer, which Keras"),
        ("array-absent", "Layer 'scores' expected 2 variables, but received 1"),
        ("unsafe-switch", "asks for keras.config.enable_unsafe_deserialization"),
        ("builtin-function", "asks for builtins.eval"),
        ("bomb", "grows to"),
    ],
)
def test_the_line_says_what_is_wrong_or_what_to_do(name, words, bad):
    with pytest.raises(InputError) as raised:
        kerascnn.load_model(bad(name))
    assert words in str(raised.value)


def test_a_loss_of_another_module_is_left_out_by_compile_false(bad):
    assert not kerascnn.load_model(bad("compile-unknown-loss"), compile=False).compiled


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["ResNet20", "LeNet5Original", "MobileNetV3Small", "AlexNet"])
def test_our_models_come_back_from_both_formats(name, ending, tmp_path, monkeypatch):
    """`.h5` too where the graph holds operations, such as the `ops.pad` of ResNet20."""
    tiny.make_shallow(monkeypatch)
    options = {"hidden": (8, 8)} if name == "AlexNet" else {}
    model = kerascnn.create_model(name, classes=2, **options)
    logging.getLogger("absl").setLevel(logging.ERROR)
    model.save(tmp_path / f"model.{ending}")
    again = kerascnn.load_model(tmp_path / f"model.{ending}")
    images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
    images = images.astype("float32")
    np.testing.assert_array_equal(model(images, training=False), again(images, training=False))


def test_every_class_that_registers_is_in_the_list():
    """In the list, and importable from the module that the list names."""
    for module in registration.CLASSES:
        __import__(module)
    registered = keras.saving.get_custom_objects()
    ours = {name: kind for name, kind in registered.items() if name.startswith("kerascnn>")}
    listed = {
        f"kerascnn>{name}": getattr(__import__(module, fromlist=[name]), name)
        for module, names in registration.CLASSES.items()
        for name in names
    }
    assert ours == listed


LOADING = """
import json, sys
{imports}
before = "kerascnn.layers" in sys.modules
model = keras.models.load_model(sys.argv[1])
found = [model.get_layer("stem_norm"), model.loss, model.optimizer._learning_rate]
print(json.dumps([before, *(type(item).__module__ for item in found)]))
"""


@pytest.mark.parametrize("imports", ["import kerascnn, keras", "import keras, kerascnn"])
def test_keras_loads_our_files_after_a_plain_import(imports, tmp_path):
    model = kerascnn.models.ResNet20(classes=2)
    optimizer = keras.optimizers.SGD(kerascnn.transfer.OneCycle(0.1, 10))
    model.compile(optimizer, kerascnn.losses.Crossentropy(0.1))
    model.save(tmp_path / "model.keras")
    code, path = LOADING.format(imports=imports), str(tmp_path / "model.keras")
    run = (
        python
        if imports.startswith("import kerascnn")
        else functools.partial(fresh.call, fresh.printed)
    )
    assert json.loads(run(code, path)) == [
        False,
        "kerascnn.layers.batch_normalization",
        "kerascnn.losses.classes",
        "kerascnn.transfer.schedules",
    ]


def test_without_kerascnn_the_error_says_the_line_to_add(tmp_path):
    """Of the file of a run; the rest of Keras's error is a page of configuration."""
    kerascnn.models.ResNet20(classes=2).save(tmp_path / "saved.keras")
    model_file.copy_with_hint(tmp_path / "saved.keras", tmp_path / "model.keras")
    error = fresh.call(fresh.error_of_loading, str(tmp_path / "model.keras"))
    hint = "of kerascnn (put `import kerascnn` before loading)"
    assert f"Could not locate class 'BatchNormalization {hint}'" in error
    again = kerascnn.load_model(tmp_path / "model.keras")
    assert type(again.get_layer("stem_norm")) is kerascnn.layers.BatchNormalization


# A stand-in for Keras that cannot be imported as long as a file is there.
KERAS = """
import pathlib
if pathlib.Path("broken").exists():
    raise RuntimeError("broken")
class saving:
    objects = {}
    get_registered_object = objects.get
    def register_keras_serializable(package, name):
        return lambda kind: saving.objects.setdefault(f"{package}>{name}", kind)
"""
RETRYING = """
import pathlib, sys
import kerascnn
try:
    import keras
except RuntimeError as error:
    print(error)
pathlib.Path("broken").unlink()
import keras
print(len(keras.saving.objects), any("registration" in type(f).__module__ for f in sys.meta_path))
"""


def test_an_import_of_keras_that_fails_leaves_the_next_one_working(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken").touch()
    (tmp_path / "keras.py").write_text(KERAS)
    count = sum(map(len, registration.CLASSES.values()))
    assert python(RETRYING).split() == ["broken", str(count), "False"]


def python(code, *arguments):
    """What a new Python process prints; the working directory is where it looks first."""
    call = [sys.executable, "-c", code, *map(str, arguments)]
    path = os.pathsep.join(["", str(Path(kerascnn.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(call, check=True, capture_output=True, text=True, env=environment).stdout


def test_a_damaged_embedder_is_one_line(tmp_path):
    folder = tmp_path / "known"
    folder.mkdir()
    for name in ("model.keras", "gallery.npz", "embedder.json"):
        (folder / name).write_text("[]")
    with pytest.raises(KerascnnError, match="damaged folder of an Embedder"):
        kerascnn.transfer.Embedder.load(folder)
