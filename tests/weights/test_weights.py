"""Weight files: every format round-trips, everything else is an error that names the place."""

import logging

import h5py
import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.models import LeNet5


def arrays_of(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def write_keras2(model, path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{i}:0" for i in range(len(layer.weights))]
            group.attrs["weight_names"] = names
            for name, array in zip(names, layer.get_weights(), strict=True):
                group[name] = array


def write_npz(model, path):
    named = {f"{k}/{i}": a for k, values in arrays_of(model).items() for i, a in enumerate(values)}
    np.savez(path, **named)


WRITERS = {
    "model.keras": lambda model, path: model.save(path),
    "model.weights.h5": lambda model, path: model.save_weights(path),
    "model.h5": write_keras2,
    "model.npz": write_npz,
}


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    return LeNet5(dropout=0.5)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_every_format_brings_all_weights_back(name, compiled, model, tmp_path):
    if compiled:
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    WRITERS[name](model, tmp_path / name)
    loaded = LeNet5(weights=tmp_path / name)
    for layer, arrays in arrays_of(model).items():
        for expected, got in zip(arrays, loaded.get_layer(layer).get_weights(), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_report_lists_the_layers(model, tmp_path):
    model.save(tmp_path / "model.keras")
    report = weights.load(LeNet5(), tmp_path / "model.keras")
    assert report.loaded == ("c1", "c3", "c5", "f6", "predictions")
    assert report.reinitialised == report.unused == ()


def test_another_number_of_classes_keeps_a_fresh_head_and_says_so(model, tmp_path, caplog):
    model.save(tmp_path / "model.keras")
    logging.getLogger("kerascnn").propagate = True
    with caplog.at_level(logging.WARNING, logger="kerascnn"):
        loaded = LeNet5(weights=tmp_path / "model.keras", classes=3)
    assert "'predictions' does not match and starts from fresh weights" in caplog.text
    np.testing.assert_array_equal(
        loaded.get_layer("c1").get_weights()[0], model.get_layer("c1").get_weights()[0]
    )


def test_what_a_model_without_its_top_leaves_out_is_said(model, tmp_path, caplog):
    model.save(tmp_path / "model.keras")
    with caplog.at_level(logging.INFO, "kerascnn"):
        LeNet5(weights=tmp_path / "model.keras", include_top=False)
    assert "left out, as the model has no such layers: c5, f6, predictions" in caplog.text


def test_a_wrong_shape_is_named_and_nothing_is_loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    other = LeNet5(input_shape=(32, 32, 3))
    before = arrays_of(other)
    with pytest.raises(InputError, match=r"layer 'c1' needs shapes \[\(5, 5, 3, 6\)"):
        weights.load(other, tmp_path / "model.keras")
    for layer, arrays in arrays_of(other).items():
        for expected, got in zip(before[layer], arrays, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_another_family_is_refused(tmp_path):
    kerascnn.models.LeNet1989().save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="Are they weights of this architecture"):
        LeNet5(weights=tmp_path / "model.keras")


@pytest.mark.parametrize("name", [*WRITERS, "model.bin"])
def test_random_bytes_are_an_error(name, tmp_path):
    (tmp_path / name).write_bytes(bytes(range(256)) * 4)
    message = "unknown kind" if name.endswith(".bin") else "cannot read weights|is damaged"
    with pytest.raises(InputError, match=message):
        weights.read(tmp_path / name)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such weight file"):
        weights.read(tmp_path / "absent.npz")


@pytest.mark.shared
def test_published_mobilenet_weights_are_read_by_layer_name(shared):
    arrays = weights.read(shared / "weights" / "mobilenet_v1_0.25_224_imagenet.weights.h5")
    assert sum(len(values) for values in arrays.values()) == 137
    assert arrays["conv1"][0].shape == (3, 3, 3, 8)


def test_weights_are_read_beside_code_which_is_not_run(tmp_path):
    """A model with a Lambda layer cannot be opened as a whole; its arrays are data all the same."""
    inputs = keras.Input((8, 8, 3))
    prepared = keras.layers.Lambda(lambda x: x / 255.0)(inputs)
    keras.Model(inputs, keras.layers.Conv2D(2, 3, name="conv")(prepared)).save(
        tmp_path / "model.keras"
    )
    assert weights.read(tmp_path / "model.keras")["conv"][0].shape == (3, 3, 3, 2)
    with pytest.raises(InputError, match="holds code"):
        kerascnn.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("kind", ["weights.h5", "h5"])
def test_links_to_other_files_are_not_followed(kind, model, tmp_path):
    """A weight file can name any other file of the machine as the place of an array."""
    path, other = tmp_path / f"model.{kind}", tmp_path / "other.h5"
    WRITERS[f"model.{kind}"](model, path)
    with h5py.File(other, "w") as file:
        file["secret"] = np.zeros((5, 5, 1, 6), "float32")
    with h5py.File(path, "r+") as file:
        place = "layers/conv2d/vars/0" if kind == "weights.h5" else "c1/c1/0:0"
        del file[place]
        file[place] = h5py.ExternalLink(str(other), "secret")
    with pytest.raises(InputError, match="not in the file itself"):
        weights.read(path)
