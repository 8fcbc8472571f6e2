"""The MediaPipe kit, and MediaPipe's own reader and writer of metadata against kerascnn's.

MediaPipe lives in environments of its own; reader and writer are in versions up to 0.10.21 only:

    python -m venv mp && mp/bin/pip install -r export/mediapipe/requirements.txt
    python -m venv old && old/bin/pip install mediapipe==0.10.21
    KERASCNN_MEDIAPIPE_PYTHON=mp/bin/python KERASCNN_MEDIAPIPE_METADATA_PYTHON=old/bin/python \\
        python -m pytest tests/kits/test_mediapipe_kit.py
"""

import json
import os
import subprocess
from pathlib import Path

import mutants
import numpy as np
import pytest
from PIL import Image

from kerascnn.export import export_bundle
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer import metadata

KIT = Path(__file__).parents[2] / "export" / "mediapipe"
TASKS = os.environ.get("KERASCNN_MEDIAPIPE_PYTHON") or None
METADATA = os.environ.get("KERASCNN_MEDIAPIPE_METADATA_PYTHON") or None
NAMES = ["rot", "grün", "blau", "grau"]

needs_tasks = pytest.mark.skipif(
    TASKS is None, reason="set KERASCNN_MEDIAPIPE_PYTHON to the python of one with mediapipe"
)
needs_metadata = pytest.mark.skipif(
    METADATA is None,
    reason="set KERASCNN_MEDIAPIPE_METADATA_PYTHON to the python of one with mediapipe 0.10.21",
)


def run(python, *arguments):
    command = [python, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_tasks
def test_selftest_passes_for_every_file(bundle):
    result = run(TASKS, KIT / "selftest.py", bundle)
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    lines = [line.split()[:2] for line in result.stdout.splitlines()]
    assert lines == [["ok", "float32"], ["ok", "int8"]]


@needs_tasks
@pytest.mark.parametrize("name", ["one-sigmoid", "version1-classification", "version2-multi-label"])
def test_every_kind_of_scores_passes(bundles, name):
    result = run(TASKS, KIT / "selftest.py", bundles[name])
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    assert result.stdout.count("ok  ") == 2


@needs_tasks
@pytest.mark.parametrize("name", ["two-outputs", "version2-regression"])
def test_what_is_no_list_of_scores_is_one_line(bundles, name):
    result = run(TASKS, KIT / "selftest.py", bundles[name])
    assert result.returncode == 2
    assert "ImageClassifier gives scores" in result.stderr


@needs_tasks
def test_files_for_microcontrollers_fail_with_mediapipes_reason(net, photos, tmp_path):
    export_bundle(net, tmp_path / "micro", recipes=["int8"], io="int8", samples=photos)
    result = run(TASKS, KIT / "selftest.py", tmp_path / "micro")
    assert result.returncode == 1
    assert "uint8/float32" in result.stdout


@needs_tasks
def test_a_damaged_file_fails_with_a_line(bundle, tmp_path):
    for folder in mutants.bundles(bundle, tmp_path / "b", "colours_int8.tflite", 12):
        result = run(TASKS, KIT / "selftest.py", folder, "--recipe", "int8")
        assert result.returncode in (0, 1)
        assert result.stdout[:4] in ("ok  ", "FAIL")
        assert result.stdout.count("\n") == 1


@needs_tasks
def test_the_ten_lines_name_the_class(bundle, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    result = run(
        TASKS, KIT / "classify.py", bundle / "colours_float32.tflite", tmp_path / "photo.png"
    )
    assert result.returncode == 0, result.stderr[-2000:]
    from kerascnn.export.runtime.interpreter import TFLiteModel

    outputs = TFLiteModel(bundle / "colours_float32.tflite").predict(photos[:1])[0]
    assert result.stdout.splitlines()[0].split()[-1] == NAMES[int(outputs.argmax())]


READ = """
import json, sys
from mediapipe.tasks.python.metadata import metadata
displayer = metadata.MetadataDisplayer.with_model_buffer(open(sys.argv[1], "rb").read())
labels = displayer.get_associated_file_buffer("labels.txt").decode()
print(json.dumps([json.loads(displayer.get_metadata_json()), labels]))
"""


@needs_metadata
@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_mediapipes_reader_finds_what_we_wrote(bundle, recipe):
    result = run(METADATA, "-c", READ, bundle / f"colours_{recipe}.tflite")
    assert result.returncode == 0, result.stderr[-2000:]
    found, labels = json.loads(result.stdout.splitlines()[-1])
    assert labels.splitlines() == NAMES
    assert found["name"] == "colours"
    (graph,) = found["subgraph_metadata"]
    (image,), (score,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert image["content"]["content_properties"] == {"color_space": "RGB"}
    assert image["process_units"][0]["options"] == {"mean": [0.0], "std": [1.0]}
    assert image["stats"] == {"max": [255.0], "min": [0.0]}
    assert score["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"


WRITE = """
import sys
from mediapipe.tasks.python.metadata.metadata_writers import image_classifier, metadata_writer
labels = metadata_writer.Labels().add(sys.argv[3:])
sigmoids = [metadata_writer.CalibrationParameter(1.0, 2.0, 0.5) for _ in sys.argv[3:]]
calibration = metadata_writer.ScoreCalibration(
    metadata_writer.ScoreCalibration.transformation_types.LOG, sigmoids, 0.1
)
writer = image_classifier.MetadataWriter.create(
    bytearray(open(sys.argv[1], "rb").read()), [127.5], [64.0], labels, calibration
)
open(sys.argv[2], "wb").write(writer.populate()[0])
"""


@needs_metadata
def test_we_read_what_mediapipes_writer_writes(bundle, tmp_path):
    plain, written = tmp_path / "plain.tflite", tmp_path / "written.tflite"
    model = flatbuffer.parse((bundle / "colours_float32.tflite").read_bytes())
    model.metadata = None  # the writer takes files without labels only
    plain.write_bytes(flatbuffer.pack(model))
    result = run(METADATA, "-c", WRITE, plain, written, *NAMES)
    assert result.returncode == 0, result.stderr[-2000:]
    found = metadata.read(written)
    assert found.labels == tuple(NAMES)
    assert (found.mean, found.std) == ((127.5,), (64.0,))
    assert found.color == "rgb"
    assert found.calibrates_scores
    assert not metadata.read(bundle / "colours_float32.tflite").calibrates_scores
    assert np.isclose(found.input_range, (-127.5 / 64, 127.5 / 64)).all()
