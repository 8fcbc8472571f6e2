"""`evaluate`, `predict` and `benchmark` on `.tflite` files that were made elsewhere.

The files come from the plain TFLiteConverter, their metadata from fields written here. The network
tells dark, grey and light images apart by their mean, so pixels in another range than it wants give
wrong answers.
"""

import json

import numpy as np
import pytest
from PIL import Image

from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer import metadata, metadata_schema
from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.flatbuffer.tensors import TensorSpec
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.pixels import rule_for

LEVELS = {"dark": 30, "grey": 128, "light": 225}
NAMES = tuple(LEVELS)


def network(low, high, outputs=NAMES):
    """Mean of the pixels, which come as `low` to `high`, to probabilities of `outputs`."""
    import tensorflow as tf

    extra = len(outputs) - len(NAMES)
    centres = np.array([LEVELS[name] for name in outputs[extra:]], np.float32) / 127.5 - 1
    slopes = np.concatenate([np.zeros(extra), 60 * centres]).astype(np.float32)
    offsets = np.concatenate([np.full(extra, -20), -30 * centres**2]).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 3), tf.float32)])
    def classify(image):
        unit = (image - (low + high) / 2) * (2 / (high - low))
        return tf.nn.softmax(
            tf.matmul(tf.reduce_mean(unit, (1, 2)), tf.constant(np.stack([slopes / 3] * 3)))
            + offsets
        )

    return classify


def converted(low, high, outputs=NAMES, kind=None):
    """The bytes of a converted network; `kind` is the type of a quantised input and output."""
    import tensorflow as tf

    traced = network(low, high, outputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()], traced
    )
    if kind is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [np.full((1, 8, 8, 3), level, np.float32)] for level in np.linspace(low, high, 9)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
    return converter.convert()


def described(content, labels=NAMES, **fields):
    """The file with metadata as another tool writes them."""
    model = flatbuffer.parse(content)
    fields = {"mean": (127.5,), "std": (127.5,), "color": "rgb", **fields}
    metadata._store(model, metadata_schema.encode(Metadata(name="other", **fields)))
    return metadata._append_labels(flatbuffer.pack(model), labels)


@pytest.fixture(scope="module")
def made():
    """Files by name, each converted once."""
    return {
        "unit": converted(0, 1),
        "signed": converted(-1, 1),
        "uint8": converted(-1, 1, kind="uint8"),
        "int8": converted(0, 1, kind="int8"),
        "background": converted(-1, 1, ("background", *NAMES)),
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of class folders, four noisy images each."""
    folder, random = tmp_path_factory.mktemp("levels"), np.random.default_rng(4)
    for name, level in LEVELS.items():
        (folder / name).mkdir()
        for i in range(4):
            pixels = np.clip(random.normal(level, 12, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture
def file(tmp_path):
    def save(content):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return path

    return save


def accuracy(call, path, photos, *options):
    code, out, err = call("evaluate", path, "--data", photos, "--json", *options)
    assert code == 0, err
    (result,) = json.loads(out)["results"].values()
    return result["accuracy"]


@pytest.mark.parametrize(
    ("name", "labels", "options"),
    [
        ("signed", NAMES, ()),  # the metadata say mean and std
        ("signed", ("light", "dark", "grey"), ()),  # another order, put right by name
        ("signed", None, ("--pixels=-1,1",)),
        ("unit", None, ("--pixels", "0,1")),
        ("uint8", None, ()),  # bytes are bytes
        ("uint8", NAMES, ()),
        ("int8", None, ()),
        ("background", ("background", *NAMES), ()),
        ("background", ("???", *NAMES), ()),
        ("background", None, ("--pixels=-1,1", "--background")),
    ],
)
def test_evaluate_finds_every_class(call, made, photos, file, name, labels, options):
    content = made[name]
    if labels is not None:
        if labels == ("light", "dark", "grey"):
            content = converted(-1, 1, labels)
        content = described(content, labels)
    assert accuracy(call, file(content), photos, *options) == 1.0


def test_pixels_in_the_wrong_range_are_worse_and_it_was_said(call, made, photos, file):
    path = file(made["signed"])
    assert accuracy(call, path, photos) < 1.0
    _, _, err = call("evaluate", path, "--data", photos)
    assert "does not say how pixels enter it" in err
    assert "--pixels 0,1" in err


def test_predict_names_the_class_and_the_background(call, made, photos, file):
    path = file(described(made["background"], ("background", *NAMES)))
    image = photos / "light" / "0.png"
    code, out, _ = call("predict", path, image, "--top", "4", "--json")
    assert code == 0
    found = json.loads(out)[0]["predictions"]
    assert found[0]["label"] == "light"
    assert {entry["label"] for entry in found} == {"background", *NAMES}
    assert sum(entry["probability"] for entry in found) == pytest.approx(1, abs=1e-4)


def test_benchmark_times_any_of_them(call, made, file, tmp_path):
    paths = [file(made["uint8"]), tmp_path / "other.tflite"]
    paths[1].write_bytes(described(made["signed"]))
    code, out, _ = call("benchmark", *paths, "--runs", "2", "--json")
    assert code == 0
    assert [result["runs"] for result in json.loads(out)] == [2, 2]


def refused(call, *arguments):
    code, out, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("kerascnn: ")]
    assert code == 2, (out, err)
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], "damaged .tflite model"),
        (lambda content: b"not a model at all, but long enough", "no .tflite model"),
        (lambda content: b"", "is empty"),
        (lambda content: described(content, ("dark", "grey")), "2 labels for 3 outputs"),
        (lambda content: described(content, std=(0.0,)), "no std of 0"),
        (lambda content: described(content, mean=(1.0, 2.0)), "one number or one per channel"),
        (lambda content: described(content)[:-40], "damaged metadata"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "predict", "benchmark"])
def test_malformed_files_are_one_clear_line(call, made, photos, file, command, damage, words):
    if command == "benchmark" and "labels for" in words:
        return  # a benchmark reads no labels
    path = file(damage(made["signed"]))
    rest = {
        "evaluate": ["--data", photos],
        "predict": [photos / "dark" / "0.png"],
        "benchmark": [],
    }[command]
    assert words in refused(call, command, path, *rest)


def test_other_classes_than_the_datas_are_refused(call, made, photos, file):
    path = file(described(made["signed"], ("cat", "dog", "bird")))
    assert "knows the classes cat, dog, bird" in refused(call, "evaluate", path, "--data", photos)


def test_one_output_more_without_labels_asks_for_the_background(call, made, photos, file):
    path = file(made["background"])
    line = refused(call, "evaluate", path, "--data", photos, "--pixels=-1,1")
    assert "4 outputs for the 3 classes" in line
    assert "--background" in line


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("uint8", ["--pixels", "0,1"], "says how pixels enter it"),
        ("signed", ["--pixels", "1,0"], "two rising numbers"),
        ("signed", ["--pixels", "0"], "takes two numbers"),
    ],
)
def test_a_pixel_range_without_sense_is_refused(call, made, photos, file, name, options, words):
    path = file(made[name])
    assert words in refused(call, "evaluate", path, "--data", photos, *options)


def test_pixels_enter_as_computed_by_hand(made):
    """The rules on single numbers, and MediaPipe's for bytes: they go in as they are."""
    pixel = np.full((1, 1, 1, 1), 200)
    real = TensorSpec("x", (1, 1, 1, 1), "float32")
    known = Metadata(mean=(127.5,), std=(127.5,))
    assert rule_for(real, known).enter(pixel, real).item() == pytest.approx(72.5 / 127.5)
    assert rule_for(real, None, (-1, 1)).enter(pixel, real).item() == pytest.approx(72.5 / 127.5)
    assert rule_for(real, None, (0, 1)).enter(pixel, real).item() == pytest.approx(200 / 255)
    assert rule_for(real, None).enter(pixel, real).item() == 200
    byte = TensorSpec("x", (1, 1, 1, 1), "uint8", 1 / 127.5, 128)
    assert rule_for(byte, None).enter(pixel, byte).item() == 200
    signed = TensorSpec("x", (1, 1, 1, 1), "int8", 1 / 255, -128)
    assert rule_for(signed, None).enter(pixel, signed).item() == 72
    unit = Metadata(mean=(0.0,), std=(255.0,))
    assert rule_for(signed, unit).enter(pixel, signed).item() == 72
    ours = TensorSpec("x", (1, 1, 1, 1), "int8", 1.0, -128)
    assert rule_for(ours, None).enter(pixel, ours).item() == 72
    colour = TensorSpec("x", (1, 1, 1, 3), "float32")
    each = Metadata(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0))
    found = rule_for(colour, each).enter(np.full((1, 1, 1, 3), 50), colour)
    np.testing.assert_allclose(found.ravel(), [40, 15, 5])


def test_quantised_files_of_others_answer_as_the_float_network(made):
    image = np.full((1, 8, 8, 3), 225, np.uint8)
    for name in ("uint8", "int8"):
        outputs = TFLiteModel(made[name]).predict(image)[0]
        assert outputs.argmax() == 2
        assert outputs[2] > 0.9
