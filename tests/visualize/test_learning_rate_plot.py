"""The picture of a learning-rate test."""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from kerascnn.visualize import plot_learning_rates


@dataclass(frozen=True)
class Curve:
    rates: tuple[float, ...] = tuple(np.geomspace(1e-6, 1, 40))
    losses: tuple[float, ...] = tuple(2 - np.arange(40) / 40)
    smoothed: tuple[float, ...] = tuple(2.1 - np.arange(40) / 40)
    suggestion: float = 1e-3


@pytest.mark.parametrize("curve", [Curve(), Curve(smoothed=(1.0,) * 40)], ids=["falling", "level"])
def test_a_picture_is_written(curve, tmp_path):
    plot_learning_rates(curve, tmp_path / "rates.png")
    pixels = np.asarray(Image.open(tmp_path / "rates.png").convert("RGB"), "int32")
    assert pixels.shape[0] < pixels.shape[1]
    orange = np.abs(pixels - (217, 119, 6)).sum(axis=2) < 30
    columns = np.flatnonzero(orange.sum(axis=0) > 40)
    # The line of the suggestion stands in the middle of six decades, 1e-6 to 1.
    assert len(columns)
    assert 0.4 < columns.mean() / pixels.shape[1] < 0.65
