"""Test-time augmentation."""

import numpy as np
import pytest

from kerascnn.augment import FlipTTA, TenCrop
from kerascnn.errors import InputError


def test_flip(photos):
    views = FlipTTA().views(photos)
    np.testing.assert_array_equal(views[1], photos[:, :, ::-1])
    assert len(views) == 2


def test_ten_crop(photos):
    views = TenCrop((80, 100)).views(photos)
    assert [view.shape for view in views] == [(4, 80, 100, 3)] * 10
    np.testing.assert_array_equal(views[3], photos[:, 16:, 28:])
    np.testing.assert_array_equal(views[4], photos[:, 8:88, 14:114])
    for view, mirrored in zip(views[:5], views[5:], strict=True):
        np.testing.assert_array_equal(mirrored, view[:, :, ::-1])
    with pytest.raises(InputError, match="of that size or more"):
        TenCrop(100).views(photos)
    with pytest.raises(InputError, match="images"):
        FlipTTA().views(photos[0])


def test_the_mean_prediction(photos):
    def left_half(images):
        return images[:, :, :64].mean(axis=(1, 2))

    mean = FlipTTA().predict(left_half, photos.astype(float))
    np.testing.assert_allclose(mean, photos.mean(axis=(1, 2)))
