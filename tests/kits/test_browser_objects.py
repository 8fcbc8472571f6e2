"""Objects on the page: those that the library finds, matched as the contract says."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from kerascnn.tasks import object_lists
from kerascnn.tasks.detections import detections

LABELS = ["a", "b", "c"]
THRESHOLD = 0.3
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


@pytest.fixture
def page(repository):
    """Runs a script with the functions of objects.js; what it prints, as JSON."""
    module = (repository / "export" / "browser" / "objects.js").as_uri()

    def run(script, *arguments):
        lines = f'import {{matched, objectsOf}} from "{module}";\n'
        lines += "const given = JSON.parse(await new Response(process.stdin).text());\n"
        done = subprocess.run(
            ["node", "--input-type=module", "-e", lines + script],
            input=json.dumps(arguments), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def bundle_of(roles, thresholds):
    outputs = [
        {"role": role, "thresholds": thresholds if role == "scores" else None} for role in roles
    ]
    return {"manifest": {"model": {"task": "detection"}, "outputs": outputs}, "labels": LABELS}


@pytest.mark.parametrize("layout", ["objects", "raw"])
def test_the_page_finds_what_the_library_finds(page, layout):
    random = np.random.default_rng(0)
    start = random.uniform(-0.1, 0.7, (1, 60, 2))
    boxes = np.concatenate([start, start + random.uniform(0.05, 0.4, start.shape)], axis=-1)
    boxes = boxes.astype(np.float32)
    scores = (random.random((1, 60, 3)) ** 3).astype(np.float32)
    found = detections(boxes, scores)
    values, bundle = {"scores": scores, "boxes": boxes}, bundle_of(["scores", "boxes"], [0.3] * 3)
    if layout == "objects":
        values, bundle = object_lists.listed(found), bundle_of(object_lists.ROLES, [0.3] * 100)
    flat = [values[one["role"]][0].ravel().tolist() for one in bundle["manifest"]["outputs"]]
    got = page("console.log(JSON.stringify(objectsOf(given[0], given[1])));", bundle, flat)
    shown = found["scores"][0] >= THRESHOLD
    assert 5 < shown.sum() < len(shown)
    assert [one["index"] for one in got] == found["classes"][0, shown].tolist()
    np.testing.assert_allclose([one["score"] for one in got], found["scores"][0, shown])
    np.testing.assert_allclose([one["box"] for one in got], found["boxes"][0, shown], atol=1e-6)


def test_objects_are_matched_in_any_order(page):
    one = [{"index": 0, "score": 0.9, "box": [0, 0, 0.5, 0.5]}]
    one += [{"index": 1, "score": 0.8, "box": [0.5, 0.5, 1, 1]}]
    near = [{**one[1], "score": 0.7}, {**one[0], "box": [0, 0, 0.5, 0.45]}]
    other = [{**one[0], "index": 2}, {**one[1], "box": [0, 0.5, 0.5, 1]}]
    pairs = page("console.log(JSON.stringify(matched(given[0], given[1])));", one, near)
    assert sorted(pair[0]["index"] for pair in pairs) == [0, 1]
    assert all(first["index"] == second["index"] for first, second in pairs)
    assert page("console.log(JSON.stringify(matched(given[0], given[1])));", one, other) == []
