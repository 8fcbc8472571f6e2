"""Training in bfloat16 with weights in float32: every layer of ours, on TensorFlow."""

import keras
import numpy as np
import pytest
from test_every_layer import CASES, images

from kerascnn import layers


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_layer_trains_in_bfloat16(name):
    keras.utils.set_random_seed(0)
    config, shape, *_ = CASES[name]
    inputs = keras.Input(shape)
    layer = getattr(layers, name)(**config, dtype="mixed_bfloat16")
    model = keras.Model(inputs, layer(inputs))
    assert keras.backend.standardize_dtype(model.output.dtype) == "bfloat16"
    assert {variable.dtype for variable in layer.trainable_variables} <= {"float32"}
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = [np.array(variable) for variable in layer.trainable_variables]
    targets = np.ones((2, *model.output_shape[1:]), "float32")
    assert np.isfinite(model.train_on_batch(images(shape), targets))
    for variable, old in zip(layer.trainable_variables, before, strict=True):
        assert not np.array_equal(variable, old)
