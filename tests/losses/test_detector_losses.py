"""Losses of detectors against loops written from the papers."""

import math

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.losses import CellLoss, GridLoss, HeatmapLoss, TaskAlignedLoss
from kerascnn.tasks.boxes import CROWD, Row


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def iou_of(first, second, generalized=False):
    """Of boxes (start, start, end, end)."""
    sides = [min(first[i + 2], second[i + 2]) - max(first[i], second[i]) for i in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    area = sum(max(b[2] - b[0], 0) * max(b[3] - b[1], 0) for b in (first, second))
    iou = shared / max(area - shared, 1e-9)
    around = math.prod(max(first[i + 2], second[i + 2]) - min(first[i], second[i]) for i in (0, 1))
    return iou - (around - (area - shared)) / around if generalized else iou


def grid_by_hand(true, given, boxes, coordinates=5.0, background=0.5):
    """Equation 3 of the YOLO paper, for one image."""
    height, width = true.shape[:2]
    total = 0.0
    for row in range(height):
        for column in range(width):
            x, y, root_w, root_h, label = true[row, column]
            cell = given[row, column]
            parts = [cell[5 * b : 5 * b + 5] for b in range(boxes)]
            if label == 0:
                total += background * sum(part[4] ** 2 for part in parts)
                continue

            def edges(one):
                middle = one[0] / width, one[1] / height
                half = one[2] ** 2 / 2, one[3] ** 2 / 2
                return (*(m - h for m, h in zip(middle, half, strict=True)),
                        *(m + h for m, h in zip(middle, half, strict=True)))  # fmt: skip

            overlaps = [iou_of(edges(part), edges((x, y, root_w, root_h))) for part in parts]
            answers = int(np.argmax(overlaps))
            for place, part in enumerate(parts):
                if place == answers:
                    wanted = (x, y, root_w, root_h)
                    total += coordinates * sum((part[k] - wanted[k]) ** 2 for k in range(4))
                    total += (part[4] - overlaps[place]) ** 2
                else:
                    total += background * part[4] ** 2
            for one, score in enumerate(cell[5 * boxes :]):
                total += (score - (one == label - 1)) ** 2
    return total


@pytest.mark.parametrize("boxes", [1, 2, 3])
def test_the_loss_of_the_grid_is_equation_3(boxes):
    random = np.random.default_rng(boxes)
    true = random.uniform(0.1, 0.9, (4, 3, 2, 5))
    true[..., 4] = random.integers(0, 4, (4, 3, 2))
    given = random.uniform(-0.2, 1.0, (4, 3, 2, 5 * boxes + 3))
    loss = GridLoss(boxes)
    wanted = [grid_by_hand(*pair, boxes) for pair in zip(true, given, strict=True)]
    np.testing.assert_allclose(
        loss.call(true.astype("float32"), given.astype("float32")), wanted, rtol=1e-4
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.boxes, again.background) == (boxes, 0.5)


def cells_of(random, images=3, grid=(3, 4), classes=2):
    """Predictions of boxes and logits, and boxes of objects."""
    count = grid[0] * grid[1]
    start = random.uniform(0, 0.5, (2, images, count, 2))
    boxes = np.concatenate([start, start + random.uniform(0.1, 0.5, start.shape)], axis=-1)
    logits = random.normal(0, 2, (images, count, classes))
    return np.concatenate([boxes[0], logits], axis=-1), boxes[1]


def test_the_loss_of_heat_maps_is_that_of_the_paper():
    random = np.random.default_rng(0)
    given, boxes = cells_of(random)
    holds = random.random((3, 12, 1)) < 0.3
    heat = random.uniform(0, 0.99, (3, 12, 2))
    heat[..., :1][holds] = 1.0
    true = np.concatenate([boxes * holds, holds, heat], axis=-1)
    total, objects = 0.0, 0
    for image in range(3):
        for cell in range(12):
            for one in range(2):
                chance, aim = sigmoid(given[image, cell, 4 + one]), heat[image, cell, one]
                objects += aim == 1
                total -= (
                    (1 - chance) ** 2 * math.log(chance)
                    if aim == 1
                    else (1 - aim) ** 4 * chance**2 * math.log(1 - chance)
                )
            if holds[image, cell, 0]:
                one, other = boxes[image, cell], given[image, cell, :4]
                for axis, side in ((0, 3), (1, 4)):
                    middles = [(b[axis] + b[axis + 2]) / 2 for b in (one, other)]
                    sizes = [b[axis + 2] - b[axis] for b in (one, other)]
                    total += side * abs(middles[0] - middles[1])
                    total += 0.1 * side * abs(sizes[0] - sizes[1])
    found = HeatmapLoss((3, 4))(true.astype("float32"), given.astype("float32"))
    assert float(found) == pytest.approx(total / objects, rel=1e-4)


def test_the_loss_of_cells_is_a_weighted_cross_entropy():
    random = np.random.default_rng(1)
    given, boxes = cells_of(random)
    label = random.integers(-1, 3, (3, 12))
    true = np.concatenate([boxes, label[..., np.newaxis]], axis=-1)
    scores, edges = 0.0, 0.0
    for image in range(3):
        for cell in range(12):
            if label[image, cell] < 0:
                continue
            for one in range(2):
                chance, right = sigmoid(given[image, cell, 4 + one]), label[image, cell] == one + 1
                scores -= 7 * math.log(chance) if right else math.log(1 - chance)
            if label[image, cell] > 0:
                away = np.abs(boxes[image, cell] - given[image, cell, :4]) * (3, 4, 3, 4)
                edges += away.sum()
    wanted = scores / 36 + 0.1 * edges / (label > 0).sum()
    loss = CellLoss((3, 4), object_weight=7.0)
    assert float(loss(true.astype("float32"), given.astype("float32"))) == pytest.approx(
        wanted, rel=1e-4
    )


def aligned_by_hand(rows, given, grids):
    """The task-aligned assignment and its loss, over all images."""
    points = [((r + 0.5) / h, (c + 0.5) / w) for h, w in grids for r in range(h) for c in range(w)]
    total, shares = 0.0, 0.0
    for objects, answer in zip(rows, given, strict=True):
        wanted = np.zeros((len(points), answer.shape[-1] - 4))
        share_of, claims, crowded = {}, {}, set()
        for place, one in enumerate(objects):
            left, top, right, bottom, label, flag = one[:6]
            inside = [p for p, (y, x) in enumerate(points) if left < x < right and top < y < bottom]
            if label < 0:
                continue
            if flag == CROWD:
                crowded |= set(inside)
                continue
            box = (top, left, bottom, right)
            t = {
                p: sigmoid(answer[p, 4 + int(label)]) * iou_of(box, answer[p, :4]) ** 6
                for p in inside
            }
            for p in sorted(t, key=lambda p: -t[p])[:13]:
                claims.setdefault(p, []).append((iou_of(box, answer[p, :4]), place, t[p]))
        for p, claim in claims.items():
            claims[p] = max(claim, key=lambda c: c[0])
        for place, one in enumerate(objects):
            own = {p: claim for p, claim in claims.items() if claim[1] == place}
            if not own:
                continue
            best, overlap = max(c[2] for c in own.values()), max(c[0] for c in own.values())
            for p, (_, _, t) in own.items():
                share_of[p] = t / best * overlap
                wanted[p, int(one[4])] = share_of[p]
                box = (one[1], one[0], one[3], one[2])
                total += 2 * share_of[p] * (1 - iou_of(box, answer[p, :4], generalized=True))
        shares += sum(share_of.values())
        for p in range(len(points)):
            if p in crowded and p not in claims:
                continue
            for label, aim in enumerate(wanted[p]):
                chance = sigmoid(answer[p, 4 + label])
                entropy = -aim * math.log(chance) - (1 - aim) * math.log(1 - chance)
                total += (aim - chance) ** 2 * entropy
    return total / max(shares, 1)


@pytest.mark.parametrize("seed", range(4))
def test_task_aligned_points_are_those_of_plain_loops(seed):
    random, grids = np.random.default_rng(seed), ((4, 5), (2, 3))
    points = sum(h * w for h, w in grids)
    rows = np.zeros((2, 4, len(Row)), np.float32)
    start = random.uniform(0, 0.4, (2, 4, 2))
    rows[..., :2], rows[..., 2:4] = start, start + random.uniform(0.3, 0.6, start.shape)
    rows[..., Row.LABEL] = random.integers(-1, 3, (2, 4))
    rows[..., Row.FLAG] = random.choice([0, 0, CROWD], (2, 4))
    start = random.uniform(0, 0.4, (2, points, 2))
    boxes = np.concatenate([start, start + random.uniform(0.3, 0.6, start.shape)], axis=-1)
    given = np.concatenate([boxes, random.normal(0, 1, (2, points, 3))], axis=-1).astype("float32")
    loss = TaskAlignedLoss(grids)
    wanted = aligned_by_hand(rows.astype(float), given.astype(float), grids)
    assert float(loss(rows, given)) == pytest.approx(wanted, rel=1e-3)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(rows, given)) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (GridLoss(1), np.zeros((2, 2, 2, 5))),
        (HeatmapLoss((2, 2)), np.zeros((2, 4, 8))),
        (CellLoss((2, 2)), np.zeros((2, 4, 5))),
        (TaskAlignedLoss([(2, 2)]), np.full((2, 1, 9), -1.0)),
    ],
)
def test_pictures_without_objects_teach_background(loss, labels):
    shape = (2, 2, 2, 8) if isinstance(loss, GridLoss) else (2, 4, 7)
    high, low = (np.full(shape, value, "float32") for value in (2.0, 0.1))
    values = [float(loss(labels.astype("float32"), given)) for given in (high, low)]
    assert np.isfinite(values).all()
    assert values[0] > values[1] > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GridLoss(0), "`boxes`"),
        (lambda: GridLoss(coordinates=0.0), "`coordinates`"),
        (lambda: HeatmapLoss((2, 1.5)), "`grid`"),
        (lambda: CellLoss((2, 2), object_weight=-1), "`object_weight`"),
        (lambda: TaskAlignedLoss([(2, "x")]), "`grids`"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()
