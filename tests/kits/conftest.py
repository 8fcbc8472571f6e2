"""One bundle for all kit tests, and a way to run a kit as its user would."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

KITS = Path(__file__).parents[2] / "export"

# Runs a script as `python script ...`, in an interpreter where these packages cannot be imported.
_BLOCKER = """
import runpy, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "kerascnn", "litert_quantizer"}:
            raise ModuleNotFoundError(f"a kit must not import {name}")

sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def run_kit():
    """`run_kit(*arguments)`: the finished process of the Python kit, without Keras in reach."""

    def run(*arguments):
        command = [sys.executable, "-I", "-c", _BLOCKER, KITS / "python" / "run.py", *arguments]
        return subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def net():
    """A seeded RGB net that tells images apart by colour: 20x24 raw pixels in, 4 logits out."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = keras.Input((20, 24, 3), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(stddev=3.0))(x)
    return keras.Model(inputs, outputs, name="colours")


@pytest.fixture(scope="session")
def photos():
    """40 smooth colour images, uint8 [40, 20, 24, 3]."""
    random = np.random.default_rng(3)
    corners = random.uniform(0, 255, (40, 2, 2, 3))
    rows = np.linspace(0, 1, 20)[:, None, None]
    columns = np.linspace(0, 1, 24)[None, :, None]
    corners = corners[:, :, :, None, None, :]
    top = corners[:, 0, 0] * (1 - columns) + corners[:, 0, 1] * columns
    bottom = corners[:, 1, 0] * (1 - columns) + corners[:, 1, 1] * columns
    return np.rint(top * (1 - rows) + bottom * rows).astype(np.uint8)


@pytest.fixture(scope="session")
def bundle(net, photos, tmp_path_factory):
    """float32 and int8 files of `net`; images are cropped to its size."""
    from kerascnn.export import export_bundle

    folder = tmp_path_factory.mktemp("kits") / "bundle"
    export_bundle(
        net,
        folder,
        recipes=["float32", "int8"],
        samples=photos,
        class_names=["rot", "grün", "blau", "grau"],
        resize={"fit": "crop", "filter": "bilinear", "antialias": True, "pad_value": 0},
    )
    return folder


@pytest.fixture
def copy(bundle, tmp_path):
    """A bundle to damage."""
    return shutil.copytree(bundle, tmp_path / "copy")


@pytest.fixture(scope="session")
def kit():
    """The kit as a module, to compare its parts with kerascnn's."""
    spec = importlib.util.spec_from_file_location("kit_run", KITS / "python" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def call(kit, capfd):
    """Like `run_kit`, but in this process: quick, for what does not depend on the imports."""

    def run(*arguments):
        code = kit.main([str(part) for part in arguments])
        captured = capfd.readouterr()
        return SimpleNamespace(returncode=code, stdout=captured.out, stderr=captured.err)

    return run


@pytest.fixture(scope="session")
def pair():
    """A task with scores of classes and a count, for bundles with two outputs."""
    from kerascnn import tasks
    from kerascnn.tasks.task import _TASKS

    class Pair(tasks.Task):
        name = "pair"
        kinds = {"scores": ("probabilities",), "count": ("quantities",)}  # noqa: RUF012

        def describe(self, arrays, kinds, source):
            scores = tasks.class_scores(arrays["scores"], kinds[0], source)
            return scores, tasks.quantities("count", arrays["count"])

        def words(self, prediction, outputs, names, top=1):
            return names[int(prediction["scores"].argmax())]

    yield tasks.register(Pair()).name
    del _TASKS["pair"]


@pytest.fixture(scope="session")
def bundles(net, photos, pair, tmp_path_factory):
    """Bundles of every kind of output by name: new ones, and those of earlier versions."""
    import keras
    from keras import layers

    from kerascnn.export import export_bundle

    folder = tmp_path_factory.mktemp("every-kind")
    features = net.layers[-2].output
    one = keras.Model(net.input, layers.Dense(1, activation="sigmoid")(features), name="one")
    two = keras.Model(
        net.input,
        [layers.Dense(3, activation="softmax")(features), layers.Dense(1)(features)],
        name="two",
    )
    kernel = np.random.default_rng(1).normal(0, 9, (6, 1))
    centre = keras.Model(net.input, features).predict(photos, verbose=0).mean(axis=0)
    one.layers[-1].set_weights([kernel, -centre @ kernel])  # about as many of either class
    export_bundle(one, folder / "one-sigmoid", samples=photos, class_names=["day", "night"])
    export_bundle(two, folder / "two-outputs", samples=photos, task=pair)
    older = KITS.parent / "tests" / "export" / "bundles"
    return {path.name: path for path in [*folder.iterdir(), *sorted(older.iterdir())]}


EVERY_KIND = (
    *("one-sigmoid", "two-outputs"),
    *("version1-classification", "version2-multi-label", "version2-regression"),
)


@pytest.fixture(params=EVERY_KIND)
def any_bundle(request, bundles):
    """Each of `bundles` in turn."""
    return bundles[request.param]
