"""A bundle: complete, verified, readable by its own rules; or not there at all."""

import dataclasses
import json
import os
import stat
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from kerascnn.errors import ExportError, InputError, OutputExistsError, VerificationError
from kerascnn.export import export_bundle
from kerascnn.export.bundle import write as module
from kerascnn.export.contract import manifest as contract
from kerascnn.export.recipes import Tolerance, get
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.verify import keras_outputs

SCHEMA = Path(__file__).parents[2] / "export" / "manifest.schema.json"
NAMES = ("alpha", "beta", "gamma", "delta", "épsilon")
PAD = {"fit": "pad", "filter": "bilinear", "antialias": True, "pad_value": 9}


@pytest.fixture(scope="session")
def labels(tiny_model, tiny_images):
    """What the model itself says, with every sixth label wrong: an accuracy below 1."""
    best = keras_outputs(tiny_model, tiny_images).argmax(-1)
    best[::6] = (best[::6] + 1) % 5
    return best


@pytest.fixture(scope="session")
def made(tiny_model, tiny_images, labels, tmp_path_factory):
    """A bundle and what `export_bundle` returned for it."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    steps = []
    result = export_bundle(
        tiny_model,
        folder,
        recipes=["float32", "int8"],
        samples=tiny_images[:32],
        labels=labels[:32],
        evaluation=(tiny_images[32:], labels[32:]),
        class_names=NAMES,
        resize=PAD,
        name="Tiny net",
        progress=steps.append,
    )
    return result, steps


@pytest.fixture
def converted(float_file, monkeypatch):
    """Takes the float file made by the fixtures, for tests of what comes after conversion."""
    monkeypatch.setattr(module, "convert_float", lambda *_: float_file.read_bytes())


def test_the_folder_holds_what_the_manifest_names_and_nothing_else(made):
    result, _ = made
    expected = {"manifest.json", *(file.path for file in result.manifest.references())}
    assert {path.name for path in result.folder.iterdir()} == expected


def test_the_manifest_on_disk_is_the_one_returned(made):
    result, _ = made
    assert contract.read(result.folder) == result.manifest


def test_a_fresh_manifest_fits_the_published_schema(made):
    data = json.loads((made[0].folder / "manifest.json").read_text("utf-8"))
    jsonschema.validate(data, json.loads(SCHEMA.read_text("utf-8")))


def test_the_manifest_says_what_was_asked_for(made):
    manifest = made[0].manifest
    assert manifest.model.name == "Tiny net"
    assert manifest.input.shape == (1, 24, 24, 3)
    assert manifest.input.color == "rgb"
    assert dataclasses.asdict(manifest.input.resize) == PAD
    assert manifest.output.kind == "probabilities"
    assert [file.path for file in manifest.files] == [
        "Tiny-net_float32.tflite",
        "Tiny-net_int8.tflite",
    ]


def test_the_int8_file_takes_pixels_as_they_are(made):
    tensor = made[0].manifest.file("int8").input
    assert (tensor.dtype, tensor.scale, tensor.zero_point) == ("uint8", 1.0, 0)


def test_labels_are_one_class_per_line(made):
    result, _ = made
    assert contract.read_labels(result.folder, result.manifest) == NAMES


def test_golden_outputs_are_those_of_the_keras_model(made, tiny_model):
    with np.load(made[0].folder / "golden.npz") as golden:
        assert golden["inputs"].dtype == np.uint8
        expected = keras_outputs(tiny_model, golden["inputs"])
        np.testing.assert_allclose(golden["scores"], expected, atol=1e-6)
        assert len(golden["inputs"]) == made[0].manifest.golden.count == 8


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_each_file_repeats_the_golden_outputs_within_its_tolerance(made, recipe):
    file = made[0].manifest.file(recipe)
    with np.load(made[0].folder / "golden.npz") as golden:
        got = TFLiteModel(made[0].folder / file.path).predict(golden["inputs"])
        difference = np.abs(got - golden["scores"])
        assert (got.argmax(-1) == golden["scores"].argmax(-1)).all()
    assert difference.max() <= file.tolerances[0].max_abs
    assert difference.mean() <= file.tolerances[0].mean_abs


def test_accuracy_is_measured_on_the_held_out_images(made, tiny_model, tiny_images, labels):
    report = made[0].report
    best = keras_outputs(tiny_model, tiny_images[32:]).argmax(-1)
    assert report.keras.accuracy == pytest.approx((best == labels[32:]).mean())
    assert report.keras.accuracy < 1
    assert (report.images, report.evaluation) == (16, "held-out images")


def test_reports_are_found_by_recipe(made):
    reports = made[0].reports
    assert list(reports) == ["float32", "int8"]
    assert reports["float32"].agreement == 1
    assert reports["int8"].size_ratio == reports["int8"].bytes / reports["float32"].bytes
    assert all(report.median_ms > 0 for report in reports.values())


def test_progress_names_every_recipe(made):
    assert any("int8" in step for step in made[1])


def test_samples_serve_where_nothing_is_held_out(
    tiny_model, tiny_images, labels, tmp_path, converted
):
    result = export_bundle(
        tiny_model, tmp_path / "b", recipes=["float32"], samples=tiny_images, labels=labels
    )
    assert (result.report.images, result.report.evaluation) == (48, "samples")
    assert result.report.class_names == ("0", "1", "2", "3", "4")


def test_without_labels_nothing_is_said_of_accuracy(tiny_model, tiny_images, tmp_path, converted):
    result = export_bundle(tiny_model, tmp_path / "b", recipes=["float32"], samples=tiny_images)
    assert result.report.keras is None
    assert result.report.files[0].score is None


def test_an_existing_folder_is_left_as_it_is(tiny_model, tiny_images, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"is not replaced: it is not a bundle"):
        export_bundle(tiny_model, tmp_path, samples=tiny_images)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_overwriting_replaces_the_whole_bundle(tiny_model, tiny_images, tmp_path, converted):
    folder = tmp_path / "b"
    export_bundle(tiny_model, folder, recipes=["float16"], samples=tiny_images)
    with pytest.raises(OutputExistsError, match="output exists"):
        export_bundle(tiny_model, folder, recipes=["float32"], samples=tiny_images)
    export_bundle(tiny_model, folder, recipes=["float32"], samples=tiny_images, overwrite=True)
    assert [path.name for path in folder.glob("*.tflite")] == ["tiny_float32.tflite"]
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_file_that_fails_verification_leaves_nothing(
    tiny_model, tiny_images, tmp_path, converted
):
    strict = Tolerance(max_abs=0, mean_abs=0, top1_agreement=1, accuracy_drop=0, near_tie=0)
    recipe = dataclasses.replace(get("int8"), tolerance=strict)
    with pytest.raises(VerificationError, match=rf"{tmp_path}/b/tiny_int8\.tflite does not answer"):
        export_bundle(tiny_model, tmp_path / "b", recipes=["float32", recipe], samples=tiny_images)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tiny_model, tiny_images, tmp_path, converted, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(ExportError, match="No space left on device"):
        export_bundle(tiny_model, tmp_path / "b", recipes=["float32"], samples=tiny_images)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder_is_a_clear_error(tiny_model, tiny_images, tmp_path, converted):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputExistsError, match=r"cannot write .*file/b: .*file is a file"):
        export_bundle(tiny_model, tmp_path / "file" / "b", recipes=["float32"], samples=tiny_images)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_place_is_a_clear_error(tiny_model, tiny_images, tmp_path, converted):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ExportError, match="cannot write"):
        export_bundle(tiny_model, tmp_path / "b", recipes=["float32"], samples=tiny_images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipes": []}, "recipes is empty"),
        ({"recipes": "int8"}, "recipes must be a list"),
        ({"recipes": ["int9"]}, "unknown recipe 'int9'"),
        ({"recipes": ["int8", "INT8"]}, "recipe 'int8' is listed twice"),
        ({"io": "int7"}, "io must be one of"),
        ({"class_names": ["a", "b"]}, "2 class names were given for 5 outputs"),
        ({"class_names": ["a", "b\nc", "d", "e", "f"]}, r"'b\\nc' cannot be a line"),
        ({"class_names": ["a", "", "d", "e", "f"]}, "class name ''"),
        ({"resize": {**PAD, "fit": "zoom"}}, "resize: fit: expected"),
        ({"resize": {**PAD, "more": 1}}, "resize: unknown key 'more'"),
        ({"resize": {"fit": "pad"}}, "resize: no key 'antialias'"),
        ({"resize": {**PAD, "pad_value": 256}}, "pad_value must be 0 to 255"),
        ({"samples": np.zeros((4, 8, 8, 3), np.uint8)}, "samples must have shape"),
        ({"samples": np.full((4, 24, 24, 3), 0.5, np.float32)}, "raw pixels 0..255"),
        ({"labels": [0, 1]}, "labels must have shape"),
        ({"evaluation": (np.zeros((2, 24, 24, 3), np.uint8), [0, 7])}, "labels must be 0 to 4"),
    ],
)
def test_unusable_arguments_are_refused_before_anything_is_converted(
    tiny_model, tiny_images, tmp_path, monkeypatch, options, message
):
    def never(*_):
        raise AssertionError("converted")

    monkeypatch.setattr(module, "convert_float", never)
    with pytest.raises(InputError, match=message):
        export_bundle(tiny_model, tmp_path / "b", **{"samples": tiny_images, **options})
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tiny_model, tiny_images, tmp_path, converted):
    """Stopped where everything but the manifest is written."""

    def stop(step):
        if step == "writing the manifest":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_bundle(
            tiny_model, tmp_path / "b", recipes=["float32"], samples=tiny_images, progress=stop
        )
    assert list(tmp_path.iterdir()) == []


def test_known_outputs_are_taken_and_checked(tiny_model, tiny_images, tmp_path, monkeypatch):
    """One pass over the samples is left; outputs that are no rows of the images are refused."""
    evaluation = tiny_images[32:], np.zeros(len(tiny_images) - 32, int)
    outputs = keras_outputs(tiny_model, evaluation[0])
    options = {"recipes": ["float32"], "samples": tiny_images[:32]}
    for wrong in ({"evaluation": evaluation}, {}):
        given = {**options, **wrong, "evaluation_outputs": outputs[1:]}
        with pytest.raises(InputError, match="evaluation_outputs"):
            export_bundle(tiny_model, tmp_path / "bundle", **given)
    passes = []

    def computed(model, images):
        passes.append(len(images))
        return keras_outputs(model, images)

    monkeypatch.setattr("kerascnn.export.bundle.write.keras_outputs", computed)
    given = {**options, "evaluation": evaluation, "evaluation_outputs": outputs}
    result = export_bundle(tiny_model, tmp_path / "bundle", **given)
    assert passes == [32]
    accuracy = (outputs.argmax(-1) == 0).mean()
    assert result.report.keras.accuracy == pytest.approx(accuracy)
