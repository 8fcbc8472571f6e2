"""A pipeline inside a model."""

import keras
import numpy as np
import pytest

from kerascnn import augment
from kerascnn.errors import InputError


def model(pipeline, seed=0):
    inputs = keras.Input((32, 32, 3))
    x = pipeline.layer(seed=seed, name="augmentation")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


@pytest.fixture
def images(photos):
    return photos[:, :32, :32].astype(np.float32)


def test_identity_in_inference_and_draws_in_training(images):
    layer = augment.get("light", 32).layer(seed=2)
    np.testing.assert_array_equal(np.asarray(layer(images)), images)
    first, second = (np.asarray(layer(images, training=True)) for _ in range(2))
    expected = augment.get("light", 32)(images, seed=2, index=4)
    assert np.abs(second - expected).max() <= 1
    assert (np.abs(first - second) > 0).any(axis=(1, 2, 3)).all()


def test_fit_and_save(images, tmp_path):
    import kerascnn

    built = model(augment.get("light", 32), seed=9)
    built.compile("sgd", "mse")
    built.fit(images, np.zeros((4, 2)), epochs=2, verbose=0)
    assert int(built.get_layer("augmentation").seen) == 8
    built.save(tmp_path / "model.keras")
    loaded = kerascnn.load_model(tmp_path / "model.keras")
    layer = loaded.get_layer("augmentation")
    assert layer.pipeline == augment.get("light", 32)
    assert (layer.seed, int(layer.seen)) == (9, 8)
    first, second = (keras.ops.convert_to_numpy(m(images)) for m in (loaded, built))
    np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TFLite needs TensorFlow")
def test_the_served_graph_holds_nothing_of_it(tmp_path):
    from kerascnn.export import export_tflite

    plain_inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(plain_inputs)
    plain = keras.Model(plain_inputs, keras.layers.Dense(2)(x))
    operators = [
        export_tflite(built, tmp_path / name).operators
        for name, built in (("a.tflite", model(augment.get("light", 32))), ("b.tflite", plain))
    ]
    assert operators[0] == operators[1]


def test_what_cannot_be_stripped_is_refused():
    inputs = keras.Input((32, 32, 3))
    layer = augment.Compose([augment.Flip()]).layer()
    with pytest.raises(InputError, match="exported file"):
        layer(inputs, training=True)
    with pytest.raises(InputError, match="must keep the size"):
        augment.Compose([augment.RandomResizedCrop(16)]).layer()(inputs)
    with pytest.raises(InputError, match="cannot mix labels"):
        augment.Compose([augment.MixUp(3)]).layer()
    with pytest.raises(InputError, match="must be a Compose"):
        augment.AugmentationLayer("flip")
