"""Samples of any kind: arrays, tensors, lists and data sets of bounded size."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel, export_tflite
from kerascnn.export.samples import check_samples

SHAPE = (8, 8, 3)


def pixels(count=6):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE)).astype("uint8")


def dataset(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


LABELS = np.arange(6) % 3
KINDS = {
    "array": pixels,
    "tensor": lambda: keras.ops.convert_to_tensor(pixels()),
    "list": lambda: list(pixels()),
    "labelled dataset": lambda: dataset(pixels(), LABELS).batch(4),
    "dataset of images": lambda: dataset(pixels()).batch(4),
    "unbatched dataset": lambda: dataset(pixels(), LABELS),
    "list of batches": lambda: [(pixels()[:4], LABELS[:4]), (pixels()[4:], LABELS[4:])],
    "function": lambda: lambda: iter([pixels()[:4], pixels()[4:]]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_samples_become_one_array(kind):
    np.testing.assert_array_equal(check_samples(KINDS[kind](), SHAPE), pixels())


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (lambda: "photos", "kerascnn.data.load"),
        (lambda: dataset(pixels(), LABELS).batch(2).repeat(), "has no end"),
        (lambda: dataset(pixels()).batch(2).take(0), r"must have shape \[n, 8, 8, 3\]"),
        (lambda: (pixels() for _ in range(99)), "more than .* GiB"),
        (lambda: {"image": pixels()}, "Received: a dict with the keys image"),
        (lambda: None, "must have shape"),
    ],
)
def test_what_holds_no_samples_is_said_in_a_line(samples, message, monkeypatch):
    monkeypatch.setattr("kerascnn.inputs.images.MOST_BYTES", 10_000)
    with pytest.raises(InputError, match=message) as caught:
        check_samples(samples(), SHAPE)
    assert "\n" not in str(caught.value)


def test_a_model_is_exported_with_a_dataset(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    samples = dataset(pixels(), LABELS).batch(4)
    for recipe in ("float32", "int8"):
        path = tmp_path / f"{recipe}.tflite"
        export_tflite(model, path, recipe, samples=samples, verify=recipe == "float32")
        found = TFLiteModel(path).predict(pixels()[:2])
        np.testing.assert_allclose(found, model(pixels()[:2]), atol=0.05)
