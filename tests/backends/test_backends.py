"""Every layer, and families, on JAX and on PyTorch: as on TensorFlow; layers train there too.

One process per backend runs them all. Files go in both directions: layers are saved here and
loaded there, networks are saved there and loaded here.
"""

import fnmatch
import importlib.util
import json
import math
from pathlib import Path

import keras
import numpy as np
import other_backend
import pytest
import tiny
import worker
from parity import difference, infer, randomize
from test_every_layer import CASES, build, images

import kerascnn

TOLERANCE = 1e-4
HERE = Path(__file__).parent
BACKENDS = ("jax", "torch")
# Offsets that the next batch normalisation takes off again: in theory their gradient is zero.
WITHOUT_EFFECT = {"mobilenet_v3": "*_project_norm/beta"}


def installed(backend):
    return importlib.util.find_spec(backend) is not None


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_backend_takes_part(backend):
    """The one skip for all tests of a backend that is not installed."""
    if not installed(backend):
        pytest.skip(f"{backend} is not installed: nothing here runs on it")


@pytest.fixture(scope="module", params=[name for name in BACKENDS if installed(name)])
def results(request, tmp_path_factory):
    """The folder with what the worker wrote."""
    backend = request.param
    folder = tmp_path_factory.mktemp(backend)
    save_layers(folder / "layers")
    save_explained(folder / "explained")
    done = other_backend.run(backend, HERE / "worker.py", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "backend.txt").read_text() == backend
    return folder


def save_layers(folder):
    folder.mkdir()
    for name, (config, shape, *_) in CASES.items():
        inputs = keras.Input(shape)
        model = keras.Model(inputs, build(name, config)(inputs))
        randomize(model)
        model.save(folder / f"{name}.keras")
        np.save(folder / f"{name}.images.npy", images(shape))


def save_explained(path):
    """A network with batch normalisation and ReLUs of three kinds."""
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="one")(x)
    x = keras.layers.Conv2D(6, 3, strides=2, use_bias=False, name="two")(x)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.ops.relu(keras.layers.Conv2D(5, 3, padding="same", name="three")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax", name="last")(x))
    randomize(model)
    model.save(path.with_suffix(".keras"))
    generator = np.random.default_rng(3)
    np.save(path.with_suffix(".images.npy"), generator.uniform(0, 255, (2, 12, 12, 3)))


def outputs(path):
    error = path.with_suffix(".error")
    if error.exists():
        pytest.fail(error.read_text())
    return np.load(path.with_suffix(".npz"))


def check_step(path, without_effect="no weight at all"):
    outputs(path)
    step = json.loads(path.with_suffix(".json").read_text())
    assert math.isfinite(step["loss"])
    assert [name for name in step["still"] if not fnmatch.fnmatch(name, without_effect)] == []


each_layer = pytest.mark.parametrize("name", sorted(CASES))
each_family = pytest.mark.parametrize("family", tiny.FAMILIES)


@each_layer
def test_a_layer_saved_here_gives_the_same_there(name, results):
    path = results / "layers" / name
    model = kerascnn.load_model(path.with_suffix(".keras"))
    wanted = infer(model, np.load(path.with_suffix(".images.npy")))
    assert difference(outputs(path)["outputs"], wanted) < TOLERANCE


@each_layer
def test_a_layer_takes_a_training_step(name, results):
    check_step(results / "layers" / name)


@each_family
def test_a_network_saved_there_gives_the_same_here(family, results):
    path = results / "families" / family
    found = outputs(path)
    model = kerascnn.load_model(path.with_suffix(".keras"))
    wanted = np.asarray(model(found["images"], training=False))
    assert np.ptp(wanted) > 0
    assert difference(found["outputs"], wanted) < TOLERANCE


@pytest.mark.parametrize("family", worker.TRAINED)
def test_a_network_takes_a_training_step(family, results):
    check_step(results / "families" / family, WITHOUT_EFFECT.get(family, "no weight at all"))


def test_attributions_are_the_same_there(results):
    path = results / "explained"
    found = outputs(path)
    model = kerascnn.load_model(path.with_suffix(".keras"))
    expected = worker.attributions(model, np.load(path.with_suffix(".images.npy")))
    assert sorted(found) == sorted(expected)
    for name, values in expected.items():
        assert np.ptp(values) > 0, name
        assert difference(found[name], values) < 1e-3, name
