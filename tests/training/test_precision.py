"""Runs in mixed precision: chosen, trained, resumed, exported."""

import json
import logging

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn.errors import InputError
from kerascnn.export import export_tflite
from kerascnn.inference import open_predictors
from kerascnn.training import FineTune, open_run, precision, train
from kerascnn.training.precision import Accelerator, choose, computing_in, keep_outputs, suited
from kerascnn.training.run_folder import RunConfig
from kerascnn.transfer import Phase

VOLTA = Accelerator("GPU", "V100", (7, 0))
PASCAL = Accelerator("GPU", "P100", (6, 0))
OTHER = Accelerator("GPU", "gfx90a", None)
PLAN = FineTune(
    phases=(
        Phase(name="head", until="head", epochs=1, learning_rate=0.01, augment=False),
        Phase(name="all", until=0.0, epochs=1, learning_rate=0.002, depth_factor=0.5),
    )
)


@pytest.mark.parametrize(
    ("backend", "devices", "expected"),
    [
        ("tensorflow", (), "float32"),
        ("tensorflow", (VOLTA,), "mixed_float16"),
        ("tensorflow", (Accelerator("GPU", "H100", (9, 0)), VOLTA), "mixed_float16"),
        ("tensorflow", (PASCAL,), "float32"),
        ("tensorflow", (VOLTA, PASCAL), "float32"),
        ("tensorflow", (OTHER,), "float32"),
        ("jax", (), "float32"),
        ("jax", (OTHER,), "mixed_bfloat16"),
        ("jax", (Accelerator("TPU", "TPU v4"),), "mixed_bfloat16"),
        ("torch", (VOLTA,), "float32"),
    ],
)
def test_mixed_precision_is_chosen_where_the_hardware_gains(backend, devices, expected):
    assert suited(backend, devices) == expected


def test_the_choice_is_said_if_it_is_mixed(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "kerascnn.training")
    monkeypatch.setattr(precision, "accelerators", lambda backend: (VOLTA,))
    assert choose("auto") == "mixed_float16"
    assert "mixed_float16, which suits V100" in caplog.text
    assert choose("float32") == "float32"


def test_a_cpu_computes_in_float32():
    assert precision.accelerators(keras.backend.backend()) == ()
    assert choose("auto") == "float32"


def test_the_compute_capability_is_tensorflows(monkeypatch):
    import tensorflow as tf

    class Device:
        name = "/physical_device:GPU:0"

    details = {"device_name": "A100", "compute_capability": (8, 0)}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [Device()])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)
    assert precision.accelerators("tensorflow") == (Accelerator("GPU", "A100", (8, 0)),)


def test_an_unknown_precision_is_refused_before_the_data_is_read(tmp_path):
    with pytest.raises(InputError, match="auto, float32, mixed_float16, mixed_bfloat16"):
        train("digits", "LeNet5", tmp_path / "run", precision="int8")


def test_the_policy_of_the_process_is_put_back():
    def fail():
        raise RuntimeError(keras.config.dtype_policy().name)

    with pytest.raises(RuntimeError, match="mixed_bfloat16"), computing_in("mixed_bfloat16"):
        fail()
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", ["LeNet5", "LeNet5Original", "SqueezeNet1_1", "MobileNetV3Small"])
def test_outputs_are_float32(name):
    from kerascnn import create_model

    with computing_in("mixed_bfloat16"):
        model = keep_outputs(create_model(name, input_shape=(64, 64, 3), classes=4))
    images = np.zeros((1, 64, 64, 3), "float32")
    assert keras.backend.standardize_dtype(model(images).dtype) == "float32"
    kinds = {layer.compute_dtype for layer in model.layers}
    assert "bfloat16" in kinds


class Interruption(Exception):
    """What happens to a run."""


class Interrupt(keras.callbacks.Callback):
    """Ends the run in its second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise Interruption


@pytest.fixture(scope="session")
def shades(tmp_path_factory):
    """24 dark and 24 bright pictures."""
    folder = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for name, light in (("dark", 60), ("bright", 160)):
        (folder / name).mkdir()
        for number in range(24):
            pixels = rng.integers(0, 90, (32, 32)) + light
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return str(folder)


@pytest.fixture(scope="session")
def mixed(shades, tmp_path_factory):
    """A run in bfloat16, interrupted once and resumed."""
    folder = tmp_path_factory.mktemp("mixed") / "run"
    settings = {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "precision": "mixed_bfloat16"}
    with pytest.raises(Interruption):
        train(shades, "LeNet5", folder, callbacks=[Interrupt()], **settings)
    with pytest.raises(InputError, match="has the precision mixed_bfloat16, not float32"):
        train(None, None, folder, resume=True, precision="float32")
    return train(None, None, folder, resume=True)


def test_a_mixed_run_trains_and_says_so(mixed):
    assert open_run(mixed.folder).config.precision == "mixed_bfloat16"
    assert [row["epoch"] for row in mixed.history] == [1, 2, 3]
    assert mixed.metrics["validation"].accuracy > 0.9
    model = open_run(mixed.folder).load_model()
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers} >= {"bfloat16", "float32"}
    assert model.layers[-1].compute_dtype == "float32"
    assert (mixed.folder / "report.html").is_file()
    assert keras.config.dtype_policy().name == "float32"


def test_runs_older_than_the_entry_are_float32(mixed):
    values = json.loads((mixed.folder / "config.json").read_text())
    del values["precision"]
    assert RunConfig.from_json(json.dumps(values), "config.json").precision == "float32"


def test_a_mixed_run_is_exported_in_float32(mixed, tmp_path):
    run = open_run(mixed.folder)
    images, labels = run.data().arrays("validation")
    result = export_tflite(run.load_model(), tmp_path / "m.tflite", "float32", images, labels)
    assert result.input.dtype == "float32"
    (file,) = open_predictors(tmp_path / "m.tflite")
    accuracy = (file.predict(images)["scores"].argmax(axis=1) == labels).mean()
    assert accuracy > 0.9


@pytest.mark.filterwarnings("error:Skipping variable")
def test_fine_tuning_in_mixed_precision(shades, tmp_path):
    settings = {"weights": "none", "augment": "light", "batch_size": 8}
    settings["precision"] = "mixed_float16"
    result = train(shades, "LeNet5", tmp_path / "run", fine_tune=PLAN, **settings)
    assert [row["phase"] for row in result.history] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in result.history)
    model = open_run(result.folder).load_model()
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert int(model.optimizer.iterations) > 0  # its state was loaded
