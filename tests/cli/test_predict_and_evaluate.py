"""`predict` and `evaluate` on what is not quite what they want: each is said in one line."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image


def converted(function, *specs):
    import tensorflow as tf

    traced = tf.function(function, input_signature=list(specs))
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()], traced
    ).convert()


@pytest.fixture(scope="module")
def made():
    """Files of other makers by name."""
    import tensorflow as tf

    def image(*shape):
        return tf.TensorSpec((1, *shape), tf.float32)

    def detect(x):
        boxes = tf.reshape(x[:, :2, :2, :2], (1, 2, 4))
        return boxes, x[0, 0, :2, 0] * 0, x[0, 0, :2, 1], x[0, 0, 0, :1]

    return {
        "nchw": converted(lambda x: tf.reduce_mean(x, (2, 3)), image(3, 8, 8)),
        "detector": converted(detect, image(8, 8, 3)),
        "sound": converted(lambda x: x[:, :4] * 2, image(1600)),
        "grid": converted(lambda x: tf.reshape(x[:, :2, :2, :2], (1, 4, 2)), image(8, 8, 3)),
        "pair": converted(
            lambda x, y: tf.reduce_mean(x + y, (1, 2)), image(8, 8, 3), image(8, 8, 3)
        ),
    }


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("RGB", (8, 8), (10, 200, 30)).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nchw", "channels first (NCHW)"),
        ("detector", "looks like an object detector: it gives outputs"),
        ("sound", "must take one image"),
        ("grid", "no image classifier, since the output has the shape [4, 2]"),
        ("pair", "takes 2 inputs"),
    ],
)
def test_files_that_classify_nothing_are_said_to_be_what_they_are(
    call, made, photo, tmp_path, name, words
):
    path = tmp_path / "other.tflite"
    path.write_bytes(made[name])
    code, _, err = call("predict", path, photo)
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.startswith("kerascnn: ")]
    assert words in line
    assert "`kerascnn benchmark` times any file" in line
    assert "damaged" not in line
    code, out, err = call("benchmark", path, "--runs", "2", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["runs"] == 2


def test_weights_ask_for_their_architecture(call, photo, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)])
    path = tmp_path / "mine.weights.h5"
    model.save_weights(path)
    code, _, err = call("predict", path, photo)
    assert code == 2
    assert "holds weights without the model" in err
    assert "kerascnn predict ARCHITECTURE --weights FILE IMAGE" in err


def classifier(path, names, spread=4.0):
    """A model that tells `names` apart by brightness, saved as a bundle's or a plain file."""
    inputs = keras.Input((8, 8, 1))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Dense(len(names), activation="softmax")(x))
    levels = np.linspace(0, 1, len(names))
    model.layers[-1].set_weights([spread * 20 * levels[np.newaxis], -spread * 10 * levels**2])
    model.save(path)
    return model


@pytest.fixture
def levels(tmp_path):
    """Grey pictures of three brightnesses."""
    folder, random = tmp_path / "levels", np.random.default_rng(0)
    for name, level in (("dark", 10), ("grey", 127), ("light", 245)):
        (folder / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.clip(level + random.integers(-9, 10, (8, 8)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


def test_one_bad_picture_among_good_ones_is_named_and_the_others_answered(call, levels, tmp_path):
    classifier(tmp_path / "model.keras", ("dark", "grey", "light"))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    good = [levels / "dark" / "0.png", levels / "light" / "1.png"]
    code, out, err = call("predict", tmp_path / "model.keras", good[0], bad, good[1])
    assert code == 0
    assert [line.split(": ")[0] for line in out.splitlines()] == [str(path) for path in good]
    assert str(bad) in err
    code, out, _ = call("predict", tmp_path / "model.keras", good[0], bad, "--json")
    answered, refused = json.loads(out)
    assert answered["predictions"]
    assert "bad.jpg" in refused["error"]
    code, _, err = call("predict", tmp_path / "model.keras", bad, tmp_path / "gone.png")
    assert code == 2
    assert "bad.jpg" in err
    code, out, _ = call("predict", "--help")
    assert "exit code is 2 only where none could be read" in " ".join(out.split())


def test_a_folder_stands_for_the_images_in_it(call, levels, tmp_path, monkeypatch):
    monkeypatch.setattr("kerascnn.cli.predict._AT_ONCE", 4)
    classifier(tmp_path / "model.keras", ("dark", "grey", "light"))
    (levels / "dark" / "notes.txt").write_text("no image")
    images = sorted(levels.rglob("*.png"))
    assert len(images) > 8
    code, out, err = call("predict", tmp_path / "model.keras", levels)
    assert (code, err) == (0, "")
    assert [line.split(": ")[0] for line in out.splitlines()] == [str(path) for path in images]
    alone = [call("predict", tmp_path / "model.keras", path)[1] for path in images[3:6]]
    assert "".join(alone).splitlines() == out.splitlines()[3:6]
    (tmp_path / "empty").mkdir()
    code, _, err = call("predict", tmp_path / "model.keras", levels, tmp_path / "empty")
    assert code == 2
    assert "empty has no image files in it" in err


def test_data_that_lacks_a_class_is_evaluated_on_the_others_and_that_is_said(
    call, levels, tmp_path
):
    from kerascnn.export import export_tflite

    names = ("dark", "grey", "light")
    model = classifier(tmp_path / "model.keras", names)
    path = tmp_path / "model.tflite"
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    export_tflite(model, path, samples=images, class_names=names)
    whole = json.loads(call("evaluate", path, "--data", levels, "--json")[1])
    assert whole["results"]["model.tflite"]["accuracy"] == 1
    for image in (levels / "grey").iterdir():
        image.unlink()
    (levels / "grey").rmdir()
    code, out, err = call("evaluate", path, "--data", levels, "--json")
    assert code == 0, err
    result = json.loads(out)["results"]["model.tflite"]
    assert (result["accuracy"], result["images"]) == (1, 12)
    assert list(result["per_class"]) == list(names)
    assert result["per_class"]["grey"]["images"] == 0
    assert "nothing of 1 of the model's 3 names (grey)" in err


def test_an_unknown_task_is_one_line_with_the_known_ones(call, photo, tmp_path):
    classifier(tmp_path / "model.keras", ("a", "b"))
    code, _, err = call("predict", tmp_path / "model.keras", photo, "--task", "ranking")
    assert code == 2
    assert "task must be one of classification, multi_label, regression" in err


def test_one_unsure_image_does_not_spoil_the_others(call, levels, tmp_path):
    """1,000 classes in 8 bits: rows of probabilities may sum to 0.5, and stay as they are."""
    from kerascnn.export import export_bundle, recipes

    inputs = keras.Input((8, 8, 1))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Dense(1000, activation="softmax")(x), name="many")
    kernel = np.zeros((1, 1000), np.float32)
    kernel[0, 7] = 7.0  # the brighter, the surer
    model.layers[-1].set_weights([kernel, np.zeros(1000)])
    images = np.linspace(0, 255, 40).astype(np.uint8)[:, None, None, None] * np.ones(
        (1, 8, 8, 1), np.uint8
    )
    int8 = recipes.get("int8")  # whose limit on the mean such a model does not keep
    int8 = replace(int8, tolerance=replace(int8.tolerance, mean_abs=1.0))
    bundle = export_bundle(model, tmp_path / "bundle", recipes=[int8], samples=images)
    paths = [levels / name / "0.png" for name in ("light", "dark")]
    code, out, err = call("predict", tmp_path / "bundle", *paths, "--recipe", "int8", "--json")
    assert code == 0, err
    sure = json.loads(out)[0]["predictions"][0]
    expected = float(
        model.predict_on_batch(np.asarray(Image.open(paths[0]))[None, ..., None])[0, 7]
    )
    assert sure["label"] == "7"
    assert sure["probability"] == pytest.approx(expected, abs=0.05)
    assert expected > 0.3
    assert bundle.manifest.output.kind == "probabilities"
