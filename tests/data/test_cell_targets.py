"""Cells of YOLO's grid and heat maps of middles, against plain loops."""

import math

import numpy as np
import pytest

from kerascnn.data.grid_targets import encode_grid
from kerascnn.data.heat_targets import encode_heat, gaussian_radius
from kerascnn.layers import GridBoxes
from kerascnn.tasks.boxes import CROWD, Row
from kerascnn.tasks.detections import detections


def some_rows(seed, images=3, most=5):
    random = np.random.default_rng(seed)
    rows = np.zeros((images, most, len(Row)), np.float32)
    start = random.uniform(0, 0.7, (images, most, 2))
    rows[..., :2], rows[..., 2:4] = start, start + random.uniform(0.05, 0.3, start.shape)
    rows[..., Row.LABEL] = random.integers(-1, 3, (images, most))
    rows[..., Row.FLAG] = random.choice([0, 0, 0, CROWD], (images, most))
    return rows


def objects_of(rows):
    return [row.astype(float) for row in rows if row[Row.LABEL] >= 0 and row[Row.FLAG] != CROWD]


@pytest.mark.parametrize("seed", range(4))
def test_the_cell_of_the_middle_answers(seed):
    rows, (height, width) = some_rows(seed), (3, 4)
    found = encode_grid(rows, (height, width)).numpy()
    for image in range(len(rows)):
        wanted = np.zeros((height, width, 5))
        for left, top, right, bottom, label in (row[:5] for row in objects_of(rows[image])[::-1]):
            x, y = (left + right) / 2 * width, (top + bottom) / 2 * height
            wanted[int(y), int(x)] = (
                *(x % 1, y % 1),
                *(math.sqrt(right - left), math.sqrt(bottom - top)),
                label + 1,
            )
        np.testing.assert_allclose(found[image], wanted, atol=1e-5)


def test_true_cells_become_true_boxes():
    rows = np.zeros((1, 2, len(Row)), np.float32)
    rows[0, 0, :5], rows[0, 1, :5] = (0.1, 0.2, 0.5, 0.4, 2), (0.55, 0.5, 0.95, 0.9, 0)
    cells = encode_grid(rows, (3, 4)).numpy()
    given = np.zeros((1, 3, 4, 2 * 5 + 3), np.float32)
    given[..., 5:9], given[..., 9] = cells[..., :4], cells[..., 4] > 0  # the second box of a cell
    given[..., 10:] = np.eye(4)[cells[..., 4].astype(int)][..., 1:]
    values = np.asarray(GridBoxes(2)(given))
    assert values.shape == (1, 24, 7)
    found = detections(values[..., :4], values[..., 4:])
    assert found["scores"][0, :3].tolist() == [1, 1, 0]
    assert found["classes"][0, :2].tolist() == [2, 0]
    np.testing.assert_allclose(found["boxes"][0, 0], (0.2, 0.1, 0.4, 0.5), atol=1e-6)
    np.testing.assert_allclose(found["boxes"][0, 1], (0.5, 0.55, 0.9, 0.95), atol=1e-6)


def radius_by_search(height, width):
    """The largest radius, of three ways to move two corners, that keeps an overlap of 0.7."""
    radius = 0.0
    while True:
        r = radius + 1e-3
        area = height * width
        inside = max(height - 2 * r, 0) * max(width - 2 * r, 0) / area
        outside = area / ((height + 2 * r) * (width + 2 * r))
        shared = max(height - r, 0) * max(width - r, 0)
        if min(inside, outside, shared / (2 * area - shared)) < 0.7:
            return radius
        radius = r


@pytest.mark.parametrize(("height", "width"), [(10, 10), (4, 20), (33, 7)])
def test_the_radius_keeps_the_overlap(height, width):
    found = float(gaussian_radius(np.float32(height), np.float32(width)))
    assert found == pytest.approx(radius_by_search(height, width), rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_heat_is_that_of_plain_loops(seed):
    rows, (height, width), classes = some_rows(seed), (12, 16), 3
    found = encode_heat(rows, (height, width), classes).numpy()
    for image in range(len(rows)):
        wanted = np.zeros((height, width, 5 + classes))
        for left, top, right, bottom, label in (row[:5] for row in objects_of(rows[image])[::-1]):
            row = int((top + bottom) / 2 * height)
            column = int((left + right) / 2 * width)
            size = np.float32((bottom - top) * height), np.float32((right - left) * width)
            radius = max(0, math.floor(float(gaussian_radius(*size))))
            sigma = (2 * radius + 1) / 6
            for y in range(max(0, row - radius), min(height, row + radius + 1)):
                for x in range(max(0, column - radius), min(width, column + radius + 1)):
                    heat = math.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
                    cell = wanted[y, x]
                    cell[5 + int(label)] = max(cell[5 + int(label)], heat)
            wanted[row, column, :5] = (top, left, bottom, right, 1)
        np.testing.assert_allclose(found[image].reshape(wanted.shape), wanted, atol=1e-4)
