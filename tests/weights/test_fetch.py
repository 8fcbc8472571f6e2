"""Fetching published weights: the real path, from addresses of this machine; every way to fail."""

import functools
import hashlib
import importlib.machinery
import importlib.util
import logging
import sys
import types
import zlib

import h5py
import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import weights
from kerascnn.catalog import published
from kerascnn.catalog.published import HubRepository, KerasFile, Published, TorchFile
from kerascnn.errors import InputError
from kerascnn.weights import fetch

SIZE = (32, 32, 3)
OPTIONS = {"alpha": 0.25, "input_shape": SIZE}


def randomized(model):
    rng = np.random.default_rng(0)
    for variable in model.weights:
        low = 0.5 if variable.name in ("gamma", "moving_variance") else -0.3
        variable.assign(rng.uniform(low, low + 0.6, variable.shape))
    return model


def write_keras2(model, path, renamed=lambda name: name):
    """A weight file as Keras 2 wrote them: layers in order, trainable weights first."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [renamed(layer.name) for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(renamed(layer.name))
            variables = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{i}:0" for i in range(len(variables))]
            group.attrs["weight_names"] = names
            for name, variable in zip(names, variables, strict=True):
                group[name] = np.asarray(variable)


def old(name):
    """Names as in a file from before layers were renamed."""
    return f"old_{zlib.crc32(name.encode())}"


@pytest.fixture(scope="module")
def theirs():
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNet(
        alpha=0.25, weights=None, input_shape=SIZE, classifier_activation=None
    )
    return randomized(model)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Downloads go into a folder of the test."""
    monkeypatch.setattr(
        keras.utils, "get_file", functools.partial(keras.utils.get_file, cache_dir=tmp_path)
    )
    return tmp_path / "models"


@pytest.fixture
def publish(monkeypatch):
    """Puts a place into the table as the only weights of a model."""

    def put(place, variant="MobileNet", tag="imagenet", style="keras"):
        entry = Published(tag, style, lambda request: place)
        monkeypatch.setitem(published.TABLE, variant, (entry,))

    return put


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def pixels(count=2):
    return np.random.default_rng(1).integers(0, 256, (count, *SIZE)).astype("float32")


@pytest.mark.parametrize("renamed", [old, lambda name: name], ids=["old names", "today's names"])
def test_a_fetched_file_gives_the_outputs_of_keras(
    renamed, theirs, tmp_path, cache, publish, capsys, caplog
):
    path = tmp_path / "mobilenet_2_5_32_tf.h5"
    write_keras2(theirs, path, renamed)
    publish(KerasFile(path.as_uri(), md5(path)))
    logging.getLogger("kerascnn").propagate = True
    with caplog.at_level(logging.INFO, logger="kerascnn"):
        ours = kerascnn.create_model(
            "MobileNet", weights="imagenet", classifier_activation=None, **OPTIONS
        )
    assert "MobileNet: weights 'imagenet' (mobilenet_2_5_32_tf.h5), details of style='keras'" in (
        caplog.text
    )
    assert capsys.readouterr().out == ""  # a program may read what a command prints
    assert (cache / path.name).is_file()
    x = pixels()
    wanted = theirs.predict_on_batch(x / 127.5 - 1)
    got = ours.predict_on_batch(x)
    assert np.abs(got - wanted).max() <= 1e-4 * np.ptp(wanted)


def test_the_second_time_the_cache_is_used(theirs, tmp_path, cache, publish):
    path = tmp_path / "file.h5"
    write_keras2(theirs, path)
    publish(KerasFile(path.as_uri(), md5(path)))
    kerascnn.create_model("MobileNet", weights="imagenet", **OPTIONS)
    path.unlink()
    kerascnn.create_model("MobileNet", weights="imagenet", **OPTIONS)


def test_a_file_given_by_path_may_have_a_head_of_another_name(theirs, tmp_path):
    path = tmp_path / "mobilenet_2_5_32_tf.h5"
    write_keras2(theirs, path, lambda name: {"conv_preds": "probs"}.get(name, name))
    ours = kerascnn.create_model("MobileNet", weights=path, **OPTIONS)
    np.testing.assert_array_equal(
        ours.get_layer("predictions").get_weights()[0],
        theirs.get_layer("conv_preds").get_weights()[0][0, 0],
    )


def test_our_own_file_in_the_old_format_is_taken_as_it_is(tmp_path):
    ours = randomized(kerascnn.create_model("MobileNet", **OPTIONS))
    ours.save(tmp_path / "ours.h5")
    loaded = kerascnn.create_model("MobileNet", weights=tmp_path / "ours.h5", **OPTIONS)
    for got, wanted in zip(loaded.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_another_number_of_classes_keeps_a_fresh_head(theirs, tmp_path, cache, publish):
    path = tmp_path / "file.h5"
    write_keras2(theirs, path)
    publish(KerasFile(path.as_uri()))
    ours = kerascnn.create_model("MobileNet", weights="imagenet", classes=5, **OPTIONS)
    assert ours.output_shape == (None, 5)
    np.testing.assert_array_equal(
        ours.get_layer("stem_conv").get_weights()[0], theirs.get_layer("conv1").get_weights()[0]
    )


def test_sequences_within_a_model_are_taken_apart(tmp_path, monkeypatch):
    inner = keras.Sequential(
        [keras.layers.Conv2D(3, 3, name="conv"), keras.layers.BatchNormalization(name="norm")],
        name="stem",
    )
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Dense(2, name="last")(inner(inputs)))
    write_keras2(randomized(model), tmp_path / "nested.h5")
    monkeypatch.setattr(keras.applications, "MobileNet", lambda **_: model)
    arrays = fetch._aligned(tmp_path / "nested.h5", weights.Request("MobileNet"))
    assert list(arrays) == ["conv", "norm", "last"]
    for name, layer in (("conv", inner.layers[0]), ("norm", inner.layers[1])):
        for got, wanted in zip(arrays[name], layer.get_weights(), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_wrong_hash_is_an_error(theirs, tmp_path, cache, publish):
    path = tmp_path / "file.h5"
    write_keras2(theirs, path)
    publish(KerasFile(path.as_uri(), "0" * 32))
    with pytest.raises(InputError, match=r"'imagenet' could not be fetched.*hash does not match"):
        kerascnn.create_model("MobileNet", weights="imagenet", **OPTIONS)


def test_without_a_network_the_error_says_what_to_do(tmp_path, cache, publish):
    publish(KerasFile((tmp_path / "absent.h5").as_uri()))
    message = r"could not be fetched from file:.*Without a network, .*weights='.../absent.h5'"
    with pytest.raises(InputError, match=message):
        kerascnn.create_model("MobileNet", weights="imagenet", **OPTIONS)


def test_a_damaged_file_without_a_hash_says_which_to_delete(tmp_path, cache, publish):
    path = tmp_path / "damaged.h5"
    path.write_bytes(bytes(range(256)))
    publish(KerasFile(path.as_uri()))
    with pytest.raises(InputError, match=r"To fetch it again, delete .*models.damaged.h5"):
        kerascnn.create_model("MobileNet", weights="imagenet", **OPTIONS)


def test_the_file_of_another_model_is_an_error(theirs, tmp_path, cache, publish):
    path = tmp_path / "file.h5"
    write_keras2(theirs, path)
    publish(KerasFile(path.as_uri()), "MobileNetV2")
    with pytest.raises(InputError, match=r"holds \d+ layers, keras.applications.MobileNetV2 has"):
        kerascnn.create_model("MobileNetV2", weights="imagenet", input_shape=SIZE)


def test_a_file_of_another_width_is_an_error(theirs, tmp_path, cache, publish):
    path = tmp_path / "file.h5"
    write_keras2(theirs, path)
    publish(KerasFile(path.as_uri()))
    message = r"file.h5 is no weight file of MobileNet: its layer 'conv1' has the shapes"
    with pytest.raises(InputError, match=message):
        kerascnn.create_model("MobileNet", weights="imagenet", alpha=0.5, input_shape=SIZE)


def without(monkeypatch, *packages):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in packages else find_spec(name)
    )


@pytest.mark.parametrize("package", ["huggingface_hub", "safetensors"])
def test_the_hub_needs_two_packages(package, publish, monkeypatch):
    provide(monkeypatch, "huggingface_hub", "safetensors")
    without(monkeypatch, package)
    publish(HubRepository("timm/a"), tag="timm/a", style="torch")
    with pytest.raises(InputError, match=rf"{package}: pip install 'kerascnn\[hub\]'"):
        kerascnn.create_model("MobileNet", weights="timm/a", **OPTIONS)


def provide(monkeypatch, *packages):
    """Stands in for packages, whether they are installed or not."""
    for name in packages:
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)


def hub(monkeypatch, download):
    provide(monkeypatch, "huggingface_hub", "safetensors")
    sys.modules["huggingface_hub"].hf_hub_download = download


def test_a_hub_repository_is_asked_for_its_safetensors(tmp_path, publish, monkeypatch):
    asked = []

    def download(repository, file):
        asked.append((repository, file))
        return str(tmp_path / file)

    hub(monkeypatch, download)
    monkeypatch.setattr(fetch, "read", lambda path: {"path": path})
    publish(HubRepository("timm/a"), tag="timm/a", style="torch")
    found = fetch.find("timm/a", weights.Request("MobileNet"))
    assert asked == [("timm/a", "model.safetensors")]
    assert found.arrays == {"path": tmp_path / "model.safetensors"}
    assert found.origin == "'timm/a' (timm/a)"


def test_an_unreachable_hub_says_what_to_do(publish, monkeypatch):
    def download(repository, file):
        raise ConnectionError("no route\nmany lines")

    hub(monkeypatch, download)
    publish(HubRepository("timm/tf_a"), tag="timm/tf_a", style="keras")
    message = r"hub: no route\. Without a network, copy model.safetensors .*style='keras'"
    with pytest.raises(InputError, match=message):
        kerascnn.create_model("MobileNet", weights="timm/tf_a", **OPTIONS)


def test_a_pytorch_file_needs_pytorch(publish, monkeypatch):
    without(monkeypatch, "torch")
    publish(TorchFile("net-00000000.pth"), tag="torchvision", style="torch")
    with pytest.raises(InputError, match="PyTorch is not installed"):
        kerascnn.create_model("MobileNet", weights="torchvision", **OPTIONS)


@pytest.mark.parametrize("intact", [True, False])
def test_the_digest_in_the_name_of_a_pytorch_file_is_checked(
    intact, tmp_path, cache, publish, monkeypatch
):
    content = b"weights"
    digest = hashlib.sha256(content if intact else b"other").hexdigest()[:8]
    source = tmp_path / f"net-{digest}.pth"
    source.write_bytes(content)
    provide(monkeypatch, "torch")
    monkeypatch.setattr(fetch, "PYTORCH", f"{tmp_path.as_uri()}/")
    monkeypatch.setattr(fetch, "read", lambda path: {"path": path})
    publish(TorchFile(source.name), tag="torchvision", style="torch")
    request = weights.Request("MobileNet")
    if intact:
        assert fetch.find("torchvision", request).arrays["path"] == cache / source.name
        return
    with pytest.raises(InputError, match=r"is damaged or was replaced.*It was deleted"):
        fetch.find("torchvision", request)
    assert not (cache / source.name).exists()
