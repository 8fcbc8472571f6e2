"""`kerascnn models`, `kerascnn summary`, and `kerascnn predict` with an architecture."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn import catalog
from kerascnn.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summary") / "run"
    return train("digits", "LeNet5", folder, epochs=1).folder


def test_models_lists_every_architecture_with_exact_parameters(call):
    code, out, err = call("models")
    assert code == 0, err
    lines = out.splitlines()
    for entry in catalog.entries(None):
        (line,) = (line for line in lines if line.split()[:1] == [entry.name])
        assert line.split()[1:3] == [str(entry.year), f"{entry.params:,}"]
    assert lines[-1] == f"{len(catalog.list_models(task=None))} models"
    assert "kerascnn summary" in err


def test_models_takes_a_pattern_in_any_case(call):
    code, out, _ = call("models", "LENET*")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if "32x32x1" in line] == [
        "LeNet5",
        "LeNet5Original",
    ]


def test_models_as_json_are_the_catalogue(call):
    code, out, err = call("models", "mobilenet*", "--json")
    assert code == 0
    assert err == ""
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == kerascnn.list_models("mobilenet*")
    assert rows["MobileNet"]["macs"] == catalog.find("MobileNet").macs
    assert rows["MobileNet"]["input_shape"] == [224, 224, 3]
    assert "imagenet" in rows["MobileNet"]["weights"]


def test_models_draws_the_figure(call, tmp_path):
    code, out, err = call("models", "mobilenet*", "--plot", tmp_path / "zoo.png")
    assert code == 0, err
    assert "figure:" in out
    with Image.open(tmp_path / "zoo.png") as image:
        assert image.format == "PNG"


def test_summary_of_an_architecture_stands_beside_the_catalogue(call):
    code, out, err = call("summary", "lenet5")
    assert code == 0, err
    assert "lenet5, images of 32x32x1" in out
    (c3,) = (line for line in out.splitlines() if line.split()[:1] == ["c3"])
    assert c3.split() == ["c3", "Conv2D", "10x10x16", "2,416", "240,000", "14", "6.4", "KB"]
    (total,) = (line for line in out.splitlines() if "trainable parameters" in line)
    assert total.count("61,706") == 2
    (total,) = (line for line in out.splitlines() if "MACs" in line and "416,520" in line)
    assert total.count("416,520") == 2
    assert "1998" in out


def test_summary_as_json_has_every_layer_and_the_totals(call):
    options = ("--option", "alpha=0.25", "--option", "classes=10", "--image-size", "64x96")
    code, out, err = call("summary", "MobileNet", *options, "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["input_shape"] == [64, 96, 3]
    rows = {row["name"]: row for row in summary["layers"]}
    assert rows["stem_conv"]["output_shape"] == [32, 48, 8]
    assert rows["stem_conv"]["macs"] == 27 * 8 * 32 * 48
    assert rows["stem_conv"]["activation_bytes"] == 4 * 8 * 32 * 48
    # 3, then 3x3 windows at the jumps 2, 2(s2), 4, 4(s2), 8, 8(s2), 16 five times, 16(s2), 32.
    assert rows["stage5"]["receptive_field"] == 3 + 2 * (2 + 2 + 4 + 4 + 8 + 8 + 16 * 6 + 32)
    for key in ("params", "trainable_params", "macs", "activation_bytes"):
        assert summary["totals"][key] == sum(row[key] for row in summary["layers"])
    assert summary["totals"]["receptive_field"] == rows["stage5"]["receptive_field"]
    assert summary["catalogue"]["params"] == catalog.find("MobileNet").params


@pytest.mark.parametrize("where", ["run", "run/model.keras"])
def test_summary_of_a_run_and_of_a_file(where, run, call):
    code, out, err = call("summary", run.parent / where, "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["catalogue"]["name"] == "LeNet5"
    assert summary["totals"]["trainable_params"] == 61_706


def test_summary_draws_a_diagram_once(call, tmp_path):
    path = tmp_path / "model.svg"
    code, out, err = call("summary", "LeNet5", "--svg", path, "--json")
    assert code == 0, err
    assert json.loads(out)["model"] == "lenet5"  # nothing else on standard output
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert "5x5 conv, 16" in path.read_text(encoding="utf-8")
    code, _, err = call("summary", "LeNet5", "--svg", path)
    assert code == 2
    assert "output exists" in err
    code, _, err = call("summary", "LeNet5", "--svg", path, "--overwrite")
    assert code == 0, err


def test_summary_of_a_model_of_other_origin_has_no_catalogue(call, tmp_path):
    import keras

    inputs = keras.Input((8, 8, 3))
    keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs), name="mine").save(tmp_path / "a.keras")
    code, out, err = call("summary", tmp_path / "a.keras")
    assert code == 0, err
    assert "catalogue" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("models", "nonsense*"), "no model matches 'nonsense*'"),
        (("models", "lenet*", "--plot", "{tmp}/zoo.png"), "published accuracy"),
        (("summary", "LeNet55"), "Did you mean: LeNet5"),
        (("summary", "{tmp}/absent.keras"), "no such file"),
        (("summary", "{tmp}/text.txt"), "cannot show"),
        (("summary", "{run}", "--image-size", "64"), "whose model is fixed"),
        (("summary", "LeNet5", "--image-size", "8"), "too small"),
        (("summary", "LeNet5", "--option", "x=1"), "no option 'x'"),
        (("summary", "LeNet5", "--option", "weights=a.h5"), "does not depend on weights"),
        (("summary", "MobileNet", "--option", "input_shape=[null, null, 3]"), "known image size"),
        (
            ("summary", "LeNet5", "--image-size", "64", "--option", "input_shape=[32, 32, 1]"),
            "either --image-size or",
        ),
        (("predict", "MobileNet", "{tmp}/photo.png"), "published weights (imagenet)"),
        (("predict", "MobileNet", "a.png", "--weights", "imagnet"), "Did you mean 'imagenet'"),
        (("predict", "MobileNet", "a.png", "--weights", "{tmp}/a.h5"), "no such weight file"),
        (("predict", "MobilNet", "a.png", "--weights", "imagenet"), "Did you mean: MobileNet"),
        (("predict", "{run}", "a.png", "--weights", "imagenet"), "are for architectures"),
        (("predict", "{run}", "a.png", "--option", "alpha=1"), "are for architectures"),
    ],
)
def test_bad_input_exits_with_2_and_one_clear_line(arguments, message, call, tmp_path, run):
    (tmp_path / "text.txt").write_text("text")
    code, out, err = call(*(item.format(tmp=tmp_path, run=run) for item in arguments))
    assert code == 2
    assert message in err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert out == ""


def photos(tmp_path, count=2):
    paths = []
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (50, 40, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
        paths.append(tmp_path / f"{index}.png")
    return paths


SMALL = ("--option", "alpha=0.25", "--option", "input_shape=[32, 32, 3]")


def test_predict_with_an_architecture_names_imagenet_classes(call, tmp_path):
    model = kerascnn.create_model("MobileNet", alpha=0.25, input_shape=(32, 32, 3))
    model.save_weights(tmp_path / "a.weights.h5")
    weights = ("--weights", tmp_path / "a.weights.h5")
    code, out, err = call("predict", "mobilenet", *photos(tmp_path), *weights, *SMALL, "--json")
    assert code == 0, err
    from kerascnn.weights import imagenet

    names = {known.name for known in imagenet.classes()}
    for answer in json.loads(out):
        assert {guess["label"] for guess in answer["predictions"]} <= names


def test_predict_with_other_classes_numbers_them(call, tmp_path):
    model = kerascnn.create_model("MobileNet", alpha=0.25, input_shape=(32, 32, 3), classes=2)
    model.save_weights(tmp_path / "a.weights.h5")
    weights = ("--weights", tmp_path / "a.weights.h5", "--option", "classes=2")
    code, out, err = call("predict", "MobileNet", *photos(tmp_path), *weights, *SMALL)
    assert code == 0, err
    assert "class 0" in out
    assert "class 1" in out


@pytest.mark.shared
def test_published_weights_name_daisies_on_real_photos(shared, call):
    images = sorted((shared / "photos" / "tf_flowers" / "daisy").glob("*.jpg"))[:40]
    file = shared / "weights" / "mobilenet_v1_0.25_224_imagenet.weights.h5"
    code, out, err = call(
        *("predict", "MobileNet", *images, "--option", "alpha=0.25", "--weights", file, "--json")
    )
    assert code == 0, err
    best = [answer["predictions"][0]["label"] for answer in json.loads(out)]
    assert best.count("daisy") >= 25  # 0.75 of all 230 photos of daisies
