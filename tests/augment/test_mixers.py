"""MixUp, CutMix, AugMix, and the distribution behind them."""

import numpy as np
import pytest
from scipy import stats

from kerascnn import augment
from kerascnn.augment.arrays import numpy_namespace
from kerascnn.augment.mixers import beta
from kerascnn.augment.random import Random
from kerascnn.errors import InputError


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (1, 1), (1, 2), (4, 4)])
def test_beta(a, b):
    index = np.arange(5000, dtype=np.int32)
    drawn = beta(Random.start(numpy_namespace(), 0, index), a, b)
    assert stats.kstest(drawn, stats.beta(a, b).cdf).statistic < 1.95 / np.sqrt(5000)  # p = 0.001


def test_mixup_is_the_weighted_mean(photos):
    images, labels = augment.Compose([augment.MixUp(4, alpha=1.0)])(photos, np.arange(4))
    own = labels[np.arange(4), np.arange(4)][:, None, None, None]
    expected = own * photos + (1 - own) * np.roll(photos, 1, axis=0)
    assert np.abs(images - expected).max() <= 0.51
    np.testing.assert_allclose(labels[np.arange(4), np.arange(4) - 1], 1 - own[:, 0, 0, 0])
    assert len(np.unique(own)) == 4


def test_cutmix_is_a_rectangle_and_its_area_is_the_label(photos):
    images, labels = augment.Compose([augment.CutMix(4)])(photos, np.eye(4, dtype=np.float32))
    other = np.roll(photos, 1, axis=0)
    for i in range(4):
        patch = (images[i] == other[i]).all(axis=-1) & (photos[i] != other[i]).any(axis=-1)
        rows, columns = np.nonzero(patch)
        area = 0
        if rows.size:
            window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
            np.testing.assert_array_equal(images[i][window], other[i][window])
            area = images[i][window][..., 0].size / (96 * 128)
            outside = np.ones((96, 128), bool)
            outside[window] = False
            np.testing.assert_array_equal(images[i][outside], photos[i][outside])
        # A pixel that is alike in both images may hide an edge of the rectangle.
        assert abs(labels[i, i] - (1 - area)) < 0.03


def test_a_choice_of_both(photos):
    images = np.concatenate([photos] * 16)
    labels = np.arange(64) % 4
    choice = augment.RandomChoice([augment.MixUp(4, 1.0), augment.CutMix(4)])
    mixed, rows = augment.Compose([choice])(images, labels)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    unchanged = (mixed == images).mean(axis=(1, 2, 3))
    whole = (mixed == np.roll(images, 1, axis=0)) | (mixed == images)
    cut = whole.all(axis=(1, 2, 3)).sum()
    assert 16 < cut < 50
    assert (unchanged < 1).sum() > 48


@pytest.mark.parametrize(
    ("labels", "message"),
    [(None, "Give `labels`"), (np.zeros((4, 7)), r"\[n, 4\]"), (np.zeros((4, 2, 2)), "shape")],
)
def test_labels_that_cannot_be_mixed(photos, labels, message):
    with pytest.raises(InputError, match=message):
        augment.Compose([augment.MixUp(4)])(photos, labels)


def test_mixers_need_batches_and_one_number_of_classes(photos):
    with pytest.raises(InputError, match="batches"):
        augment.Compose([augment.MixUp(4)])(photos[0], 1)
    with pytest.raises(InputError, match="different `classes`"):
        augment.Compose([augment.MixUp(4), augment.CutMix(5)])(photos, np.arange(4))
    with pytest.raises(InputError, match="masks or boxes"):
        augment.Compose([augment.MixUp(4)])(photos, np.arange(4), masks=photos[..., 0])


def test_augmix_is_a_convex_mean(photos):
    from kerascnn.augment import branches, kernels

    xp = numpy_namespace()
    packed = kernels.pack(xp, photos)
    key = Random.start(xp, 0, np.arange(4, dtype=np.int32)).key
    for width in (1, 3):
        step = augment.AugMix(width=width)
        mean = branches._mean(xp, key, packed, *[packed] * width, step=step, c=3)
        np.testing.assert_array_equal(mean, packed)
    images = augment.Compose([augment.AugMix()])(photos)
    assert (images != photos).any(axis=(1, 2, 3)).all()
    assert np.corrcoef(images.ravel(), photos.ravel())[0, 1] > 0.8
