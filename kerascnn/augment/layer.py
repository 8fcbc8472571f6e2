"""A pipeline as a Keras layer."""

from typing import Any

import keras
from keras import ops

from kerascnn.augment.config import from_config, to_config
from kerascnn.augment.step import Step
from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class AugmentationLayer(keras.layers.Layer):
    """Augments images in training; in inference, and so in every exported file, it is the identity.

    It counts the images it has seen, and draws by their number and the seed.

    Args:
        pipeline: A `Compose`, or one step, without batch mixers; it keeps the size of the images.
        seed: Of all draws.
    """

    def __init__(self, pipeline: Step, *, seed: int = 0, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if not isinstance(pipeline, Step):
            raise InputError(f"`pipeline` must be a Compose. Received: {pipeline!r}")
        pipeline = pipeline.pipeline
        if pipeline.mixing:
            raise InputError(
                "a layer cannot mix labels: leave MixUp and CutMix out, or use `pipeline.map`."
            )
        self.pipeline, self.seed = pipeline, seed
        self.seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="seen"
        )

    def build(self, input_shape: Any) -> None:
        size = tuple(input_shape[1:3])
        if self.pipeline.output_size(size) != size:
            raise InputError(
                f"this pipeline turns {size} into {self.pipeline.output_size(size)}, and a layer "
                "must keep the size, since it does nothing in inference. Use `pipeline.map`."
            )
        super().build(input_shape)

    def compute_output_spec(self, images: Any, training: bool | None = None) -> Any:
        if training:  # while a functional model is built: for good
            raise InputError(
                "`training=True` fixed in a model would leave the augmentation in every exported "
                "file. Call the layer without `training`; Keras sets it in `fit`."
            )
        return keras.KerasTensor(images.shape, dtype=images.dtype)

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        augmented = self.pipeline(images, seed=self.seed, index=ops.convert_to_tensor(self.seen))
        self.seen.assign_add(ops.cast(ops.shape(images)[0], "int32"))
        return augmented

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pipeline": to_config(self.pipeline), "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AugmentationLayer":
        pipeline = from_config(config["pipeline"])
        return cls(**{**config, "pipeline": pipeline})
