"""From a model to a verified file in one call, and nothing on disk when that fails."""

import dataclasses
import errno
import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn.errors import ExportError, InputError, OutputExistsError, VerificationError
from kerascnn.export import tflite
from kerascnn.export.flatbuffer import edit, structure
from kerascnn.export.flatbuffer.metadata import read
from kerascnn.export.recipes import INT8
from kerascnn.export.runtime.verify import evaluate_tflite, keras_outputs
from kerascnn.export.tflite import export_tflite

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")

MINE = b"\x1c\0\0\0TFL3 mine"


@pytest.fixture(scope="module")
def labels(tiny_model, tiny_images):
    return keras_outputs(tiny_model, tiny_images).argmax(-1)


@pytest.fixture(scope="module")
def float_bytes(float_file):
    """A conversion to share; what converts for itself is marked in its name."""
    return float_file.read_bytes()


@pytest.fixture(scope="module")
def exported(tiny_model, float_bytes, tiny_images, labels, tmp_path_factory):
    """The int8 export all results below are read from."""
    return export_tflite(
        tiny_model,
        tmp_path_factory.mktemp("exported") / "tiny.tflite",
        "int8",
        tiny_images,
        labels,
        class_names=CLASSES,
        float_model=float_bytes,
    )


def test_the_result_describes_the_file(exported):
    content = exported.path.read_bytes()
    assert exported.bytes == len(content)
    assert exported.sha256 == hashlib.sha256(content).hexdigest()
    assert exported.recipe == "int8"
    assert (exported.input.dtype, exported.input.shape) == ("uint8", (1, 24, 24, 3))
    assert exported.output.shape == (1, 5)
    assert exported.operators["CONV_2D"] == 2
    assert exported.delegate_partitions == 1
    assert "CONV_2D" not in exported.undelegated_operators


def test_the_report_is_on_the_callers_samples(exported):
    assert exported.report.passed
    assert (exported.report.samples, exported.report.source) == (48, "samples")
    assert exported.report.path == str(exported.path)
    assert exported.report["accuracy_drop"].value <= 0.05


def test_the_file_classifies(exported, tiny_images, labels):
    assert evaluate_tflite(exported.path, tiny_images, labels).accuracy >= 0.9


def test_labels_are_embedded(exported):
    assert tuple(read(exported.path).labels) == CLASSES


def test_a_whole_export_from_model_to_file_converts_for_itself(tmp_path, grey_model):
    result = export_tflite(grey_model, tmp_path / "new" / "grey.tflite")
    assert result.report.source == "synthetic"
    assert result.report["max_abs"].value < 1e-4
    assert tuple(read(result.path).labels) == tuple(str(index) for index in range(10))
    assert result.delegate_partitions == 1


@pytest.mark.parametrize("recipe", ["float16", "dynamic_int8", "weight_only_int8", "int16x8"])
def test_every_other_recipe_verifies(recipe, tmp_path, tiny_model, float_bytes, tiny_images):
    result = export_tflite(
        tiny_model, tmp_path / "a.tflite", recipe, tiny_images, float_model=float_bytes
    )
    assert result.report.passed
    assert result.input.dtype == "float32"


def test_known_outputs_spare_a_pass(tmp_path, tiny_model, float_bytes, tiny_images, monkeypatch):
    reference = keras_outputs(tiny_model, tiny_images)
    monkeypatch.setattr(tflite, "keras_outputs", None)
    result = export_tflite(
        tiny_model,
        tmp_path / "a.tflite",
        samples=tiny_images,
        reference=reference,
        float_model=float_bytes,
    )
    assert result.report.samples == 48


def test_verification_can_be_left_out(tmp_path, tiny_model, float_bytes):
    result = export_tflite(tiny_model, tmp_path / "a.tflite", verify=False, float_model=float_bytes)
    assert result.report is None
    assert result.path.is_file()


def test_a_file_that_fails_is_not_written(tmp_path, tiny_model, float_bytes, tiny_images):
    strict = dataclasses.replace(INT8.tolerance, mean_abs=1e-6)
    with pytest.raises(VerificationError, match=r"mean_abs.*Try more samples.*was not written"):
        export_tflite(
            tiny_model,
            tmp_path / "a.tflite",
            "int8",
            tiny_images,
            tolerance=strict,
            float_model=float_bytes,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_keeps_the_file_it_would_replace(tmp_path, tiny_model, float_bytes):
    path = tmp_path / "a.tflite"
    path.write_bytes(MINE)
    strict = dataclasses.replace(INT8.tolerance, max_abs=0.0)
    with pytest.raises(VerificationError):
        export_tflite(
            tiny_model,
            path,
            "weight_only_int8",
            overwrite=True,
            tolerance=strict,
            float_model=float_bytes,
        )
    assert path.read_bytes() == MINE


def test_an_existing_file_is_refused_before_any_work(tmp_path, tiny_model, monkeypatch):
    path = tmp_path / "a.tflite"
    path.write_bytes(MINE)
    monkeypatch.setattr(tflite, "convert_float", None)
    with pytest.raises(OutputExistsError, match="output exists"):
        export_tflite(tiny_model, path)
    assert path.read_bytes() == MINE


def test_a_file_of_another_kind_is_never_replaced(tmp_path, tiny_model, float_bytes):
    path = tmp_path / "a.tflite"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="is not a TFLite model"):
        export_tflite(tiny_model, path, overwrite=True, float_model=float_bytes)
    assert path.read_text() == "mine"


def test_overwriting_is_possible(tmp_path, tiny_model, float_bytes):
    path = tmp_path / "a.tflite"
    path.write_bytes(MINE)
    export_tflite(tiny_model, path, overwrite=True, float_model=float_bytes)
    assert len(path.read_bytes()) > len(MINE)


def test_a_full_disk_leaves_nothing(tmp_path, tiny_model, float_bytes, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match=r"cannot write .*a\.tflite: No space left.*Nothing"):
        export_tflite(tiny_model, tmp_path / "a.tflite", float_model=float_bytes)
    assert list(tmp_path.iterdir()) == []


def test_a_path_through_a_file_is_a_clear_error(tmp_path, tiny_model, float_bytes):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputExistsError, match=r"cannot write .*a.tflite: .*file is a file"):
        export_tflite(tiny_model, tmp_path / "file" / "a.tflite", float_model=float_bytes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"recipe": "int4"}, "unknown recipe 'int4'"),
        ({"io": "int4"}, "io must be one of"),
        ({"recipe": "int8"}, "pass samples="),
        ({"labels": np.zeros(3, int)}, "labels were given without the samples"),
        ({"samples": np.zeros((3, 32, 32, 3), np.uint8)}, "samples must have shape"),
        ({"samples": np.full((3, 24, 24, 3), 0.5)}, "raw pixels 0..255"),
        (
            {"samples": np.zeros((3, 24, 24, 3), np.uint8), "labels": np.array([0, 1, 9])},
            "labels must be 0 to 4",
        ),
        ({"class_names": ("a", "b")}, "2 class names were given for 5 outputs"),
        ({"input_shape": (32, 32, 3)}, "contradicts"),
    ],
)
def test_bad_input_is_refused_before_any_work(tmp_path, tiny_model, monkeypatch, options, told):
    monkeypatch.setattr(tflite, "convert_float", None)
    with pytest.raises(InputError, match=told):
        export_tflite(tiny_model, tmp_path / "a.tflite", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_mixed_precision_model_is_exported_in_float32(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 4), dtype="uint8"),
            layers.Rescaling(1 / 255, dtype="mixed_float16"),
            layers.Conv2D(3, 3, dtype="mixed_float16"),
        ]
    )
    result = export_tflite(model, tmp_path / "mixed.tflite")
    assert result.report["max_abs"].value < 1e-5
    assert result.output.shape == (1, 14, 14, 3)


def test_class_names_of_something_that_is_no_classifier_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tflite, "convert_float", None)
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(3, 3)])
    with pytest.raises(InputError, match="class_names can be embedded in classifiers"):
        export_tflite(model, tmp_path / "maps.tflite", class_names=("a", "b", "c"))


@pytest.mark.shared
def test_real_imagenet_weights_survive_int8_on_real_photos(tmp_path, shared):
    weights = shared / "weights" / "mobilenet_v1_0.25_224_imagenet.weights.h5"
    inputs = keras.Input((224, 224, 3))
    body = keras.applications.MobileNet(alpha=0.25, weights=str(weights))
    model = keras.Model(inputs, body(layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)))
    files = sorted((shared / "photos" / "tf_flowers").glob("*/*.jpg"))[::20][:40]
    photos = [Image.open(file).convert("RGB").resize((224, 224)) for file in files]
    result = export_tflite(model, tmp_path / "a.tflite", "int8", np.stack(photos))
    assert result.report.agreement > 0.6
    assert result.delegate_partitions == 1
    assert result.bytes < 700_000


def test_a_file_is_parsed_packed_and_checked_once(tmp_path, tiny_model, float_bytes, monkeypatch):
    """It is edited in one tree, and what was written is read by all who ask in one reader."""
    done = []
    for owner, name in ((edit, "parse"), (edit, "pack"), (structure, "check")):
        kept = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *given, _k=kept, _n=name: (done.append(_n), _k(*given))[1]
        )
    export_tflite(tiny_model, tmp_path / "a.tflite", float_model=float_bytes, target="android")
    assert done == ["parse", "check", "pack", "check"]
