"""Partially connected convolution: C3 of LeNet-5 (LeCun et al. 1998, section II.B, table I)."""

import operator
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerascnn import arguments
from kerascnn.errors import InputError

# Keras's own initialiser of this name would take the fan-in from the shape of the kernels, which
# does not tell which map each of them leads to.
LECUN_NORMAL = "lecun_normal"


@keras.saving.register_keras_serializable(package="kerascnn")
class PartialConv2D(keras.layers.Layer):
    """Convolution in which each output map sees its own subset of the input maps.

    Only the kernels of existing connections are parameters. No padding is added: an input
    (batch, height, width, maps) gives floor((size - kernel_size) / strides) + 1 positions.

    Args:
        connections: For each output map, the indices of the input maps it sees.
        kernel_size: Side of the square kernels.
        strides: Step of the window, in both directions.
        use_bias: Add one bias per output map.
        kernel_initializer: Initialiser of the kernels (connections, side, side), or
            "lecun_normal": normal with variance 1 / fan-in, by the fan-in of each output map.
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int,
        *,
        strides: int = 1,
        use_bias: bool = True,
        kernel_initializer: str | keras.initializers.Initializer = LECUN_NORMAL,
        **kwargs,
    ):
        super().__init__(**kwargs)
        try:
            self.connections = [[operator.index(index) for index in row] for row in connections]
        except TypeError:
            arguments.refuse("connections", "rows of indices of input maps", connections)
        if not self.connections or not all(self.connections):
            arguments.refuse("connections", "at least one input map per output map", connections)
        for output, row in enumerate(self.connections):
            if len(set(row)) != len(row) or min(row) < 0:
                raise InputError(
                    "`connections` must hold distinct indices from 0. "
                    f"Received: {row} for output map {output}."
                )
        self.kernel_size = arguments.whole("kernel_size", kernel_size)
        self.strides = arguments.whole("strides", strides)
        self.use_bias = arguments.flag("use_bias", use_bias)
        self.kernel_initializer = kernel_initializer
        if kernel_initializer != LECUN_NORMAL:
            try:
                self.kernel_initializer = keras.initializers.get(kernel_initializer)
            except (TypeError, ValueError):
                arguments.refuse("kernel_initializer", "an initialiser", kernel_initializer)

    def build(self, input_shape):
        maps = input_shape[-1]
        if max(map(max, self.connections)) >= maps:
            raise InputError(
                f"`connections` name input map {max(map(max, self.connections))}, but the input "
                f"has maps 0 to {maps - 1}. Received: input_shape={tuple(input_shape)}."
            )
        pairs = [(source, output) for output, row in enumerate(self.connections) for source in row]
        # kernels[position[i, o]] connects input i to output o; the last, all-zero one stands for
        # "not connected".
        self._position = np.full((maps, len(self.connections)), len(pairs), dtype="int32")
        for position, (source, output) in enumerate(pairs):
            self._position[source, output] = position
        self.kernels = self.add_weight(
            name="kernels",
            shape=(len(pairs), self.kernel_size, self.kernel_size),
            initializer=self._initial_kernels(pairs),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(len(self.connections),), initializer="zeros"
            )

    def _initial_kernels(self, pairs):
        if self.kernel_initializer != LECUN_NORMAL:
            return self.kernel_initializer
        area = self.kernel_size**2
        deviations = [(area * len(self.connections[output])) ** -0.5 for _, output in pairs]

        def initializer(shape, dtype):
            scale = ops.reshape(ops.convert_to_tensor(deviations, dtype=dtype), (-1, 1, 1))
            return scale * keras.random.normal(shape, dtype=dtype)

        return initializer

    def call(self, x):
        kernels = ops.pad(self.kernels, ((0, 1), (0, 0), (0, 0)))
        kernel = ops.transpose(ops.take(kernels, self._position, axis=0), (2, 3, 0, 1))
        x = ops.conv(x, kernel, strides=self.strides, padding="valid")
        return x if self.bias is None else x + self.bias

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        sizes = [
            None if size is None else (size - self.kernel_size) // self.strides + 1
            for size in (height, width)
        ]
        return (batch, *sizes, len(self.connections))

    def compute_macs(self, input_shape):
        """Multiplications of the existing connections only."""
        _, height, width, _ = self.compute_output_shape(input_shape)
        return height * width * self.kernel_size**2 * sum(map(len, self.connections))

    def get_config(self):
        initializer = self.kernel_initializer
        if initializer != LECUN_NORMAL:
            initializer = keras.initializers.serialize(initializer)
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": initializer,
        }
