"""Objects with boxes: which boxes stay, and figures against implementations of their own."""

import numpy as np
import pytest

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.tasks.average_precision import average_precisions
from kerascnn.tasks.boxes import CROWD, DIFFICULT, Row, edges_first, overlaps, suppress
from kerascnn.tasks.detection_metrics import detection_metrics, precision_recall
from kerascnn.tasks.detections import detections, matches

NAMES = ("cat", "dog", "owl")


def some_boxes(random, count):
    start = random.uniform(0, 0.7, (count, 2))
    return np.concatenate([start, start + random.uniform(0.05, 0.3, (count, 2))], axis=1)


def some_rows(random, images=6, most=5, flags=True):
    """Objects of some pictures of 200 x 100 pixels."""
    rows = np.zeros((images, most, len(Row)), np.float32)
    rows[..., Row.LABEL] = -1
    rows[..., Row.WIDTH], rows[..., Row.HEIGHT] = 200, 100
    for image in range(images):
        count = int(random.integers(0, most + 1))
        rows[image, :count, :4] = some_boxes(random, count)
        rows[image, :count, Row.LABEL] = random.integers(0, len(NAMES), count)
        if flags:
            rows[image, :count, Row.FLAG] = random.choice([0, 0, 0, CROWD, DIFFICULT], count)
        sides = rows[image, :count, 2:4] - rows[image, :count, :2]
        rows[image, :count, Row.AREA] = sides.prod(axis=1) * 200 * 100
    return rows


def some_found(random, rows, most=8):
    """Boxes near the objects, of the right class or not, and some that are nowhere."""
    images = len(rows)
    found = {
        "boxes": np.zeros((images, most, 4), np.float32),
        "scores": np.zeros((images, most), np.float32),
        "classes": np.zeros((images, most), np.int32),
    }
    for image in range(images):
        objects = rows[image][rows[image, :, Row.LABEL] >= 0]
        near = objects[random.integers(0, len(objects), 6)] if len(objects) else objects
        boxes = np.concatenate([near[:, :4], some_boxes(random, 2)])
        boxes = np.clip(boxes + random.normal(0, 0.02, boxes.shape), 0, 1)
        labels = np.concatenate([near[:, Row.LABEL], random.integers(0, 3, 2)])
        labels = np.where(random.random(len(labels)) < 0.8, labels, 0)
        scores = -np.sort(-random.uniform(0.01, 1, len(boxes)))
        order = random.permutation(len(boxes))
        found["boxes"][image, : len(boxes)] = edges_first(boxes[order])
        found["classes"][image, : len(boxes)] = labels[order]
        found["scores"][image, : len(boxes)] = scores
    return found


def own_overlap(one, other, crowd=False):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    area = max(one[2] - one[0], 0.0) * max(one[3] - one[1], 0.0)  # noise may turn a box over
    union = area if crowd else area + (other[2] - other[0]) * (other[3] - other[1]) - shared
    return shared / union if union > 0 else 0.0


def own_average_precision(found, rows, label, limit):
    """COCO's, written from its definition: greedy matching, precision at 101 recalls."""
    entries, objects = [], 0
    for image in range(len(rows)):
        scale = np.array([200.0, 100.0] * 2)
        own = [r for r in rows[image].astype(float) if r[Row.LABEL] == label]
        objects += sum(r[Row.FLAG] == 0 for r in own)
        used = [False] * len(own)
        places = [
            p
            for p in range(found["scores"].shape[1])
            if found["scores"][image, p] > 0 and found["classes"][image, p] == label
        ]
        for place in sorted(places, key=lambda p: -found["scores"][image, p]):
            box = edges_first(found["boxes"][image, place]).astype(float) * scale
            overlap = [own_overlap(box, r[:4] * scale, crowd=r[Row.FLAG] != 0) for r in own]
            chosen = None
            for excuses in (False, True):  # an object is taken before a crowd is
                fitting = [
                    index
                    for index, row in enumerate(own)
                    if (row[Row.FLAG] != 0) == excuses
                    and not used[index]
                    and overlap[index] >= limit
                ]
                if chosen is None and fitting:
                    chosen = max(fitting, key=lambda index: overlap[index])
            if chosen is not None and own[chosen][Row.FLAG] != 0:
                continue
            if chosen is not None:
                used[chosen] = True
            entries.append((float(found["scores"][image, place]), chosen is not None))
    if not objects:
        return np.nan
    entries.sort(key=lambda entry: -entry[0])
    right = np.cumsum([hit for _, hit in entries])
    recall = right / objects
    precision = right / np.arange(1, len(entries) + 1)
    return np.mean([max(precision[recall >= at], default=0.0) for at in np.linspace(0, 1, 101)])


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_that_of_its_definition(seed):
    random = np.random.default_rng(seed)
    rows = some_rows(random)
    found = some_found(random, rows)
    table = average_precisions(found, rows, len(NAMES))
    for label in range(len(NAMES)):
        for place in (0, 5, 9):
            wanted = own_average_precision(found, rows, label, 0.5 + 0.05 * place)
            np.testing.assert_allclose(table[place, label, 0], wanted, atol=1e-6)


def test_true_boxes_as_answers_are_perfect():
    rows = some_rows(np.random.default_rng(1), flags=False)
    is_object = rows[..., Row.LABEL] >= 0
    found = {
        "boxes": edges_first(rows[..., :4]),
        "scores": is_object.astype(np.float32),
        "classes": np.maximum(rows[..., Row.LABEL], 0).astype(int),
    }
    metrics = detection_metrics(found, rows, NAMES)
    assert (metrics.map, metrics.ap50, metrics.recall, metrics.precision) == (1, 1, 1, 1)
    assert metrics.objects == is_object.sum()
    assert all(row.ap in (1.0, None) for row in metrics.per_class.values())


def test_nothing_found_is_worth_nothing():
    rows = some_rows(np.random.default_rng(1), flags=False)
    found = detections(np.zeros((len(rows), 4, 4)), np.zeros((len(rows), 4, 3)))
    metrics = detection_metrics(found, rows, NAMES)
    assert (metrics.map, metrics.recall, metrics.precision) == (0, 0, 0)
    assert 0 < metrics.threshold < 1


def test_images_without_any_object_are_judged():
    rows = some_rows(np.random.default_rng(1), flags=False)
    rows[..., Row.LABEL] = -1
    found = some_found(np.random.default_rng(2), rows)
    metrics = detection_metrics(found, rows, NAMES)
    assert metrics.objects == 0
    assert metrics.map == 0
    assert metrics.ap_small is None


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_the_plain_loop(seed):
    random = np.random.default_rng(seed)
    boxes, scores = some_boxes(random, 40), random.random(40).round(1)
    kept = []
    for place in sorted(range(40), key=lambda p: (-scores[p], p)):
        if all(own_overlap(boxes[place], boxes[k]) <= 0.3 for k in kept):
            kept.append(place)
    assert suppress(boxes, scores, 0.3, 100).tolist() == kept
    assert suppress(boxes, scores, 0.3, 3).tolist() == kept[:3]


def test_overlaps_of_boxes_without_area():
    boxes = np.array([[0, 0, 0, 0], [0.1, 0.1, 0.3, 0.3]])
    np.testing.assert_allclose(overlaps(boxes, boxes), [[0, 0], [0, 1]])


@pytest.mark.parametrize("seed", range(3))
def test_detections_keep_the_best_of_each_class(seed):
    random = np.random.default_rng(seed)
    boxes = edges_first(some_boxes(random, 50))[np.newaxis].astype(np.float32)
    scores = random.random((1, 50, 3)).astype(np.float32)
    found = detections(boxes, scores, most=20, most_overlap=0.4, candidates=60, least_score=0.3)
    pairs = [(p, c) for p in range(50) for c in range(3) if scores[0, p, c] > 0.3]
    pairs = sorted(pairs, key=lambda pair: -scores[0][pair])[:60]
    kept = []
    for point, label in pairs:
        apart = all(
            label != other or own_overlap(boxes[0, point], boxes[0, at]) <= 0.4
            for at, other in kept
        )
        if apart:
            kept.append((point, label))
    kept = kept[:20]
    count = len(kept)
    assert found["classes"][0, :count].tolist() == [label for _, label in kept]
    np.testing.assert_array_equal(found["boxes"][0, :count], [boxes[0, p] for p, _ in kept])
    np.testing.assert_array_equal(found["scores"][0, :count], [scores[0][pair] for pair in kept])
    assert (found["scores"][0, count:] == 0).all()


def test_an_object_is_found_once_and_crowds_excuse():
    rows = np.zeros((1, 3, len(Row)), np.float32)
    rows[..., Row.LABEL] = (0, 0, -1)
    rows[0, 0, :4], rows[0, 1, :4] = (0.1, 0.1, 0.4, 0.4), (0.6, 0.6, 0.9, 0.9)
    rows[0, 1, Row.FLAG] = DIFFICULT
    boxes = [
        (0.1, 0.1, 0.4, 0.4),
        (0.11, 0.1, 0.4, 0.4),
        (0.6, 0.6, 0.9, 0.9),
        (0.0, 0.8, 0.1, 0.9),
    ]
    found = {
        "boxes": edges_first(np.array([[*boxes, (0, 0, 0, 0)]])),
        "scores": np.array([[0.9, 0.8, 0.7, 0.6, 0.0]]),
        "classes": np.zeros((1, 5), int),
    }
    assert matches(found, rows, 0).tolist() == [0, -1, -2, -1, -2]
    curve = precision_recall(found, rows)
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 1 / 3])
    np.testing.assert_allclose(curve.recall, [1, 1, 1])
    assert curve.threshold == pytest.approx(0.85)


def outputs_of(scores=(0.9, 0.2), kind=None):
    task = tasks.get("detection")
    arrays = {
        "boxes": np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9]]], np.float32),
        "scores": np.array([[[scores[0], 0.0, 0.0], [0.0, scores[1], 0.0]]], np.float32),
    }
    return task, arrays, task.describe(arrays, (kind, None), "a model")


def test_words_and_json():
    task, arrays, outputs = outputs_of()
    row = {role: values[0] for role, values in task.predictions(arrays, outputs).items()}
    assert task.words(row, outputs, NAMES).startswith("1 cat: cat 90.00 % at x 20.00 %")
    (one,) = task.as_json(row, outputs, NAMES)["objects"]
    assert one["class"] == "cat"
    assert one["box"]["left"] == pytest.approx(0.2)
    assert one["box"]["bottom"] == pytest.approx(0.3)
    assert task.answer(row, outputs, NAMES) == ("1 cat", None)


def test_nothing_above_the_threshold_is_said():
    task, arrays, outputs = outputs_of((0.1, 0.2))
    row = {role: values[0] for role, values in task.predictions(arrays, outputs).items()}
    assert "no object" in task.words(row, outputs, NAMES)
    assert task.as_json(row, outputs, NAMES) == {"objects": []}


def test_logits_become_scores():
    task, arrays, outputs = outputs_of((3.0, -2.0))
    assert outputs[0].kind == "logits"
    assert task.predictions(arrays, outputs)["scores"][0, 0] == pytest.approx(0.9526, abs=1e-4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 5, 4), (2, 6, 3)), "boxes .n, points, 4."),
        (((2, 5, 3), (2, 5, 3)), "boxes .n, points, 4."),
        (((2, 4), (2, 3)), "boxes .n, points, 4."),
    ],
)
def test_outputs_of_other_shapes_are_refused(shapes, message):
    arrays = dict(zip(("boxes", "scores"), map(np.zeros, shapes), strict=True))
    with pytest.raises(InputError, match=message):
        tasks.get("detection").describe(arrays, (None, None), "a model")


def test_targets_are_checked():
    task, rows = tasks.get("detection"), some_rows(np.random.default_rng(0))
    assert task.check_targets(rows, len(rows), 3).dtype == np.float32
    with pytest.raises(InputError, match=r"none of 0\.\.1"):
        task.check_targets(rows, len(rows), 2)
    with pytest.raises(InputError, match=r"\[5, objects, 9\]"):
        task.check_targets(rows, 5, 3)


def test_classes_of_the_data_are_found_in_a_model_with_more():
    task, rows = tasks.get("detection"), some_rows(np.random.default_rng(0), flags=False)
    _, moved, names = task.align({"boxes": rows}, rows, ("yak", "owl", "cat", "dog"), NAMES)
    assert names == ("yak", "owl", "cat", "dog")
    before, after = rows[..., Row.LABEL], moved[..., Row.LABEL]
    assert (after[before == -1] == -1).all()
    assert (after[before == 0] == 2).all()
    assert (after[before == 2] == 1).all()


FLOAT = tasks.Tolerance(
    max_abs=1e-3, mean_abs=1e-4, top1_agreement=1.0, accuracy_drop=0.0, near_tie=2e-4
)
EIGHT_BITS = tasks.Tolerance(
    max_abs=0.75, mean_abs=0.05, top1_agreement=0.85, accuracy_drop=0.02, near_tie=0.1
)
POINTS = 1029  # of images of 224 x 224


@pytest.fixture
def answers():
    """What a model gives for four pictures, an object in each, and the true objects."""
    scores = np.full((4, POINTS, 3), 1e-3, np.float32)
    boxes = np.tile(np.array([0.1, 0.05, 0.9, 0.95], np.float32), (4, POINTS, 1))
    rows = np.zeros((4, 1, len(Row)), np.float32)
    rows[..., Row.WIDTH] = rows[..., Row.HEIGHT] = 224
    for image in range(4):
        scores[image, 10 * image, image % 3] = 0.9 - 0.1 * image
        rows[image, 0, :4], rows[image, 0, Row.LABEL] = (0.05, 0.1, 0.95, 0.9), image % 3
        rows[image, 0, Row.AREA] = 0.72 * 224**2
    return {"scores": scores, "boxes": boxes}, rows


def compared(wanted, got, rows, tolerance):
    task = tasks.get("detection")
    outputs = task.describe(wanted, ("independent", None), "a model")
    return task.compare("a file", wanted, got, outputs, rows, tolerance, image_size=(224, 224))


@pytest.mark.parametrize("tolerance", [FLOAT, EIGHT_BITS])
def test_a_file_that_answers_alike_passes(answers, tolerance):
    wanted, rows = answers
    report = compared(wanted, wanted, rows, tolerance)
    assert report.passed
    assert (report.answers, report.changed, report.accuracy) == (4, 0, 1.0)
    # What happens where nothing is found is nobody's business.
    got = {"scores": wanted["scores"], "boxes": wanted["boxes"].copy()}
    got["boxes"][:, 100:] = 0
    assert compared(wanted, got, rows, tolerance).passed


@pytest.mark.parametrize(
    ("change", "tolerance", "failed"),
    [
        (lambda a: a["boxes"].__iadd__(0.5 / 224), FLOAT, set()),
        (lambda a: a["boxes"].__iadd__(1.5 / 224), EIGHT_BITS, {"boxes.mean_pixels"}),
        (lambda a: a["boxes"][0].__iadd__(1.5 / 224), FLOAT, {"boxes.max_pixels"}),
        (lambda a: a["boxes"][0].__iadd__(1.5 / 224), EIGHT_BITS, set()),
        (lambda a: a["scores"][0].__imul__(0.9), FLOAT, {"scores.max_abs", "scores.mean_abs"}),
        (lambda a: a["scores"][0].__imul__(0.9), EIGHT_BITS, set()),
        (
            lambda a: a["scores"][:2].__imul__(0.2),
            EIGHT_BITS,
            {"object_agreement"},
        ),
        (lambda a: a["scores"].__imul__(0), EIGHT_BITS, {"varies", "object_agreement", "map_drop"}),
        (lambda a: a["boxes"].__imul__(np.nan), EIGHT_BITS, {"finite"}),
    ],
)
def test_a_file_is_judged_by_objects(answers, change, tolerance, failed):
    wanted, rows = answers
    got = {role: values.copy() for role, values in wanted.items()}
    change(got)
    report = compared(wanted, got, rows, tolerance)
    assert {metric.name for metric in report.metrics if not metric.passed} == failed


def test_an_object_near_the_threshold_may_be_lost(answers):
    wanted, rows = answers
    wanted["scores"][3, 30, 0] = 0.31
    got = {role: values.copy() for role, values in wanted.items()}
    got["scores"][3, 30, 0] = 0.29
    report = compared(wanted, got, rows, EIGHT_BITS)
    assert (report.changed, report.near_ties) == (1, 1)
    assert report.passed


def test_images_for_a_self_test_are_told_apart(answers):
    task, (arrays, _) = tasks.get("detection"), answers
    outputs = task.describe(arrays, ("independent", None), "a model")
    assert task.groups(arrays, outputs).tolist() == [0, 1, 2, 0]
    np.testing.assert_allclose(task.margins(arrays, outputs), [0.3, 0.3, 0.3, 0.3], atol=0.3)
    got = {role: values.copy() for role, values in arrays.items()}
    got["scores"][1] = 0
    assert task.agrees(arrays, got, outputs).tolist() == [True, False, True, True]
