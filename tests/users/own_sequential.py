"""Somebody's own Sequential of stock Keras layers: no model of ours, only the export."""

import keras
from keras import layers

import kerascnn

data = kerascnn.data.load("digits", image_size=16)
model = keras.Sequential(
    [
        keras.Input((16, 16, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(12, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(24, 3, activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ],
    name="mine",
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(data.train, validation_data=data.validation, epochs=8, verbose=0)

images, labels = data.sample("train", 200)
bundle = kerascnn.export.export_bundle(
    model,
    "bundle",
    recipes=["float32", "int8"],
    samples=images,
    labels=labels,
    class_names=data.class_names,
    evaluation=data.arrays("test"),
)
print(bundle)
for path in sorted(bundle.folder.glob("*.tflite")):
    evaluation = kerascnn.export.evaluate_tflite(path, *data.arrays("test"))
    print(f"{path.name}: {evaluation}")
    assert evaluation.accuracy > 0.85
heat = kerascnn.visualize.grad_cam(model, images[:4])
assert heat.shape == (4, 16, 16)
