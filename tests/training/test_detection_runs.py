"""A run of detection, from a COCO file to a page, a picture and a verified bundle."""

import json
import subprocess
import sys

import chapters
import numpy as np
import pytest
from PIL import Image
from stand_ins import shallow_mobilenet

import kerascnn
from kerascnn import train
from kerascnn.cli.main import main
from kerascnn.errors import InputError
from kerascnn.export import export_bundle, export_tflite, runs_on
from kerascnn.export.contract import manifest
from kerascnn.inference import open_predictor
from kerascnn.tasks.boxes import Row
from kerascnn.training import open_run

SMALL = {
    "task": "detection",
    "weights": "none",
    "options": {"alpha": 0.05},
    "image_size": 64,
    "batch_size": 8,
}


@pytest.fixture(autouse=True, scope="module")
def _shallow():
    """Networks of one block per stage."""
    with pytest.MonkeyPatch.context() as patch:
        shallow_mobilenet(patch)
        yield


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """A COCO file of 24 pictures with up to two red or blue boxes each, and their folder."""
    folder, random = tmp_path_factory.mktemp("boxes"), np.random.default_rng(0)
    images, annotations = [], []
    for i in range(24):
        pixels = random.integers(0, 50, (48, 64, 3), dtype=np.uint8)
        name = f"{i:02}.png"
        images.append({"id": i, "file_name": name, "width": 64, "height": 48})
        for _ in range(i % 3):
            width, height = random.integers(12, 24, 2).tolist()
            left = int(random.integers(0, 64 - width))
            top = int(random.integers(0, 48 - height))
            red = bool(random.integers(0, 2))
            pixels[top : top + height, left : left + width, 0 if red else 2] = 230
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": i,
                    "category_id": 7 if red else 3,
                    "bbox": [left, top, width, height],
                    "area": width * height,
                }
            )
        Image.fromarray(pixels).save(folder / name)
    names = [{"id": 3, "name": "blue"}, {"id": 7, "name": "red"}]
    path = folder / "boxes.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


@pytest.fixture(scope="module")
def run(boxes):
    return train(boxes, "MobileNet", boxes.parent / "run", epochs=2, **SMALL)


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured.err
    return captured.out


def test_a_run_keeps_its_figures_and_both_outputs(run, boxes):
    config = json.loads((run.folder / "config.json").read_text())
    assert (config["task"], config["augment"], config["class_names"]) == (
        "detection",
        "detection",
        ["blue", "red"],
    )
    assert {"loss", "val_loss", "val_map", "val_ap50"} <= set(run.history[0])
    assert np.isfinite([list(row.values()) for row in run.history]).all()
    model = kerascnn.load_model(run.folder / "model.keras")
    assert [output.shape for output in model.outputs] == [(None, 84, 2), (None, 84, 4)]
    page = (run.folder / "report.html").read_text("utf-8")
    for words in ("Object detector", "AP50", "Precision and recall", "Confusions", "Most mistakes"):
        assert words in page
    saved = json.loads((run.folder / "metrics.json").read_text())["validation"]
    assert saved["map"] == run.metrics["validation"].map


def test_it_is_evaluated(run, boxes, capsys):
    saved = run.metrics["validation"]
    found = json.loads(call(capsys, "evaluate", run.folder, "--json"))["results"]["model.keras"]
    assert found["map"] == pytest.approx(saved.map, abs=1e-6)
    file = run.folder / "model.keras"
    options = ("--task", "detection", "--data", boxes, "--split", "validation", "--json")
    found = json.loads(call(capsys, "evaluate", file, *options))["results"]["model.keras"]
    assert found["objects"] == saved.objects


def test_boxes_of_several_views_have_no_mean(run, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(run.folder), "--tta", "flip"])
    assert stop.value.code == 2
    assert "have no mean" in capsys.readouterr().err


def test_it_predicts_and_draws(run, boxes, tmp_path, capsys):
    picture = boxes.parent / "05.png"
    (found,) = json.loads(call(capsys, "predict", run.folder, picture, "--threshold=0", "--json"))
    assert (found["width"], found["height"]) == (64, 48)
    assert len(found["objects"]) > 0
    for one in found["objects"]:
        box, pixels = one["box"], one["pixels"]
        assert 0 <= box["left"] <= box["right"] <= 1
        assert pixels["bottom"] == pytest.approx(48 * box["bottom"], abs=0.06)
    scores = [one["score"] for one in found["objects"]]
    assert scores == sorted(scores, reverse=True)
    out = tmp_path / "drawn.png"
    call(capsys, "predict", run.folder, picture, "--threshold=0", "--out", out)
    with Image.open(out) as drawn, Image.open(picture) as plain:
        assert drawn.size == plain.size
        assert np.abs(np.asarray(drawn, int) - np.asarray(plain, int)).max() > 100
    words = call(capsys, "predict", run.folder, picture, "--threshold=1")
    assert "no object with a score of 100.00 % or more" in words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--threshold", "1.5"), "--threshold must be in 0..1"),
        (("--out", "one.png", "two.png"), "one file for 2 images"),
    ],
)
def test_what_cannot_be_drawn_is_said(run, boxes, options, message, capsys):
    arguments = ["predict", str(run.folder), str(boxes.parent / "05.png"), *options]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fine_tune": True}, "one phase"),
        ({"quantize_aware": 1}, "quantize_aware is not for detection"),
        ({"resize": "crop"}, "takes whole pictures"),
        ({"weights": None, "model": "PlainNet18"}, "no weights are published for PlainNet18"),
        ({"model": "LeNet5", "image_size": None}, "needs maps of 1/8, 1/16 and 1/32"),
    ],
)
def test_what_a_run_of_detection_has_not_is_said_at_once(boxes, tmp_path, changes, message):
    arguments = {"model": "MobileNet", **SMALL, **changes}
    if "model" in changes:
        del arguments["options"]
    with pytest.raises(InputError, match=message):
        train(boxes, out=tmp_path / "run", epochs=1, **arguments)


@pytest.fixture(scope="module")
def bundle(run, boxes):
    splits = open_run(run.folder).data()
    images, targets = splits.sample("train", 16)
    return export_bundle(
        open_run(run.folder).load_model(),
        boxes.parent / "bundle",
        samples=images,
        labels=targets,
        class_names=splits.class_names,
        evaluation=splits.arrays("validation"),
        task="detection",
        threshold=0.02,
    )


def test_the_bundle_is_verified_by_objects(bundle):
    described = manifest.read(bundle.folder)
    assert described.model.task == "detection"
    assert [(one.role, one.shape) for one in described.outputs] == [
        ("boxes", (1, 100, 4)),
        ("classes", (1, 100)),
        ("scores", (1, 100)),
        ("count", (1,)),
    ]
    assert set(described.outputs[2].thresholds) == {0.02}
    checks = {check.name for check in bundle.reports["int8"].checks}
    assert {"object_agreement", "boxes.mean_pixels", "scores.max_abs", "map_drop"} <= checks
    for recipe, report in bundle.reports.items():
        outside = {"CAST", "FLOOR_DIV", "FLOOR_MOD", "GATHER", "GREATER", "LESS", "TOPK_V2"}
        found = set(report.undelegated_operators) - {"QUANTIZE"}  # of int8 at the ends
        assert found == outside | {"NON_MAX_SUPPRESSION_V4"}, recipe
        runs_on = {verdict.target: verdict.runs for verdict in report.runs_on}
        assert (runs_on["mediapipe"], runs_on["litert-js"]) == (True, True)


def test_the_kit_finds_what_the_library_finds(bundle, boxes, tmp_path, repository):
    picture, kit = boxes.parent / "05.png", repository / "export" / "python" / "run.py"

    def call_kit(*arguments):
        command = [sys.executable, "-I", str(kit), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert call_kit("--selftest", bundle.folder).count("ok  ") == 2
    (answer,) = json.loads(call_kit(bundle.folder, picture, "--json", "--draw", tmp_path))
    assert (tmp_path / "05.png").is_file()
    predictor = open_predictor(bundle.folder, recipe="float32")
    arrays = predictor.arrays(predictor.load_images([picture]))
    predictor = predictor.described(arrays)
    row = {role: values[0] for role, values in predictor.predictions(arrays).items()}
    wanted = predictor.meaning.as_json(row, predictor.outputs, predictor.names())["objects"]
    assert [one["label"] for one in answer["objects"]] == [one["class"] for one in wanted]
    for one, other in zip(answer["objects"], wanted, strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)
        assert one["box"] == pytest.approx(other["box"], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "points"),
    [
        ({"head": "centernet", "mosaic": 0.5}, 256),
        ({"head": "fomo"}, 64),
        ({"assignment": "task_aligned"}, 84),
    ],
)
def test_other_detectors_go_all_the_way(options, points, boxes, tmp_path):
    """From boxes to a verified file: their parts are tested one by one elsewhere."""
    arguments = {**SMALL, "options": {**SMALL["options"], **options}}
    result = train(boxes, "MobileNet", tmp_path / "run", epochs=1, **arguments)
    assert np.isfinite([result.history[0][name] for name in ("loss", "val_map")]).all()
    run = open_run(result.folder)
    model, splits = run.load_model(), run.data()
    assert [output.shape for output in model.outputs] == [(None, points, 2), (None, points, 4)]
    images, _ = splits.sample("train", 8)
    path = tmp_path / "x.tflite"
    found = export_tflite(model, path, "int8", images, task="detection", layout="raw", io="int8")
    assert found.report.passed
    if "head" in options and options["head"] == "fomo":
        assert {one.target: one.runs for one in runs_on(path)}["tflm"]


def test_the_guide_runs_as_printed(boxes, tmp_path, repository):
    for file in boxes.parent.glob("*.png"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "boxes.json").write_bytes(boxes.read_bytes())
    names = {}
    assert chapters.run(repository / "docs" / "detection.md", tmp_path, names) == []
    assert names["found"]["boxes"].shape[1:] == (100, 4)
    assert (names["rows"][..., Row.WIDTH] == 64).all()
