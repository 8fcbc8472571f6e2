"""The random numbers: the same everywhere, uniform, independent."""

import itertools

import numpy as np
import pytest

from kerascnn.augment.arrays import keras_namespace, numpy_namespace
from kerascnn.augment.random import Random

XP = numpy_namespace()


def uniform(count=20000, seed=0, epoch=0, place=0, first=0):
    index = np.arange(first, first + count, dtype=np.int32)
    return Random.start(XP, seed, index, epoch).fold(place).uniform()


def test_the_hash_is_murmurhash3s_finaliser():
    """Against the published 32-bit formula in Python's unbounded integers."""
    from kerascnn.augment import random

    for word in (0, 1, 12345, 2**31, 2**32 - 1):
        h = word
        h ^= h >> 16
        h = h * 0x85EBCA6B % 2**32
        h ^= h >> 13
        h = h * 0xC2B2AE35 % 2**32
        h ^= h >> 16
        key = np.array([word], np.uint32).view(np.int32)
        assert random._finalise(XP, key).view(np.uint32)[0] == h


def test_the_keras_backend_draws_the_same_bits():
    xp = keras_namespace()
    index = np.arange(1000, dtype=np.int32)
    ours = Random.start(XP, 2**40 + 7, index, 3).fold(5)
    theirs = Random.start(xp, 2**40 + 7, xp.convert_to_tensor(index), 3).fold(5)
    np.testing.assert_array_equal(ours.uniform(), np.asarray(theirs.uniform()))
    np.testing.assert_array_equal(ours.bits(7), np.asarray(theirs.bits(7)))
    # Logarithm and cosine differ by their last bits.
    np.testing.assert_allclose(ours.normal(), np.asarray(theirs.normal()), atol=2e-6)


def test_prepared_draws_are_the_same_draws():
    index = np.arange(50, dtype=np.int32)

    def consumer(random):
        return random.fold(1).uniform(), random.fold(2).integer(10), random.fold(1).uniform()

    key = Random.start(XP, 1, index).key
    for a, b in zip(
        consumer(Random(XP, key)), consumer(Random.prepared(XP, key, consumer)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("place", [0, 1, 77])
def test_uniform(place):
    counts = np.histogram(uniform(place=place), bins=50, range=(0, 1))[0]
    chi2 = ((counts - 400) ** 2 / 400).sum()
    assert 20 < chi2 < 95  # 49 degrees of freedom: outside in less than 1 of 5,000 draws


def test_independent():
    """Neighbouring seeds, epochs, places and images: correlations of 20,000 numbers each."""
    draws = [
        *(uniform(seed=seed) for seed in (0, 1, 2, 2**32)),
        *(uniform(epoch=epoch) for epoch in (1, 2)),
        *(uniform(place=place) for place in (1, 2, 3)),
        uniform(first=1),
        uniform(first=1 << 16),
    ]
    for a, b in itertools.combinations(draws, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4.5 / np.sqrt(20000)  # 4.5 standard deviations


def test_pairs_fill_the_square():
    """Numbers of two places, jointly: a lattice would leave cells empty."""
    cells = np.histogram2d(uniform(place=4), uniform(place=5), bins=20, range=[(0, 1)] * 2)[0]
    chi2 = ((cells - 50) ** 2 / 50).sum()
    assert 290 < chi2 < 520  # 399 degrees of freedom


def test_normal():
    index = np.arange(20000, dtype=np.int32)
    drawn = Random.start(XP, 0, index).normal()
    assert abs(drawn.mean()) < 4 / np.sqrt(20000)
    assert abs(drawn.std() - 1) < 4 / np.sqrt(40000)
    assert np.isfinite(drawn).all()


def test_integers_and_chances():
    index = np.arange(20000, dtype=np.int32)
    random = Random.start(XP, 0, index)
    counts = np.bincount(random.integer(5), minlength=5)
    assert counts.shape == (5,)
    assert abs(counts - 4000).max() < 4 * np.sqrt(20000 * 0.2 * 0.8)
    assert abs(random.chance(0.3).mean() - 0.3) < 4 * np.sqrt(0.21 / 20000)
