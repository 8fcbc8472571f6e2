"""State dictionaries of PyTorch, as .safetensors and .pth, and old Keras files."""

import importlib.util

import h5py
import numpy as np
import pytest
import safetensors.numpy

from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.weights.readers import StateDict

STATE = {
    "fc.weight": np.arange(6, dtype="float32").reshape(2, 3),
    "fc.half": np.array([0.5, 2.0], "float16"),
    "bn.num_batches_tracked": np.array(7, "int64"),
}


def without(monkeypatch, package):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
    )


def save_safetensors(state, path):
    safetensors.numpy.save_file(state, path)


def save_torch(state, path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save({name: torch.from_numpy(value.copy()) for name, value in state.items()}, path)


SAVERS = {"model.safetensors": save_safetensors, "model.pth": save_torch, "model.pt": save_torch}
each_format = pytest.mark.parametrize("name", SAVERS)


@each_format
def test_a_state_dictionary_is_read_with_floats_as_float32(name, tmp_path):
    SAVERS[name](STATE, tmp_path / name)
    state = weights.read(tmp_path / name)
    assert isinstance(state, StateDict)
    assert set(state) == set(STATE)
    for key, value in STATE.items():
        np.testing.assert_array_equal(state[key], value)
    kinds = {key: str(value.dtype) for key, value in state.items()}
    assert kinds == {
        "fc.weight": "float32",
        "fc.half": "float32",
        "bn.num_batches_tracked": "int64",
    }


@each_format
def test_names_of_data_parallel_training_are_shortened(name, tmp_path):
    SAVERS[name]({f"module.{key}": value for key, value in STATE.items()}, tmp_path / name)
    assert set(weights.read(tmp_path / name)) == set(STATE)


@each_format
def test_a_file_without_tensors_is_an_error(name, tmp_path):
    SAVERS[name]({}, tmp_path / name)
    with pytest.raises(InputError, match=r"cannot read weights from .*no tensors"):
        weights.read(tmp_path / name)


@each_format
def test_random_bytes_are_an_error(name, tmp_path):
    SAVERS[name](STATE, tmp_path / name)  # skips where the package is missing
    (tmp_path / name).write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match="cannot read weights from"):
        weights.read(tmp_path / name)


@each_format
def test_half_a_file_is_an_error(name, tmp_path):
    SAVERS[name](STATE, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="cannot read weights from"):
        weights.read(tmp_path / name)


def test_brain_floats_become_float32(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save({"a": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, tmp_path / "a.pth")
    np.testing.assert_array_equal(weights.read(tmp_path / "a.pth")["a"], [1.5, -2.0])


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_the_weights_within_a_training_checkpoint_are_found(key, tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    state = {name: torch.from_numpy(value) for name, value in STATE.items()}
    torch.save({key: state, "epoch": 3}, tmp_path / "checkpoint.pth")
    assert set(weights.read(tmp_path / "checkpoint.pth")) == set(STATE)


class Trap:
    """Unpickling it would call what it names."""

    def __reduce__(self):
        return (print, ("unpickled code ran",))


def test_a_file_with_code_is_refused_and_the_code_does_not_run(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save({"a": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(InputError, match="more than tensors, or is damaged"):
        weights.read(tmp_path / "trap.pth")
    assert "ran" not in capsys.readouterr().out


def test_other_content_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="no state dictionary"):
        weights.read(tmp_path / "list.pth")


@pytest.mark.parametrize(
    ("name", "package", "message"),
    [
        ("a.safetensors", "safetensors", r"safetensors: pip install 'kerascnn\[hub\]'"),
        ("a.pth", "torch", r"needs PyTorch: pip install torch"),
    ],
)
def test_a_missing_package_is_named(name, package, message, tmp_path, monkeypatch):
    without(monkeypatch, package)
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(InputError, match=message):
        weights.read(tmp_path / name)


def test_lists_of_names_that_keras_cut_in_pieces_are_joined(tmp_path):
    with h5py.File(tmp_path / "long.h5", "w") as file:
        file.attrs["layer_names0"] = [b"a"]
        file.attrs["layer_names1"] = [b"b"]
        for name in ("a", "b"):
            group = file.create_group(name)
            group.attrs["weight_names"] = [b"kernel:0"]
            group["kernel:0"] = np.zeros(3)
    assert list(weights.read(tmp_path / "long.h5")) == ["a", "b"]


def test_an_h5_file_of_another_kind_is_an_error(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(InputError, match="no layer_names, as a Keras 2 weight file would"):
        weights.read(tmp_path / "other.h5")
