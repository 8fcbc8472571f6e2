"""Models as users write them, through what takes any model: it works, or is one clear line."""

import keras
import numpy as np
import pytest
from PIL import Image
from user_models import MODELS, SHAPE

import kerascnn
from kerascnn import copying
from kerascnn.errors import KerascnnError
from kerascnn.export import convert_float, export_saved_model, export_tflite
from kerascnn.layers import to_stock
from kerascnn.quantization import quantize_aware
from kerascnn.training import apply_temperature, write_report
from kerascnn.transfer import Phase, fine_tune
from kerascnn.visualize import grad_cam

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (9, *SHAPE)).astype("uint8")
LABELS = np.arange(9) % 3
NAMES = ("a", "b", "c")
PHASES = [
    Phase(name=name, until=until, epochs=1, learning_rate=1e-3)
    for name, until in (("head", "head"), ("all", "none"))
]

# What cannot work, and words of the line that says why and what to do.
NO_COPY = "cannot be copied: Keras cannot save the arguments"
STRUCTURE = {
    "two-inputs": "2 inputs",
    "dict-output": "2 outputs: scores, maps",
    "one-output-in-a-dict": "keras.Model(model.input, model.output['scores'])",
    "subclassed": "Pass input_shape=",
}
EXPORT = {**STRUCTURE, "closed-uint8": NO_COPY, "closed-mixed": NO_COPY}
COPY = {
    **dict.fromkeys(("no-config-possible", "closed-uint8", "closed-mixed"), NO_COPY),
    "subclassed": "graph of layers",
}
TUNE = {
    "two-inputs": "one input",
    "dict-output": "1 and 2",
    "subclassed": "attach_head",
    "branches": "Name a layer",
}


@pytest.fixture(params=MODELS)
def named(request):
    """A name and its model; with the same weights whenever it is made."""
    keras.utils.set_random_seed(0)
    return request.param, MODELS[request.param]()


def outcome(name, refused, call):
    """Calls; where it cannot work, checks the line instead and returns None."""
    if name not in refused:
        return call()
    with pytest.raises(KerascnnError) as raised:
        call()
    message = str(raised.value)
    assert refused[name] in message
    assert "\n" not in message
    assert len(message) < 500
    return None


def test_export(named, tmp_path):
    name, model = named
    result = outcome(
        name, EXPORT, lambda: export_tflite(model, tmp_path / "m.tflite", samples=IMAGES)
    )
    if result is not None:
        assert result.report.agreement == 1


@pytest.mark.parametrize("name", ["lambda-uint8", "closed-mixed", "subclassed", "two-inputs"])
def test_saved_models(name, tmp_path):
    outcome(name, EXPORT, lambda: export_saved_model(MODELS[name](), tmp_path / "saved"))


def test_a_subclass_with_its_input_shape(tmp_path):
    content = convert_float(MODELS["subclassed"](), input_shape=SHAPE)
    assert content[4:8] == b"TFL3"


def test_copies_compute_the_same(named):
    name, model = named
    copy = outcome(name, COPY, lambda: copying.copy_model(model))
    if copy is None or name in ("two-inputs", "closed-uint8"):
        return
    images = IMAGES if "uint8" in name else IMAGES.astype("float32")
    for got, wanted in zip(
        keras.tree.flatten(copy(images, training=False)),
        keras.tree.flatten(model(images, training=False)),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    assert not {id(layer) for layer in copy.layers} & {id(layer) for layer in model.layers}


@pytest.mark.parametrize("make", [to_stock, quantize_aware], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    "name", ["unregistered-layer", "no-config-possible", "lambda", "activation-function", "nested"]
)
def test_what_copies_a_model(make, name):
    copy = outcome(name, COPY, lambda: make(MODELS[name]()))
    assert copy is None or copy.output_shape == (None, 3)


def test_a_temperature_of_a_model_with_code_in_it():
    model = MODELS["lambda"]()
    cooled = apply_temperature(model, 2.0)
    images = IMAGES.astype("float32")
    assert float(np.max(cooled(images))) < float(np.max(model(images)))


@pytest.mark.parametrize(
    "name",
    [
        *("unregistered-layer", "no-config-possible", "lambda", "lambda-uint8", "lambda-mixed"),
        *("own-train-step", "shared", "branches", "dict-input", "dict-output", "two-inputs"),
        "subclassed",
    ],
)
def test_fine_tuning(name):
    model = MODELS[name]()
    data = (IMAGES if "uint8" in name else IMAGES.astype("float32"), LABELS)
    result = outcome(name, TUNE, lambda: fine_tune(model, data, data, phases=PHASES))
    assert result is None or len(result.history) == 2


@pytest.mark.parametrize("name", ["lambda", "no-config-possible", "own-train-step"])
def test_reports(name, photos, tmp_path):
    path = write_report(MODELS[name](), photos, tmp_path / "report.html")
    assert path.stat().st_size > 10_000


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of three classes of small images, loaded."""
    folder = tmp_path_factory.mktemp("photos")
    for label, name in enumerate(NAMES):
        (folder / name).mkdir()
        for number, pixels in enumerate(np.roll(IMAGES, label, axis=0)):
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return kerascnn.data.load(str(folder), image_size=8)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nested", None), ("lambda", None), ("shared", None), ("two-inputs", "one input of images")],
)
def test_grad_cam(name, words):
    images = IMAGES[:2].astype("float32")
    refused = {} if words is None else {name: words}
    maps = outcome(name, refused, lambda: grad_cam(MODELS[name](), images))
    assert maps is None or maps.shape[0] == 2


def test_files_from_disk_are_opened_in_safe_mode_all_the_same(tmp_path):
    model = MODELS["lambda"]()
    model.save(tmp_path / "model.keras")
    with pytest.raises(KerascnnError, match="holds code"):
        kerascnn.load_model(tmp_path / "model.keras")
