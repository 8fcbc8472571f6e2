"""Keras on JAX: a model of ours, trained, saved, augmented and explained without TensorFlow."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from sklearn.datasets import load_digits

import kerascnn

digits = load_digits()
images = np.kron(digits.images * 15.9, np.ones((4, 4)))[..., None].astype(np.uint8)
train, test = slice(0, 1400), slice(1400, None)

assert keras.backend.backend() == "jax"
model = kerascnn.models.LeNet5(activation="relu", pool="max", classes=10)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images[train], digits.target[train], epochs=4, verbose=0)
_, accuracy = model.evaluate(images[test], digits.target[test], verbose=0)
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.85

model.save("lenet5.keras")
again = kerascnn.load_model("lenet5.keras")
np.testing.assert_allclose(again.predict(images[:8]), model.predict(images[:8]), atol=1e-5)

pipeline = kerascnn.augment.get("light", 32)
drawn = pipeline(images[:8], seed=1)
assert drawn.shape == images[:8].shape

backbone = kerascnn.models.LeNet5(include_top=False, input_shape=(32, 32, 3))
network = kerascnn.transfer.attach_head(backbone, 5)
assert network.predict(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, 5)
heat = kerascnn.visualize.grad_cam(model, images[:2])
assert heat.shape == (2, 32, 32)
