"""Invariance curves and consistency on models whose answers are known."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.errors import InputError
from kerascnn.properties import invariance_curve, shift_consistency, transformed

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (3, 12, 12, 3)).astype("float32")


def model_of(*parts, size=12):
    return keras.Sequential([keras.Input((size, size, 3)), *parts])


def test_transforms_are_exact_where_pixels_meet_pixels():
    shifted = transformed(IMAGES, "shift", 2, fill="constant")
    assert np.allclose(shifted[:, :, 2:], IMAGES[:, :, :-2], atol=1e-3)
    assert not shifted[:, :, :2].any()
    np.testing.assert_allclose(
        transformed(IMAGES, "rotation", 90), np.rot90(IMAGES, axes=(1, 2)), atol=0.01
    )
    np.testing.assert_allclose(transformed(IMAGES, "scale", 1.0), IMAGES, atol=1e-3)
    half = transformed(IMAGES[:, :11, :11], "scale", 0.5, fill="constant")
    np.testing.assert_allclose(half[:, 3:8, 3:8], IMAGES[:, 1:10:2, 1:10:2], atol=0.01)
    double = transformed(IMAGES[:, :11, :11], "scale", 2.0)
    np.testing.assert_allclose(double[:, 1::2, 1::2], IMAGES[:, 3:8, 3:8], atol=0.01)


def test_the_mean_of_all_pixels_does_not_see_a_roll_nor_a_quarter_turn():
    model = model_of(layers.GlobalAveragePooling2D())
    curve = invariance_curve(model, IMAGES, "shift", [0, 1, 5], fill="wrap")
    np.testing.assert_allclose(curve.distances, 0, atol=1e-5)
    curve = invariance_curve(model, IMAGES, "rotation", [90, 180])
    np.testing.assert_allclose(curve.distances, 0, atol=1e-5)


def test_distances_and_agreement_are_those_of_the_definition():
    keras.utils.set_random_seed(1)
    model = model_of(layers.Flatten(name="flat"), layers.Dense(4, "softmax"))
    curve = invariance_curve(model, IMAGES, "shift", [0, 3], layer="flat", batch_size=2)
    moved = transformed(IMAGES, "shift", 3)
    lengths = np.linalg.norm((moved - IMAGES).reshape(3, -1), axis=1)
    wanted = lengths.mean() / np.linalg.norm(IMAGES.reshape(3, -1), axis=1).mean()
    np.testing.assert_allclose(curve.distances, [0, wanted], rtol=1e-5, atol=1e-5)
    curve = invariance_curve(model, IMAGES, "shift", [0, 3])
    before, after = (np.asarray(model(x)).argmax(-1) for x in (IMAGES, moved))
    assert curve.agreement.tolist() == [1.0, np.mean(before == after)]
    assert (curve.transform, curve.amounts) == ("shift", (0.0, 3.0))


def test_pooling_makes_a_shift_count_less():
    """Lectures 3 and 4: pooling gives local invariance, the more the larger its region."""
    model = model_of(
        layers.AveragePooling2D(2, name="pool2"), layers.AveragePooling2D(3, name="pool6")
    )
    curves = [
        invariance_curve(model, IMAGES, "shift", [1], layer=name, fill="wrap").distances[0]
        for name in ("pool2", "pool6")
    ]
    plain = invariance_curve(model_of(layers.Rescaling(1.0)), IMAGES, "shift", [1], fill="wrap")
    assert curves[1] < curves[0] < plain.distances[0]
    assert plain.agreement is None
    # Inside its window the largest value may move freely.
    spot = np.zeros((1, 12, 12, 3), "float32")
    spot[0, 4, 4] = 1.0
    pooled = model_of(layers.MaxPooling2D(4))
    curve = invariance_curve(pooled, spot, "shift", [1, 2, 3, 4])
    np.testing.assert_allclose(curve.distances, [0, 0, 0, np.sqrt(2)], atol=1e-5)


def left_or_right(x):
    """Class 0 if the left half is brighter."""
    half = x.shape[2] // 2
    return ops.stack([ops.mean(x[:, :, :half], (1, 2, 3)), ops.mean(x[:, :, half:], (1, 2, 3))], 1)


def test_consistency_is_what_chance_says_where_the_answers_are_known():
    model = model_of(layers.Lambda(left_or_right))
    pictures = np.zeros((3, 12, 12, 3), "float32")
    pictures[0, :, 2:4] = 1.0  # on the left, wherever it is shifted to
    pictures[1, :, 5] = 1.0  # on the right after a shift of 1 or 2
    pictures[2, :, 4:6] = 1.0  # on the right after a shift of 2 only: of a tie the first comes out
    many = np.repeat(pictures, 500, axis=0)
    found = shift_consistency(model, many, 2, pairs=1, border="wrap", batch_size=1500)
    rates = found.per_image.reshape(3, 500).mean(1)
    assert rates[0] == 1.0
    np.testing.assert_allclose(rates[1:], (1 / 3) ** 2 + (2 / 3) ** 2, atol=0.07)
    assert found.rate == pytest.approx(rates.mean())
    assert (found.pairs, found.max_shift) == (1, 2)


def test_windows_of_larger_images_are_the_same_shifts():
    model = model_of(layers.Lambda(left_or_right))
    pictures = np.zeros((40, 12, 12, 3), "float32")
    pictures[:, :, 4:6] = 1.0  # on the right after a shift of 2 only
    rolled = shift_consistency(model, pictures, 2, border="wrap", batch_size=40)
    larger = np.pad(pictures, ((0, 0), (2, 0), (2, 0), (0, 0)))
    cropped = shift_consistency(model, larger, 2, border="crop", batch_size=40)
    assert np.array_equal(rolled.per_image, cropped.per_image)
    assert 0.2 < rolled.rate < 0.8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: invariance_curve(m, IMAGES, "mirror", [1]), "`transform` must be one of shift"),
        (lambda m: invariance_curve(m, IMAGES, "shift", []), "`amounts` must hold at least one"),
        (lambda m: invariance_curve(m, IMAGES, "scale", [0]), "`amounts` of scale must be more"),
        (lambda m: invariance_curve(m, IMAGES, "shift", [1], fill="x"), "`fill` must be one of"),
        (lambda m: invariance_curve(m, IMAGES[0], "shift", [1]), "expected images"),
        (lambda m: invariance_curve(m, 0 * IMAGES, "shift", [1]), "are 0 for all images"),
        (lambda m: shift_consistency(m, IMAGES, 12), "larger than `max_shift`"),
        (lambda m: shift_consistency(m, IMAGES, 0), "must be at least 1"),
        (lambda m: shift_consistency(m, IMAGES, 1, border="x"), "`border` must be one of"),
        (lambda m: shift_consistency(m, IMAGES, 1, border="wrap"), "expected a classifier"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(model_of(layers.Rescaling(1.0)))
