"""TFLite Metadata: written by us, read back by us, by zipfile, and by MediaPipe where it is."""

import json
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from kerascnn.errors import BundleError, InputError
from kerascnn.export.flatbuffer import metadata, metadata_schema
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.recipes import RECIPES
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect

LABELS = ["ash", "Buche", "cédre", "a label, with comma", "樅"]
ARGUMENTS = {"name": "Tiny", "description": "Sorts trees.", "labels": LABELS}


@pytest.fixture(scope="session")
def embedded(float_file):
    """The float file with metadata."""
    return metadata.embed(
        float_file.read_bytes(),
        **ARGUMENTS,
        version="1.2",
        author="A. Author",
        license="Apache-2.0",
    )


def test_what_was_embedded_is_read_back(embedded):
    assert metadata.read(embedded) == metadata.Metadata(
        name="Tiny",
        description="Sorts trees.",
        version="1.2",
        author="A. Author",
        license="Apache-2.0",
        labels=tuple(LABELS),
        color="rgb",
        mean=(0.0,),
        std=(1.0,),
        input_range=(0.0, 255.0),
        output_range=(0.0, 1.0),
        min_parser_version="1.0.0",
    )


def test_zipfile_reads_the_labels_out_of_the_file(embedded, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(embedded)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode() == "".join(f"{label}\n" for label in LABELS)


@pytest.mark.parametrize("name", ["float_file", "int8_file"])
def test_the_model_still_gives_the_same_outputs(name, request, tiny_images):
    content = request.getfixturevalue(name).read_bytes()
    after = metadata.embed(content, **ARGUMENTS)
    np.testing.assert_array_equal(
        TFLiteModel(after).predict(tiny_images), TFLiteModel(content).predict(tiny_images)
    )
    assert inspect(after).has_metadata
    assert inspect(after).delegate_partitions == inspect(content).delegate_partitions


def test_grey_model_is_described_as_grayscale(grey_int8_file):
    content = grey_int8_file.read_bytes()
    labels = [str(digit) for digit in range(10)]
    after = metadata.embed(content, name="Grey", description="Digits.", labels=labels)
    assert metadata.read(after).color == "grayscale"
    assert metadata.read(after).labels == tuple(labels)


def test_logits_have_no_range(float_file):
    after = metadata.embed(float_file.read_bytes(), **ARGUMENTS, output_range=None)
    assert metadata.read(after).output_range is None


def test_embedding_is_reproducible_and_replaces_what_was_there(float_file, embedded):
    once = metadata.embed(float_file.read_bytes(), **ARGUMENTS)
    assert metadata.embed(float_file.read_bytes(), **ARGUMENTS) == once
    assert len(metadata.embed(once, **ARGUMENTS)) == len(once)
    again = metadata.embed(embedded, name="New", description="New.", labels=list("abcde"))
    assert metadata.read(again).name == "New"
    assert metadata.read(again).labels == tuple("abcde")
    assert again.count(b"M001") == 1


def test_file_without_metadata_reads_as_none(float_file):
    assert metadata.read(float_file) is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], "expected 5 labels in their order. Received: 2 labels"),
        ([], "Received: 0 labels"),
        ("abcde", "Received: one string"),
        (["a", "b", "c", "d", "two\nlines"], "label 4 cannot be a line"),
        (["a", "b", "c", "d", "  "], "label 4 cannot be a line"),
        (["a", "b", "c", "d", 5], "label 4 cannot be a line"),
    ],
)
def test_labels_that_do_not_fit_are_refused(float_file, labels, message):
    with pytest.raises(InputError, match=message):
        metadata.embed(float_file.read_bytes(), name="x", description="x", labels=labels)


def test_colour_that_does_not_fit_the_channels_is_refused(float_file):
    with pytest.raises(InputError, match="does not fit 3 channel"):
        metadata.embed(float_file.read_bytes(), **ARGUMENTS, color="grayscale")


def test_lost_label_file_is_said(embedded):
    end = embedded.index(b"PK\x03\x04")
    with pytest.raises(BundleError, match=r"damaged metadata: its label file 'labels.txt'"):
        metadata.read(embedded[:end])


def test_foreign_metadata_are_said(embedded):
    place = embedded.index(b"M001")
    altered = embedded[:place] + b"M002" + embedded[place + 4 :]
    with pytest.raises(BundleError, match="expected the identifier b'M001', received b'M002'"):
        metadata.read(altered)


def test_a_calibration_of_scores_is_noticed():
    """As MediaPipe's writer describes it: a process unit of the output, option 2 of the union."""
    found = []
    for option in (1, 2):
        writer = metadata_schema.Writer()
        unit = writer.table(2, s0=("byte", option), s1=("ref", writer.table(2)))
        scores = writer.references(writer.table(7, s4=writer.references(unit)))
        graphs = writer.references(writer.table(10, s3=scores))
        root = writer.table(8, s3=graphs)
        writer.builder.Finish(root, file_identifier=metadata_schema.IDENTIFIER)
        decoded, _ = metadata_schema.decode(bytes(writer.builder.Output()))
        found.append(decoded.calibrates_scores)
    assert found == [False, True]


def test_metadata_cut_anywhere_are_refused_or_read(embedded):
    whole = metadata_schema.encode(
        metadata.Metadata(name="n", color="rgb", mean=(0.0,), std=(1.0,))
    )
    decoded, label_file = metadata_schema.decode(whole)
    assert (decoded.name, decoded.color, label_file) == ("n", "rgb", "labels.txt")
    for length in range(8, len(whole) - 4, 7):
        with pytest.raises(BundleError):
            metadata_schema.decode(whole[:length])


# MediaPipe pins old packages, so it lives in an environment of its own.
MEDIAPIPE = os.environ.get("KERASCNN_MEDIAPIPE_PYTHON") or shutil.which("mediapipe-python")

CLASSIFY = """
import json, sys
import mediapipe, numpy as np
from mediapipe.tasks.python import BaseOptions, vision
options = vision.ImageClassifierOptions(
    base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=-1
)
results = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for image in np.load(sys.argv[2]):
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        categories = classifier.classify(image).classifications[0].categories
        results.append({c.category_name: c.score for c in categories})
print(json.dumps(results))
"""


@pytest.mark.skipif(
    MEDIAPIPE is None,
    reason="set KERASCNN_MEDIAPIPE_PYTHON to the python of an environment with mediapipe",
)
@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_mediapipe_gives_our_labels_and_scores(kind, float_file, int8_file, tiny_images, tmp_path):
    content = float_file.read_bytes()
    if kind == "uint8":
        content = quantize(content, RECIPES["int8"], tiny_images, io="uint8")
    path, images = tmp_path / "model.tflite", tmp_path / "images.npy"
    path.write_bytes(metadata.embed(content, **ARGUMENTS))
    np.save(images, tiny_images)
    command = [str(MEDIAPIPE), "-c", CLASSIFY, str(path), str(images)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    received = json.loads(result.stdout)
    expected = TFLiteModel(path).predict(tiny_images)
    assert [r[LABELS[i]] for r, i in zip(received, expected.argmax(1), strict=True)] == [
        max(r.values()) for r in received
    ]
    assert len(set(expected.argmax(1))) > 1
    scores = np.array([[r[label] for label in LABELS] for r in received])
    np.testing.assert_allclose(scores, expected, atol=1e-6)
