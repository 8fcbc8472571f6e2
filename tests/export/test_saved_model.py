"""SavedModels answer like the model, in inference mode and float32, or are not written."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerascnn.errors import ExportError, InputError, OutputExistsError
from kerascnn.export.conversion.any_model import float32_model, input_shape_of, require_tensorflow
from kerascnn.export.saved_models.saved_model import export_saved_model, open_saved_model


def small(dtype=None, policy="float32", size=(8, 8, 3)):
    """A net with augmentation and dropout, in any precision."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(size, dtype=dtype)
    x = layers.RandomFlip(dtype=policy)(inputs)
    x = layers.Rescaling(1 / 255, dtype=policy)(x)
    x = layers.Conv2D(4, 3, activation="relu", dtype=policy)(x)
    x = layers.BatchNormalization(dtype=policy)(x)
    x = layers.Dropout(0.5, dtype=policy)(layers.GlobalAveragePooling2D(dtype=policy)(x))
    return keras.Model(inputs, layers.Dense(3, dtype=policy)(x), name="small")


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_a_saved_model_answers_like_the_model(tmp_path, pixels):
    model = small()
    result = export_saved_model(model, tmp_path / "saved")
    outputs, shape = open_saved_model(result.path)
    assert shape == (8, 8, 3)
    np.testing.assert_allclose(
        outputs(pixels), model(pixels.astype("float32"), training=False), atol=1e-5
    )


def test_the_result_says_what_was_written(tmp_path):
    result = export_saved_model(small(), tmp_path / "saved")
    assert result.input_shape == (None, 8, 8, 3)
    assert result.bytes == sum(f.stat().st_size for f in result.path.rglob("*") if f.is_file())
    assert result.max_abs <= 1e-4
    assert (result.path / "saved_model.pb").is_file()


def test_a_free_input_size_stays_free(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs))
    result = export_saved_model(keras.Model(inputs, x), tmp_path / "saved")
    assert result.input_shape == (None, None, None, 3)
    with pytest.raises(InputError, match="images of a known size"):
        open_saved_model(result.path)


def test_nothing_is_printed(tmp_path, capfd):
    export_saved_model(small(), tmp_path / "saved", verify=False)
    assert "Saved artifact" not in "".join(capfd.readouterr())


def test_an_existing_folder_is_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="is not replaced: it is not a SavedModel"):
        export_saved_model(small(), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_a_model_that_cannot_be_traced_leaves_nothing(tmp_path):
    class Stubborn(keras.Model):
        def call(self, x, training=False):
            raise RuntimeError("not today")

    with pytest.raises(ExportError, match=r"could not be traced.*not today"):
        export_saved_model(Stubborn(), tmp_path / "saved", input_shape=(8, 8, 3))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(ExportError, match="no space left there"):
        export_saved_model(small(), tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_opening_a_folder_that_is_no_saved_model_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"no saved_model\.pb"):
        open_saved_model(tmp_path)


def test_opening_a_damaged_saved_model_is_an_input_error(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"no protocol buffer")
    with pytest.raises(InputError, match="cannot be opened as a SavedModel"):
        open_saved_model(tmp_path)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_reduced_precision_is_rebuilt_in_float32(policy, pixels):
    model = small(policy=policy)
    copy = float32_model(model)
    assert all(layer.compute_dtype == "float32" for layer in copy.layers)
    for mine, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs.astype(mine.dtype))
    wanted = np.asarray(model(pixels.astype("float32"), training=False), "float32")
    np.testing.assert_allclose(copy(pixels.astype("float32"), training=False), wanted, atol=2e-2)


def test_an_integer_input_becomes_float(pixels):
    model = small(dtype="uint8")
    copy = float32_model(model)
    assert copy.inputs[0].dtype == "float32"
    np.testing.assert_allclose(
        copy(pixels.astype("float32"), training=False), model(pixels, training=False), atol=1e-6
    )


def test_a_float32_model_is_not_copied():
    model = small()
    assert float32_model(model) is model


def test_a_mixed_model_that_cannot_be_rebuilt_says_how_to_go_on():
    class Closed(layers.Layer):
        def __init__(self, function, **kwargs):
            super().__init__(**kwargs)
            self.function = function

        def call(self, x):
            return self.function(x)

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, Closed(lambda x: x * 2, dtype="mixed_float16")(inputs))
    with pytest.raises(ExportError, match=r"could not be rebuilt.*get_config.*set_weights"):
        float32_model(model)


def test_several_inputs_are_named():
    first, second = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    model = keras.Model([first, second], layers.Add()([first, second]))
    with pytest.raises(InputError, match="2 inputs: left, right"):
        input_shape_of(model, None, need_size=True)


def test_several_outputs_are_refused():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, [layers.ReLU()(inputs), layers.Softmax()(inputs)])
    with pytest.raises(InputError, match="2 outputs"):
        input_shape_of(model, None, need_size=True)


def test_an_input_that_is_no_image_is_refused():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(2)])
    with pytest.raises(InputError, match="must take images"):
        input_shape_of(model, None, need_size=True)


def test_a_free_size_asks_for_input_shape():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.GlobalAveragePooling2D()])
    with pytest.raises(InputError, match="Pass input_shape="):
        input_shape_of(model, None, need_size=True)
    assert input_shape_of(model, (32, 24, 3), need_size=True) == (32, 24, 3)


def test_an_input_shape_against_the_models_own_is_refused():
    with pytest.raises(InputError, match="contradicts"):
        input_shape_of(small(), (9, 9, 3), need_size=True)


def test_something_that_is_no_model_is_refused():
    with pytest.raises(InputError, match=r"takes a keras\.Model\. Received: str"):
        input_shape_of("model.keras", None, need_size=True)


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ExportError, match=r"runs on jax.*KERAS_BACKEND=tensorflow"):
        require_tensorflow()
