"""A conversion is found again for the very same graph and no other; the folder stays bounded."""

import os

import keras
import pytest
from keras import layers

from kerascnn.export.conversion import conversion_cache, convert
from kerascnn.export.conversion.convert import convert_float


def network(units=3, rate=0.1):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(2, 3, activation="relu", name="conv")(inputs)
    x = layers.LeakyReLU(rate, name="leaky")(x)
    x = layers.Flatten(name="flat")(x)  # all names are given: Keras numbers others on and on
    return keras.Model(inputs, layers.Dense(units, name="head")(x), name="net")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty cache folder, and a count of real conversions."""
    monkeypatch.setenv("KERASCNN_CONVERSIONS", str(tmp_path / "kept"))
    counted = []
    converted = convert._converted
    monkeypatch.setattr(
        convert, "_converted", lambda *given: counted.append(1) or converted(*given)
    )
    return tmp_path / "kept", counted


def test_the_same_network_is_converted_once(kept):
    folder, counted = kept
    first = convert_float(network())
    assert convert_float(network()) == first  # another object, the same graph and weights
    assert len(counted) == 1
    (entry,) = folder.iterdir()
    assert entry.stat().st_size < len(first) + 2000

    entry.write_bytes(entry.read_bytes()[:-1] + b"?")  # a damaged entry is not believed
    assert convert_float(network()) == first
    assert len(counted) == 2

    assert convert_float(network(), cache=False) == first
    assert len(counted) == 3


def key(model, shape=(1, 6, 6, 1)):
    from kerascnn.export.conversion.frozen import freeze, trace

    return conversion_cache.key_of(freeze(trace(model, shape), model.name), convert._CHILD)


def test_whatever_changes_the_file_changes_the_key(monkeypatch):
    keys = [key(network()), key(network(4)), key(network(rate=0.2))]
    trained = network()
    trained.get_layer("conv").bias.assign([0.0, 1e-7])
    keys.append(key(trained))
    free = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3)], name="free")
    keys += [key(free, (1, 6, 6, 1)), key(free, (1, 6, 7, 1))]
    monkeypatch.setattr("tensorflow.__version__", "9.9")
    keys.append(key(network()))
    assert len(set(keys)) == len(keys)


def test_the_least_recently_used_go_first(kept, monkeypatch):
    folder, _ = kept
    monkeypatch.setattr(conversion_cache, "LARGEST_BYTES", 3200)
    for number, name in enumerate("abc"):
        conversion_cache.store(name, bytes(1000))
        os.utime(folder / f"{name}.tflite", (number, number))
    assert conversion_cache.load("a") == bytes(1000)  # used again
    conversion_cache.store("d", bytes(1000))
    assert sorted(path.stem for path in folder.iterdir()) == ["a", "c", "d"]
    conversion_cache.store("e", bytes(2000))  # more than half of all the room: not kept
    assert conversion_cache.load("e") is None


def test_a_folder_that_cannot_be_used_is_told_and_conversion_goes_on(kept, caplog):
    folder, _ = kept
    folder.write_text("a file where a folder should be")
    conversion_cache.store("a", b"content")
    assert conversion_cache.load("a") is None
    assert "Set KERASCNN_CONVERSIONS to another folder, or to off." in caplog.text


def test_the_cache_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("KERASCNN_CONVERSIONS", "off")
    assert conversion_cache.folder() is None
    conversion_cache.store("a", b"content")
    assert conversion_cache.load("a") is None


def test_the_default_folder_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("KERASCNN_CONVERSIONS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert conversion_cache.folder() == tmp_path / "kerascnn" / "conversions"


def test_a_user_without_a_home_folder_has_no_cache(monkeypatch):
    for name in ("KERASCNN_CONVERSIONS", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for an unknown user
    assert conversion_cache.folder() is None
