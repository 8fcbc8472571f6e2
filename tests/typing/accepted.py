"""What a user writes, and every type checker must accept."""

from pathlib import Path

import keras

import kerascnn
from kerascnn.models import LeNet5, MobileNetV2, ResNet50
from kerascnn.transfer import attach_head, fine_tune

model: keras.Model = ResNet50(classes=3, input_shape=(64, 64, 3), weights=Path("mine.weights.h5"))
small = MobileNetV2(alpha=0.35, weights="imagenet", include_top=False, pooling="avg")
digits = kerascnn.models.LeNet5(classes=10, activation="relu")
other: keras.Model = LeNet5(include_top=True, weights=None)

data = kerascnn.data.load("photos", image_size=(96, 64), seed=1)
names: tuple[str, ...] = data.class_names
whole = attach_head(small, classes=len(names))
fine_tune(whole, data.train, data.validation)

loss: keras.losses.Loss = kerascnn.losses.Crossentropy(label_smoothing=0.1)
operations: int = kerascnn.profile.macs(digits)
written = kerascnn.export.export_tflite(digits, "digits.tflite", recipe="int8")
size: int = written.bytes
run = kerascnn.train("digits", "LeNet5", Path("run"), epochs=3)
loaded: keras.Model = kerascnn.load_model("model.keras")
pictures = kerascnn.visualize.grad_cam
steps = kerascnn.augment.Compose([kerascnn.augment.Rotate(15.0), kerascnn.augment.Flip()])
