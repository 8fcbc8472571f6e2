"""What kind of detector a run trains."""

import pytest

from kerascnn import catalog, train
from kerascnn.errors import InputError
from kerascnn.training.detection_options import DetectorKind, kind_of, without_kind

MOBILENET, YOLO = catalog.find("MobileNet"), catalog.find("FastYOLO")


@pytest.mark.parametrize(
    ("entry", "options", "kind"),
    [
        (MOBILENET, {}, DetectorKind()),
        (MOBILENET, {"head": "fomo", "alpha": 0.25}, DetectorKind("fomo")),
        (MOBILENET, {"assignment": "task_aligned"}, DetectorKind("points", "task_aligned")),
        (MOBILENET, {"mosaic": 1}, DetectorKind(mosaic=1.0)),
        (YOLO, {"grid": 5}, DetectorKind("grid", grid=5)),
    ],
)
def test_options_choose_it(entry, options, kind):
    assert kind_of(entry, options) == kind
    assert set(without_kind(options)) == set(options) - {"head", "assignment", "mosaic"}


@pytest.mark.parametrize(
    ("entry", "options", "message"),
    [
        (MOBILENET, {"head": "rcnn"}, "`head` must be one of points, centernet, fomo"),
        (MOBILENET, {"assignment": 3}, "`assignment` must be one of static, task_aligned"),
        (MOBILENET, {"mosaic": 2}, "`mosaic` must be a share"),
        (MOBILENET, {"mosaic": True}, "`mosaic` must be a share"),
        (MOBILENET, {"head": "fomo", "assignment": "static"}, "has no option `assignment`"),
        (YOLO, {"head": "points"}, "detector by itself"),
    ],
)
def test_what_cannot_be_is_said(entry, options, message):
    with pytest.raises(InputError, match=message):
        kind_of(entry, options)


def test_a_detector_is_no_classifier(tmp_path):
    with pytest.raises(InputError, match="FastYOLO is made for detection"):
        train("digits", "FastYOLO", tmp_path / "run")
