"""The int8 file of a quantisation-aware model computes what the model computes."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers
from sklearn.datasets import load_digits

from kerascnn.errors import ExportError, InputError
from kerascnn.export import TFLiteModel, convert_float, export_bundle, export_tflite
from kerascnn.export.quantize.learned_ranges import learned_ranges
from kerascnn.quantization import quantize_aware, with_ranges


@pytest.fixture(scope="module")
def digits():
    """Real handwritten digits, uint8 `[600, 16, 16, 1]`, and their classes."""
    data = load_digits()
    images = np.kron(data.images[:600, ..., np.newaxis], np.ones((1, 2, 2, 1)))
    return np.minimum(images * 16, 255).astype(np.uint8), data.target[:600]


@pytest.fixture(scope="module")
def aware(digits):
    """A network of the operators of common families, trained with rounding."""
    images, classes = digits
    keras.utils.set_random_seed(5)
    inputs = keras.Input((16, 16, 1), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(6)(layers.BatchNormalization(momentum=0.8)(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU(6)(layers.BatchNormalization(momentum=0.8)(y))
    y = layers.Conv2D(8, 1, use_bias=False)(y)
    y = layers.BatchNormalization(momentum=0.8)(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.MaxPooling2D(2)(x)
    left = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    right = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    x = layers.Flatten()(layers.Concatenate()([left, right]))
    model = keras.Model(inputs, layers.Dense(10, name="answers")(x), name="small")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    result = quantize_aware(model, images[:64])
    result.compile(keras.optimizers.Adam(0.01), loss)
    result.fit(images, classes, epochs=4, verbose=0)
    return result


@pytest.fixture(scope="module")
def float_bytes(aware):
    return convert_float(aware)


@pytest.fixture(scope="module")
def exported(aware, digits, float_bytes, tmp_path_factory):
    path = tmp_path_factory.mktemp("aware") / "model.tflite"
    samples = digits[0][:16]
    return export_tflite(aware, path, "int8", samples, io="int8", float_model=float_bytes)


def tensors(path):
    """Name -> (scales, zero points) of a file."""
    interpreter = Interpreter(str(path))
    found = {}
    for detail in interpreter.get_tensor_details():
        parameters = detail["quantization_parameters"]
        found[detail["name"]] = (parameters["scales"], parameters["zero_points"])
    return found


def test_file_and_model_differ_by_a_step_at_most(aware, exported, digits):
    images = digits[0][:300]
    steps = (TFLiteModel(exported.path).predict(images) - np.asarray(aware(images))) / (
        exported.output.scale
    )
    assert np.abs(steps).max() < 1.5
    assert (np.abs(steps) > 0.5).mean() < 0.1


def test_scales_of_the_file_are_the_learned_ones(aware, exported, float_bytes, digits):
    learned = learned_ranges(aware, float_bytes, digits[0][0])
    known = tensors(exported.path)
    assert len(learned) == 9
    for name, (low, high) in learned.items():
        scales, zero_points = known[name]
        np.testing.assert_allclose(scales, [(high - low) / 255], rtol=1e-6)
        np.testing.assert_array_equal(zero_points, [-128 - round(low / scales[0])])


def test_every_learned_range_arrives(aware, float_bytes, digits):
    spans = {(span.low, span.high) for span in with_ranges(aware)[1]}
    assert set(learned_ranges(aware, float_bytes, digits[0][0]).values()) == spans


def test_concatenation_needs_no_rescaling(exported):
    assert exported.operators["CONCATENATION"] == 1
    assert "QUANTIZE" not in exported.operators


def test_weights_of_the_file_are_those_of_training(aware, exported):
    layer = aware.get_layer("answers")
    rounded = np.asarray(layer.rounded_kernel()).T
    interpreter = Interpreter(str(exported.path))
    for detail in interpreter.get_tensor_details():
        if tuple(detail["shape"]) == rounded.shape and detail["dtype"] is np.int8:
            scales = detail["quantization_parameters"]["scales"][:, np.newaxis]
            np.testing.assert_allclose(
                interpreter.get_tensor(detail["index"]) * scales, rounded, rtol=1e-5, atol=1e-7
            )
            return
    pytest.fail("the file has no weights of that shape")


def test_the_bundle_holds_the_same_file(
    aware, exported, digits, float_bytes, tmp_path, monkeypatch
):
    monkeypatch.setattr("kerascnn.export.bundle.write.convert_float", lambda *_: float_bytes)
    images, classes = digits
    result = export_bundle(
        aware, tmp_path / "b", recipes=["int8"], samples=images[:16], labels=classes[:16], io="int8"
    )
    written = TFLiteModel(result.folder / result.manifest.files[0].path)
    np.testing.assert_array_equal(
        written.predict(images[:50]), TFLiteModel(exported.path).predict(images[:50])
    )


def test_a_file_of_another_model_is_refused(aware, grey_float_file, grey_images):
    with pytest.raises((ExportError, ValueError)):
        learned_ranges(aware, grey_float_file.read_bytes(), grey_images[0])


def test_a_model_that_saw_nothing_is_refused(aware, digits, float_bytes, tmp_path):
    from kerascnn.quantization import strip

    fresh = quantize_aware(strip(aware))
    with pytest.raises(InputError, match="learned no ranges yet"):
        export_tflite(fresh, tmp_path / "x.tflite", "int8", digits[0][:4], float_model=float_bytes)
