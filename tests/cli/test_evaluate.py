"""`kerascnn evaluate --tta`."""

import json

import numpy as np
import pytest

from kerascnn import load_model
from kerascnn.training import open_run


def mean_accuracy(run, views, size):
    """Of the mean prediction over views, `views` being a function of images of `size`."""
    images, labels = open_run(run).data(image_size=size).arrays("test")
    model = load_model(run / "model.keras")
    mean = np.mean([model.predict_on_batch(view) for view in views(images)], axis=0)
    return (mean.argmax(axis=1) == labels).mean()


def mirrored(images):
    return [images, images[:, :, ::-1]]


def ten_crops(images):
    """32 of 37 pixels."""
    places = ((0, 0), (0, 5), (5, 0), (5, 5), (2, 2))
    crops = [images[:, y : y + 32, x : x + 32] for y, x in places]
    return [view for crop in crops for view in mirrored(crop)]


@pytest.mark.parametrize(
    ("name", "views", "size"), [("flip", mirrored, 32), ("ten-crop", ten_crops, 37)]
)
def test_views_of_a_run(run, call, name, views, size):
    _, out, _ = call("evaluate", run, "--json")
    plain = json.loads(out)
    code, out, err = call("evaluate", run, "--tta", name, "--json")
    assert code == 0, err
    report = json.loads(out)
    assert report["results"] == plain["results"]
    assert report["tta"]["name"] == name
    found = report["tta"]["results"]["model.keras"]["accuracy"]
    assert found == pytest.approx(mean_accuracy(run, views, size), abs=2e-3)
    assert found != plain["results"]["model.keras"]["accuracy"]


def test_views_of_every_file_of_a_bundle(run, bundle, call):
    expected = mean_accuracy(run, ten_crops, 37)
    code, out, err = call("evaluate", bundle, "--data", "digits", "--tta", "ten-crop", "--json")
    assert code == 0, err
    found = json.loads(out)["tta"]["results"]
    assert set(found) == {"float32", "int8"}
    assert found["float32"]["accuracy"] == pytest.approx(expected, abs=2e-3)
    assert found["int8"]["accuracy"] == pytest.approx(expected, abs=0.03)


def test_the_table_has_both(run, call):
    _, out, _ = call("evaluate", run, "--tta", "flip")
    assert "model.keras, flip" in out


def test_unknown_views(run, call):
    code, out, err = call("evaluate", run, "--tta", "spin")
    assert (code, out) == (2, "")
    assert "'flip', 'ten-crop'" in err
