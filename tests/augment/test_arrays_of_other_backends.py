"""Pipelines on the Keras backend's own arrays (run with KERAS_BACKEND=jax or torch too)."""

import keras
import numpy as np
import pytest

from kerascnn import augment

EVERYTHING = {
    "standard": augment.get("standard", (96, 128)),
    "locals": augment.Compose(
        [
            augment.RandomApply(augment.GaussianBlur(), 0.5),
            augment.GaussianNoise(),
            augment.RandomErasing(1),
            augment.Cutout(),
            augment.GridMask(),
        ]
    ),
    "equalize": augment.Compose([augment.Perspective(), augment.Equalize(), augment.Contrast()]),
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_backend_gives_what_numpy_gives(photos, name):
    expected = EVERYTHING[name](photos, seed=7, index=3).astype(int)
    images = keras.ops.convert_to_tensor(photos)
    found = keras.ops.convert_to_numpy(EVERYTHING[name](images, seed=7, index=3))
    # A compiler may contract a product and a sum: a place differs by 1/256 pixel, a value by 1;
    # before a table with steps, that is a whole step for single pixels.
    difference = np.abs(found - expected)
    assert found.dtype == np.uint8
    assert (difference > 1).mean() < 5e-4


def test_mixing_on_the_backend(photos):
    pipeline = augment.Compose(
        [augment.Flip(), augment.RandomChoice([augment.MixUp(4), augment.CutMix(4)])]
    )
    expected = pipeline(photos, np.arange(4))
    found = pipeline(keras.ops.convert_to_tensor(photos), keras.ops.arange(4))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found[1]), expected[1], atol=1e-6)
    difference = np.abs(keras.ops.convert_to_numpy(found[0]).astype(int) - expected[0])
    assert difference.max() <= 1


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="a compiled function of JAX")
def test_inside_a_compiled_jax_function(photos):
    import jax

    pipeline = EVERYTHING["standard"]
    compiled = jax.jit(lambda images, index: pipeline(images, index=index))
    found = np.asarray(compiled(keras.ops.convert_to_tensor(photos), 5)).astype(int)
    assert (np.abs(found - pipeline(photos, index=5)) > 1).mean() < 5e-4
