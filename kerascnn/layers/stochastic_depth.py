"""Stochastic depth (arXiv:1603.09382): drop a residual branch for whole images."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class StochasticDepth(keras.layers.Layer):
    """Zeroes the maps of a random part of the images, and rescales the others.

    Placed on the branch of a residual block, before it is added to the shortcut. In inference it
    does nothing.

    Args:
        rate: Probability of dropping an image's branch, in [0, 1).
        seed: Makes the draws reproducible.
    """

    def __init__(self, rate: float, *, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed = arguments.rate("rate", rate), seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, x, training=False):
        if not training or self.rate == 0:
            return x
        return x * ops.cast(self.draw(ops.shape(x)[0], len(x.shape)), x.dtype)

    def draw(self, batch_size, rank):
        """One factor per image: 0 where dropped, else 1 / (1 - rate)."""
        shape = (batch_size, *(1,) * (rank - 1))
        kept = keras.random.uniform(shape, seed=self.seed_generator) >= self.rate
        return ops.cast(kept, "float32") / (1 - self.rate)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def linear_rates(rate: float, depth: int, *, reached: bool) -> list[float]:
    """Drop rates that rise linearly from 0 over `depth` blocks.

    Args:
        rate: End of the line.
        depth: Number of blocks.
        reached: The last block has the full rate, as in ConvNeXt. False: the line reaches it one
            block later, as in EfficientNet.
    """
    return [rate * i / max(1, depth - reached) for i in range(depth)]
