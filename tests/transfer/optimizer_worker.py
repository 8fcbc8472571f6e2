"""Trains with one learning rate per layer on the backend of this process; prints the weights."""

import json

import keras
import numpy as np

from kerascnn.transfer import LayerwiseLearningRate, OneCycle

OPTIMIZERS = {
    "adamw": lambda: keras.optimizers.AdamW(OneCycle(0.05, 8), weight_decay=0.1),
    "accumulated": lambda: keras.optimizers.SGD(0.1, 0.9, gradient_accumulation_steps=2),
    "ema": lambda: keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
}


def trained() -> dict[str, list]:
    """The weights of a small model after eight steps with each optimiser."""
    found = {}
    for name, make in OPTIMIZERS.items():
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(3, name="a"),
                keras.layers.Dense(2, name="b"),
            ]
        )
        model.set_weights([np.full(w.shape, 0.1 * i) for i, w in enumerate(model.get_weights())])
        optimizer = LayerwiseLearningRate(make(), {"a": 0.1})
        if name == "adamw":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 4.0)
        model.compile(optimizer, "mse")
        x = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
        model.fit(x, x[:, :2], batch_size=2, epochs=2, shuffle=False, verbose=0)
        found[name] = [np.asarray(weight).tolist() for weight in model.get_weights()]
    return found


if __name__ == "__main__":
    print(json.dumps(trained()))
