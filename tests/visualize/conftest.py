"""A network that has learned something."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digit_network():
    """Trained on real digits in a second; and 32 images that it has not seen, with their labels."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(images[:1500], labels[:1500], epochs=3, verbose=0)
    images, labels = images[1500:1532], labels[1500:1532]
    assert (np.asarray(model(images)).argmax(1) == labels).mean() > 0.6
    return model, images, labels
