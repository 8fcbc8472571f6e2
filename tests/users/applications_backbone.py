"""A backbone of keras.applications, fine-tuned on a folder of photos, exported for a phone."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

import kerascnn
from kerascnn.transfer import Phase, attach_head, fine_tune

rng = np.random.default_rng(0)
for number, name in enumerate(["brick", "grass", "water"]):
    Path("photos", name).mkdir(parents=True)
    for place in range(16):
        pixels = rng.integers(0, 120, (48, 56, 3), np.uint8)
        pixels[..., number] += 110
        Image.fromarray(pixels).save(f"photos/{name}/{place}.jpg")

data = kerascnn.data.load("photos", image_size=48, channels=3)
backbone = keras.applications.MobileNetV2((48, 48, 3), 0.35, include_top=False, weights=None)
model = attach_head(backbone, len(data.class_names), preprocessing="signed")
tuning = fine_tune(
    model,
    data.train,
    data.validation,
    phases=[
        Phase(name="head", until="head", epochs=1, learning_rate=1e-2),
        Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3),
    ],
)
print(tuning)
model.save("photos.keras")

images, labels = data.sample("train", 30)
result = kerascnn.export.export_tflite(
    kerascnn.load_model("photos.keras"),
    "photos.tflite",
    recipe="dynamic_int8",
    samples=images,
    labels=labels,
    class_names=data.class_names,
)
print(result)
answer = kerascnn.export.TFLiteModel("photos.tflite").predict(images[:1])
assert answer.shape == (1, 3)
assert result.report.agreement > 0.9
