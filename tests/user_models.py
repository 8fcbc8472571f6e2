"""Models as users write them, for 8x8 colour images and two or three classes."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

SHAPE = (8, 8, 3)


class Plain(layers.Layer):
    """A layer without get_config, whose only argument is a number."""

    def __init__(self, factor: float = 2.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor


class Closed(layers.Layer):
    """A layer that no configuration can describe."""

    def __init__(self, function: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


class Described(layers.Layer):
    """A layer with weights and a get_config of its own, not registered."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x: Any) -> Any:
        return ops.matmul(x, self.kernel)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Subclassed(keras.Model):
    """A model without a graph of layers."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 3, activation="relu")
        self.pool = layers.GlobalAveragePooling2D()
        self.scores = layers.Dense(3, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.scores(self.pool(self.conv(x / 255.0)))


class OwnStep(keras.Model):
    """A functional model with a training step of its own."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def bounded(x: Any) -> Any:
    """An activation of one's own."""
    return ops.minimum(ops.relu(x), 6.0)


def head(x: Any, classes: int = 3) -> Any:
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return layers.Dense(classes, activation="softmax", name="scores")(x)


def conv(x: Any, name: str = "conv", **options: Any) -> Any:
    options.setdefault("activation", "relu")
    return layers.Conv2D(4, 3, name=name, **options)(x)


def functional(middle: Callable[[Any], Any], dtype: str = "float32", **options: Any) -> Any:
    images = keras.Input(SHAPE, name="image", dtype=dtype)
    return keras.Model(images, head(conv(middle(images))), **options)


def rescaled(x: Any) -> Any:
    return layers.Rescaling(1 / 255)(x)


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, activation="relu")])
    images = keras.Input(SHAPE)
    return keras.Model(images, head(inner(rescaled(images))))


def shared() -> keras.Model:
    images = keras.Input(SHAPE)
    layer = layers.Conv2D(3, 3, padding="same", activation="relu", name="twice")
    return keras.Model(images, head(layer(layer(rescaled(images)))))


def branches() -> keras.Model:
    images = keras.Input(SHAPE)
    x = rescaled(images)
    both = layers.Concatenate()([conv(x, "left"), conv(x, "right", activation="tanh")])
    return keras.Model(images, head(both))


def frozen() -> keras.Model:
    model = functional(rescaled)
    model.get_layer("conv").trainable = False
    return model


def two_inputs() -> keras.Model:
    first, second = keras.Input(SHAPE, name="first"), keras.Input((2,), name="second")
    x = layers.GlobalAveragePooling2D()(conv(first))
    x = layers.Concatenate()([x, second])
    return keras.Model([first, second], layers.Dense(3, activation="softmax")(x))


def dict_input() -> keras.Model:
    images = keras.Input(SHAPE, name="image")
    return keras.Model({"image": images}, head(conv(rescaled(images))))


def dict_output() -> keras.Model:
    images = keras.Input(SHAPE)
    x = conv(rescaled(images))
    return keras.Model(images, {"scores": head(x), "maps": x})


def one_in_a_dict() -> keras.Model:
    images = keras.Input(SHAPE)
    return keras.Model(images, {"scores": head(conv(rescaled(images)))})


def own_step() -> keras.Model:
    images = keras.Input(SHAPE)
    return OwnStep(images, head(conv(rescaled(images))))


def subclassed() -> keras.Model:
    model = Subclassed()
    model.build((None, *SHAPE))
    return model


def mixed(middle: Callable[[Any], Any]) -> keras.Model:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return functional(middle)
    finally:
        keras.config.set_dtype_policy("float32")


MODELS: dict[str, Callable[[], keras.Model]] = {
    "sequential": lambda: keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    ),
    "unregistered-layer": lambda: functional(lambda x: Described(3)(rescaled(x))),
    "no-get-config": lambda: functional(lambda x: Plain(0.01)(x)),
    "no-config-possible": lambda: functional(Closed(lambda x: x / 255.0)),
    "lambda": lambda: functional(layers.Lambda(lambda x: ops.divide(x, 255.0))),
    "lambda-uint8": lambda: functional(
        lambda x: layers.Lambda(lambda y: ops.cast(y, "float32") / 255.0)(x), dtype="uint8"
    ),
    "closed-uint8": lambda: functional(
        Closed(lambda x: ops.cast(x, "float32") / 255.0), dtype="uint8"
    ),
    "described-mixed": lambda: mixed(lambda x: Described(3)(rescaled(x))),
    "lambda-mixed": lambda: mixed(layers.Lambda(lambda x: ops.divide(x, 255.0))),
    "closed-mixed": lambda: mixed(Closed(lambda x: x / 255.0)),
    "activation-function": lambda: functional(
        lambda x: conv(rescaled(x), "first", activation=bounded)
    ),
    "activation-lambda-mixed": lambda: mixed(
        lambda x: conv(rescaled(x), "first", activation=lambda y: ops.minimum(y, 1.0))
    ),
    "operations": lambda: functional(lambda x: ops.clip(x / 255.0, 0.0, 1.0) - 0.5),
    "operations-uint8": lambda: functional(lambda x: ops.cast(x, "float32") / 255.0, dtype="uint8"),
    "augmentation": lambda: functional(
        lambda x: rescaled(layers.RandomFlip("horizontal")(layers.RandomRotation(0.1)(x)))
    ),
    "normalization": lambda: functional(layers.Normalization(mean=128.0, variance=4000.0)),
    "nested": nested,
    "shared": shared,
    "branches": branches,
    "frozen": frozen,
    "own-train-step": own_step,
    "subclassed": subclassed,
    "two-inputs": two_inputs,
    "dict-input": dict_input,
    "dict-output": dict_output,
    "one-output-in-a-dict": one_in_a_dict,
}
