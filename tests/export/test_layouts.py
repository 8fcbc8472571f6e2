"""Files of detectors: finished objects, or boxes and scores of all points."""

import importlib.util
import itertools
import json
import os
import subprocess

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.export import export_bundle, export_tflite, runs_on, verify_tflite
from kerascnn.export.contract import manifest
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.flatbuffer import metadata
from kerascnn.export.rewrites.objects_tail import Suppression, add_objects_tail
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.inference import open_predictor
from kerascnn.layers import PointBoxes
from kerascnn.tasks import object_lists
from kerascnn.tasks.detections import detections

LABELS = ("red", "blue")
ROLES = ("boxes", "classes", "scores", "count")
MEDIAPIPE = os.environ.get("KERASCNN_MEDIAPIPE_PYTHON") or None
THRESHOLD = 0.3


@pytest.fixture(scope="module")
def pictures():
    """Dark pictures with up to four red or blue boxes."""
    random = np.random.default_rng(0)
    images = random.integers(0, 40, (32, 64, 64, 3)).astype(np.uint8)
    for image in images:
        for _ in range(random.integers(0, 5)):
            top, left = random.integers(0, 44, 2)
            height, width = random.integers(10, 20, 2)
            image[top : top + height, left : left + width, random.choice([0, 2])] = 230
    return images


def colour_detector(activation="sigmoid"):
    """A detector without training: a cell is an object of the colour that fills it."""
    images = keras.Input((64, 64, 3))
    cells = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(images))
    layers = (
        keras.layers.Conv2D(2, 1, activation=activation),
        keras.layers.Conv2D(4, 1, name="distances"),
    )
    scores, distances = (layer(cells) for layer in layers)
    layers[0].set_weights([8 * np.array([[[[1, -1], [-1, -1], [-1, 1]]]]), np.array([-3, -3])])
    layers[1].set_weights([np.ones((1, 1, 3, 4)), np.array([0, 0.3, 0.6, 0.9])])
    scores = keras.layers.Reshape((64, 2))(scores)
    return keras.Model(images, [scores, PointBoxes()(distances)], name="colours")


@pytest.fixture(scope="module")
def detector():
    return colour_detector()


def same(file, wanted, atol=1e-6):
    for role, values in zip(ROLES, file, strict=True):
        np.testing.assert_allclose(values, wanted[role], atol=atol, err_msg=role)


@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_the_tail_finds_what_detections_finds(activation, pictures):
    content = convert_float(colour_detector(activation))
    scores, boxes = TFLiteModel(content).predict(pictures)
    if activation is None:
        scores = 1 / (1 + np.exp(-scores))
    limits = {"most": 12, "most_overlap": 0.4, "candidates": 60, "least_score": 0.1}
    found = detections(boxes, scores, **limits)
    rule = Suppression(**limits)
    content = add_objects_tail(content, rule, logits=activation is None)
    values = TFLiteModel(content).predict(pictures)
    same(values, object_lists.listed(found))
    assert len(set(values[3].tolist())) > 3  # padding of several lengths
    assert (np.diff(values[2], axis=1) <= 0).all()


def test_another_file_has_no_tail(float_file):
    with pytest.raises(ValueError, match=r"scores \[1, points, classes\]"):
        add_objects_tail(
            float_file.read_bytes(),
            Suppression(most=1, most_overlap=0.5, candidates=9, least_score=0.1),
        )


def test_the_file_says_what_its_outputs_are(detector, pictures, tmp_path):
    path, names = tmp_path / "colours.tflite", ("location", "category", "score")
    options = {"samples": pictures, "task": "detection", "class_names": LABELS}
    result = export_tflite(detector, path, **options)
    assert [one.shape for one in result.outputs] == [(1, 100, 4), (1, 100), (1, 100), (1,)]
    found = metadata.read(path)
    assert found.outputs == (*names, "number of detections")
    assert (found.labels, found.output_range) == (LABELS, (0.0, 1.0))
    assert found.has_boxes
    verdicts = {one.target: one.runs for one in runs_on(path)}
    assert verdicts == {
        "mediapipe": True,
        "litert-js": True,
        "android": True,
        "tflm": False,
        "coral": False,
    }
    assert verify_tflite(detector, path, pictures, task="detection").passed

    raw = tmp_path / "raw.tflite"
    export_tflite(detector, raw, layout="raw", **options)
    assert metadata.read(raw).outputs == ("score", "location")
    assert metadata.read(raw).labels == LABELS
    (verdict,) = (one for one in runs_on(raw) if one.target == "mediapipe")
    assert "layout 'objects'" in verdict.because[0]


def test_the_tail_of_an_int8_file_computes_in_float(detector, pictures, tmp_path):
    files = {}
    for layout in ("raw", "objects"):
        path = tmp_path / f"{layout}.tflite"
        options = {"task": "detection", "layout": layout, "verify": layout == "objects"}
        export_tflite(detector, path, "int8", pictures, **options)
        files[layout] = TFLiteModel(path)
    assert [one.dtype for one in files["raw"].outputs] == ["uint8", "uint8"]
    assert [one.dtype for one in files["objects"].outputs] == ["float32"] * 4
    assert files["objects"].input.dtype == "uint8"
    scores, boxes = files["raw"].predict(pictures)
    wanted = object_lists.listed(detections(boxes, scores))
    same(files["objects"].predict(pictures), wanted)


def test_a_lone_file_is_opened_as_a_detector(detector, pictures, tmp_path):
    path = tmp_path / "colours.tflite"
    export_tflite(detector, path, samples=pictures, task="detection", class_names=LABELS)
    predictor = open_predictor(path)
    assert (predictor.task, predictor.labels) == ("detection", LABELS)
    found = predictor.predict(pictures)
    scores, boxes = detector.predict(pictures, verbose=0)
    wanted = detections(boxes, scores)
    shown = wanted["scores"] >= 0.1  # below that, all but equal scores change places
    assert shown.sum() > 100
    for role in ("boxes", "scores", "classes"):
        np.testing.assert_allclose(found[role][shown], wanted[role][shown], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "objects", "task": "classification"}, "none for the task 'classification'"),
        ({"layout": "boxes"}, "expected 'objects' or 'raw'"),
        ({"layout": "objects", "io": "int8", "recipe": "int8"}, "images go in as int8"),
        ({"layout": "objects", "target": "tflm"}, "no operator for finding the best boxes"),
        ({"class_names": ("one",)}, "1 class names were given for 2 outputs"),
    ],
)
def test_a_layout_that_cannot_be_is_said(options, message, detector, pictures, tmp_path):
    options = {"task": "detection", "samples": pictures, **options}
    with pytest.raises(InputError, match=message):
        export_tflite(detector, tmp_path / "x.tflite", **options)
    assert not (tmp_path / "x.tflite").exists()


def test_where_clients_take_no_objects_files_are_raw(detector, pictures, tmp_path):
    options = {"task": "detection", "io": "int8", "verify": False}
    result = export_tflite(detector, tmp_path / "x.tflite", "int8", pictures, **options)
    assert [one.dtype for one in result.outputs] == ["int8", "int8"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("most", [1, 5])
def test_outputs_of_foreign_files_are_known_in_any_order(order, most):
    random = np.random.default_rng(0)
    scores = random.uniform(0.1, 0.9, (2, most))
    arrays = [random.random((2, most, 4)), np.ones((2, most)), scores, np.array([most, 0.0])]
    found = object_lists.recognized([arrays[place] for place in order])
    for role, values in zip(ROLES, arrays, strict=True):
        np.testing.assert_array_equal(found[role], values)
    objects = object_lists.objects_of(found)
    assert (objects["scores"][0] > 0).all()
    assert (objects["scores"][1] == 0).all()


@pytest.fixture(scope="module")
def bundle(detector, pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layouts") / "bundle"
    options = {"class_names": LABELS, "task": "detection", "threshold": THRESHOLD}
    return export_bundle(detector, folder, samples=pictures, **options)


@pytest.fixture(scope="module")
def golden(bundle):
    with np.load(bundle.folder / bundle.manifest.golden.path) as archive:
        return {name: archive[name] for name in archive.files}


def test_golden_objects_are_those_of_the_keras_model(bundle, golden, detector):
    assert golden["inputs"].shape == (8, 64, 64, 3)
    scores, boxes = detector.predict(golden["inputs"], verbose=0)
    same([golden[role] for role in ROLES], object_lists.listed(detections(boxes, scores)), 1e-4)
    assert (golden["scores"] >= THRESHOLD).sum() > 8


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (lambda found: None, True),
        (lambda found: found["boxes"].__iadd__(0.1), False),
        (lambda found: found["scores"].__imul__(0.1), False),
        (lambda found: found["classes"].__isub__(1), False),
        (lambda found: found["boxes"].__imul__(np.nan), False),
        # The order of objects, and what lies below the threshold, are nobody's business.
        (lambda found: found.update({role: found[role][:, ::-1] for role in ROLES[:3]}), True),
        (lambda found: found["scores"].__imul__(found["scores"] >= THRESHOLD), True),
    ],
)
def test_the_kit_matches_objects(change, passes, bundle, golden, repository, capsys):
    path = repository / "export" / "python" / "run.py"
    spec = importlib.util.spec_from_file_location("kit", path)
    kit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kit)
    described, _ = kit.read_bundle(bundle.folder)
    found = {role: golden[role].copy() for role in ROLES}
    change(found)
    assert kit.judge(described, described["files"][1], found, golden) == passes
    assert capsys.readouterr().out.startswith("ok  " if passes else "FAIL")


DETECT = """
import json, sys
import mediapipe, numpy as np
from mediapipe.tasks.python import BaseOptions, vision
options = vision.ObjectDetectorOptions(
    base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=-1,
    score_threshold=float(sys.argv[3]),
)
found = []
with vision.ObjectDetector.create_from_options(options) as detector:
    for image in np.load(sys.argv[2])["inputs"]:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        found.append([
            (one.categories[0].category_name, one.categories[0].score, one.bounding_box.origin_y,
             one.bounding_box.origin_x, one.bounding_box.height, one.bounding_box.width)
            for one in detector.detect(image).detections
        ])
print(json.dumps(found))
"""


@pytest.mark.skipif(MEDIAPIPE is None, reason="set KERASCNN_MEDIAPIPE_PYTHON to one with mediapipe")
@pytest.mark.parametrize(("recipe", "pixels"), [("float32", 0.0), ("int8", 1.0)])
def test_mediapipe_finds_the_golden_objects(recipe, pixels, bundle, golden):
    file = bundle.manifest.file(recipe)
    assert file.input.dtype == ("float32" if recipe == "float32" else "uint8")
    arguments = [bundle.folder / file.path, bundle.folder / bundle.manifest.golden.path, THRESHOLD]
    command = [MEDIAPIPE, "-c", DETECT, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    limit = file.tolerances[ROLES.index("scores")].max_abs
    for image, found in enumerate(json.loads(result.stdout)):
        shown = np.flatnonzero(golden["scores"][image] >= THRESHOLD)
        assert len(found) == len(shown)
        for place in shown:
            top, left, bottom, right = 64 * golden["boxes"][image, place]
            box, score = (top, left, bottom - top, right - left), golden["scores"][image, place]
            name = LABELS[int(golden["classes"][image, place])]
            assert any(
                one[0] == name
                and abs(one[1] - score) <= limit
                # MediaPipe gives whole pixels, cut off.
                and np.abs(np.array(one[2:]) + 0.5 - box).max() <= 0.5 + pixels
                for one in found
            ), (image, place)


def test_the_manifest_of_objects_is_checked(bundle):
    text = json.loads(manifest.to_json(bundle.manifest))
    text["outputs"][1]["shape"] = [1, 99]
    text["outputs"][1]["ranges"] = text["outputs"][1]["ranges"][:99]
    with pytest.raises(manifest.BundleError, match="outputs: classes: expected"):
        manifest.parse(json.dumps(text))
