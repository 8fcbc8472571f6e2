"""Which point is to find which object, and what the loss of it is, against plain loops."""

import math

import keras
import numpy as np
import pytest

from kerascnn.data.point_targets import RADIUS, SIDES, encode, with_boxes, with_rows
from kerascnn.losses import DetectionLoss, box_likeness
from kerascnn.tasks.boxes import CROWD, DIFFICULT, Row

GRIDS = ((8, 12), (4, 6), (2, 3))


def rows_of(*objects):
    """Rows of one picture: (left, top, right, bottom, label, flag) each, and one left over."""
    rows = np.zeros((1, len(objects) + 1, len(Row)), np.float32)
    rows[..., Row.LABEL] = -1
    for place, values in enumerate(objects):
        rows[0, place, : len(values)] = values
    return rows


def by_hand(rows):
    """What `encode` is to give for one picture."""
    wanted = []
    for level, (height, width) in enumerate(GRIDS):
        for row in range(height):
            for column in range(width):
                x, y = (column + 0.5) / width, (row + 0.5) / height
                best, crowded = None, False
                for values in rows.astype(float):
                    left, top, right, bottom, label, flag = values[:6]
                    if label < 0 or right <= left or bottom <= top:
                        continue
                    inside = left < x < right and top < y < bottom
                    if flag == CROWD:
                        crowded = crowded or inside
                        continue
                    side = math.sqrt((right - left) * width * (bottom - top) * height)
                    if (level > 0 and side < SIDES[0]) or (level < 2 and side >= SIDES[1]):
                        continue
                    away = max(
                        abs(x - (left + right) / 2) * width, abs(y - (top + bottom) / 2) * height
                    )
                    if (inside and away <= RADIUS) or away <= 0.5:
                        area = (right - left) * (bottom - top)
                        if best is None or area < best[0]:
                            best = (area, (top, left, bottom, right, label + 1))
                wanted.append(best[1] if best else (0, 0, 0, 0, -1 if crowded else 0))
    return np.array(wanted)


@pytest.mark.parametrize("seed", range(6))
def test_points_are_those_of_plain_loops(seed):
    random = np.random.default_rng(seed)
    objects = []
    for _ in range(7):
        start = random.uniform(0, 0.8, 2)
        end = np.minimum(start + random.choice([0.03, 0.2, 0.6]) * random.uniform(0.3, 1, 2), 1)
        flag = random.choice([0, 0, DIFFICULT, CROWD])
        objects.append((*start, *end, random.integers(0, 3), flag))
    rows = rows_of(*objects)
    got, wanted = encode(rows, GRIDS).numpy()[0], by_hand(rows[0])
    np.testing.assert_array_equal(got[:, 4], wanted[:, 4])
    has = wanted[:, 4] > 0
    np.testing.assert_allclose(got[has, :4], wanted[has, :4], atol=1e-6)


@pytest.mark.parametrize("side", [0.01, 0.05, 0.2, 0.5, 1.0])
def test_an_object_of_any_size_has_points(side):
    start = 0.5 - side / 2
    got = encode(rows_of((start, start, start + side, start + side, 2, 0)), GRIDS).numpy()
    assert set(np.unique(got[..., 4])) == {0, 3}


def test_a_picture_without_objects_and_a_vanished_box_are_background():
    got = encode(rows_of((0.5, 0.5, 0.5, 0.9, 1, 0)), GRIDS).numpy()
    assert (got[..., 4] == 0).all()


def test_boxes_go_through_augmentation():
    import tensorflow as tf

    from kerascnn import augment

    rows = rows_of((0.25, 0.5, 0.75, 1.0, 1, 0), (0.0, 0.0, 0.255, 0.255, 0, DIFFICULT))
    images = np.zeros((1, 20, 40, 3), np.uint8)
    dataset = tf.data.Dataset.from_tensors((images, rows))
    # The middle half of the picture fills the new one.
    pipeline = augment.Compose([augment.CenterCrop((10, 20)), augment.Resize((20, 40))])
    _, (got,) = next(iter(with_rows(pipeline.map(with_boxes(dataset), 0)).as_numpy_iterator()))
    np.testing.assert_allclose(got[0, :4], [0, 0.5, 1, 1], atol=1e-6)
    assert got[0, Row.LABEL : Row.AREA].tolist() == [1, 0]
    # One hundredth of the second object's side is left: a sliver.
    np.testing.assert_allclose(got[1, :4], [0, 0, 0.01, 0.01], atol=1e-6)
    assert got[1, Row.LABEL : Row.AREA].tolist() == [0, CROWD]
    assert got[2, Row.LABEL] == -1


def loss_by_hand(y_true, y_pred, box_weight=2.0):
    """Of a batch: the sum over points, divided by those with an object."""
    total, count = 0.0, 0
    for true, said in zip(y_true.reshape(-1, 5), y_pred.reshape(-1, y_pred.shape[-1]), strict=True):
        if true[4] < 0:
            continue
        iou = 0.0
        if true[4] > 0:
            count += 1
            area = [np.prod(box[2:] - box[:2]) for box in (true[:4], said[:4])]
            low, high = np.maximum(true[:2], said[:2]), np.minimum(true[2:4], said[2:4])
            shared = np.prod(np.maximum(high - low, 0))
            around = np.prod(np.maximum(true[2:4], said[2:4]) - np.minimum(true[:2], said[:2]))
            union = sum(area) - shared
            iou = shared / union
            total += box_weight * (1 - (iou - (around - union) / around))
        for label, logit in enumerate(said[4:], start=1):
            wanted = iou if label == true[4] else 0.0
            score = 1 / (1 + math.exp(-logit))
            entropy = -wanted * math.log(score) - (1 - wanted) * math.log(1 - score)
            total += (wanted - score) ** 2 * entropy
    return total / max(1, count)


def some_batch(random, share=0.4):
    start = random.uniform(0, 0.5, (2, 2, 6, 2))
    boxes = np.concatenate([start, start + random.uniform(0.1, 0.5, start.shape)], axis=-1)
    label = np.where(random.random((2, 6)) < share, random.integers(1, 4, (2, 6)), 0)
    y_true = np.concatenate([boxes[0], label[..., np.newaxis]], axis=-1)
    y_pred = np.concatenate([boxes[1], random.normal(0, 3, (2, 6, 3))], axis=-1)
    return y_true.astype(np.float32), y_pred.astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_that_of_plain_loops(seed):
    y_true, y_pred = some_batch(np.random.default_rng(seed))
    y_true[0, 0, 4] = -1
    got = float(DetectionLoss()(y_true, y_pred))
    assert got == pytest.approx(loss_by_hand(y_true, y_pred), rel=1e-4)


def test_a_batch_without_objects_teaches_background():
    import tensorflow as tf

    y_true, y_pred = some_batch(np.random.default_rng(0), share=0.0)
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        loss = DetectionLoss()(y_true, y_pred)
    gradient = tape.gradient(loss, y_pred).numpy()
    assert 0 < float(loss) < 1000
    assert (gradient[..., 4:] > 0).all()  # every score is to fall
    assert (gradient[..., :4] == 0).all()


def test_boxes_without_area_have_a_finite_gradient():
    import tensorflow as tf

    y_true, y_pred = some_batch(np.random.default_rng(0), share=1.0)
    y_true[..., 2:4] = y_true[..., :2]
    y_pred[..., 2:4] = y_pred[..., :2]
    y_pred[..., 4:] = [80.0, -80.0, 0.0]
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        loss = DetectionLoss()(y_true, y_pred)
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, y_pred).numpy()).all()


def test_generalised_overlap_of_known_boxes():
    first = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    second = np.array([[1, 1, 3, 3], [0, 0, 1, 1], [2, 0, 3, 1]], np.float32)
    iou, giou = box_likeness(
        keras.ops.convert_to_tensor(first), keras.ops.convert_to_tensor(second)
    )
    np.testing.assert_allclose(iou, [1 / 7, 1, 0], rtol=1e-6)
    np.testing.assert_allclose(giou, [1 / 7 - 2 / 9, 1, -1 / 3], rtol=1e-6)


def test_the_loss_can_be_saved():
    loss = DetectionLoss(box_weight=1.5, beta=1.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
