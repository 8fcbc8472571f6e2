"""What a network was built with travels with its weights, or the weights are refused."""

import inspect

import keras
import numpy as np
import pytest
from parity import difference, infer, pixels, randomize

import kerascnn
from kerascnn import catalog, models, weights
from kerascnn.errors import InputError
from kerascnn.weights import record

# Options by what weights need to know of them. A new option belongs into one of these.
CALLERS = {  # another input, output or training of the same network
    *("input_tensor", "input_shape", "pooling", "classes", "name", "dropout", "aux"),
    *("drop_connect_rate", "drop_path_rate", "include_preprocessing"),
}
SHAPES = {  # weights of other shapes or layers, which are refused
    "alpha": ("MobileNet", 0.5),
    "depth_multiplier": ("MobileNet", 2),
    "groups": ("AlexNet", 1),
    "head": ("VGG11", "average"),
    "hidden": ("MLP", (300, 90)),
    "layer_scale_init_value": ("ConvNeXtTiny", None),
    "lite": ("EfficientNetLite0", None),
    "minimalistic": ("MobileNetV3Small", True),
    "root": ("NINRoot", 8),
    "scaling": ("EfficientNetLite0", None),
}
# The smallest network of each family, and options that keep it small.
SMALLEST = {
    entry.family: entry for entry in sorted(catalog.entries(), key=lambda e: e.params, reverse=True)
}
SMALL = {"alexnet": {"hidden": (8, 8)}, "vgg": {"hidden": (8, 8)}, "zfnet": {"hidden": (8, 8)}}
SIDES = {"lenet": 16, "mlp": 8, "alexnet": 67, "zfnet": 53, "nin": 8, "inception": 75}
SIDES |= {"xception": 71, "squeezenet": 35, "cifar_resnet": 8, "enet": 16}
OTHER = {
    "norm": "group",
    "activation": "sigmoid",
    "pool": "max",
    "output_stride": 16,
    "classifier_activation": "sigmoid",
}


@pytest.fixture(autouse=True, scope="module")
def _free_memory():
    yield
    keras.backend.clear_session()


def options_of(name):
    return inspect.signature(getattr(models, name)).parameters


def other_style(name):
    """The style of a factory that is not its default."""
    with keras.StatelessScope(initialize_variables=False):
        for style in ("paper", "keras", "torch"):
            try:
                model = kerascnn.create_model(name, style=style)
            except InputError:  # of another family
                continue
            if any(layer.name.startswith(record.PREFIX) for layer in model.layers):
                return style
    raise AssertionError(f"{name} has one style")


def test_every_option_of_every_factory_is_recorded_or_need_not_be():
    known = CALLERS | SHAPES.keys() | set(record.RECORDED)
    for name in catalog.list_models():
        assert options_of(name).keys() - {"include_top", "weights"} <= known, name


@pytest.mark.parametrize("family", SMALLEST)
def test_a_network_with_all_other_options_comes_back_from_its_weights(family, tmp_path, shallow):
    name = SMALLEST[family].name
    parameters = options_of(name)
    side, channels = SIDES.get(family, 32), catalog.find(name).input_shape[2]
    if name == "LeNet5":
        side = 32
    asked = {**SMALL.get(family, {}), "classes": 3, "input_shape": (side, side, channels)}
    odd = {option: value for option, value in OTHER.items() if option in parameters}
    if family == "convnext":
        odd["norm"] = "batch"
    if "style" in parameters:
        odd["style"] = other_style(name)
    model = kerascnn.create_model(name, include_preprocessing=False, **asked, **odd)
    randomize(model)
    images = pixels((side, side, channels)) / 255
    wanted = infer(model, images)
    for kind in ("model.weights.h5", "model.keras"):
        path = tmp_path / kind
        model.save(path) if kind == "model.keras" else model.save_weights(path)
    # One format by its outputs; of the other, what the file says.
    first, second = sorted(tmp_path.iterdir(), reverse=len(family) % 2 == 0)
    again = kerascnn.create_model(name, weights=first, **asked)
    assert difference(infer(again, images), wanted) < 1e-6
    facts = weights.facts(weights.read(second), family)
    assert facts.ours
    assert facts.complete
    assert not facts.prepares_pixels
    assert facts.options == {
        option: value for option, value in odd.items() if value != parameters[option].default
    }


@pytest.mark.parametrize("option", sorted(SHAPES.keys() - {"lite", "scaling"}))
def test_options_that_change_shapes_are_refused(option, tmp_path):
    name, value = SHAPES[option]
    family = catalog.find(name).family
    side, channels = SIDES.get(family, 32), catalog.find(name).input_shape[2]
    asked = {**SMALL.get(family, {}), "classes": 3, "input_shape": (side, side, channels)}
    kerascnn.create_model(name, **asked, **{option: value}).save_weights(
        tmp_path / "model.weights.h5"
    )
    with pytest.raises(InputError, match="Nothing was loaded"):
        kerascnn.create_model(name, weights=tmp_path / "model.weights.h5", **asked)


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    """Weights of a LeNet-5 with ReLU and maxima, in every format of Keras."""
    folder = tmp_path_factory.mktemp("lenet")
    model = models.LeNet5(activation="relu", pool="max")
    randomize(model)
    model.save_weights(folder / "model.weights.h5")
    for kind in ("keras", "h5"):
        model.save(folder / f"model.{kind}")
    return folder


@pytest.mark.parametrize("kind", ["weights.h5", "keras", "h5"])
def test_what_contradicts_the_file_is_refused(lenet, kind):
    path = lenet / f"model.{kind}"
    with pytest.raises(InputError, match=r"activation='relu'.*Received: activation='tanh'"):
        models.LeNet5(weights=path, activation="tanh")
    for family in ("lenet", None):
        with pytest.raises(InputError, match="the model was built with the default"):
            weights.load(models.LeNet5(), path, family=family)
    assert models.LeNet5(weights=path, activation="relu").get_layer("c1").activation is (
        keras.activations.relu
    )


@pytest.mark.parametrize("option", ["classifier_activation", "include_preprocessing"])
def test_another_output_or_input_of_the_same_weights_may_be_asked_for(lenet, option):
    value = {"classifier_activation": None, "include_preprocessing": False}[option]
    model = models.LeNet5(weights=lenet / "model.keras", **{option: value})
    assert model.get_layer("c1").activation is keras.activations.relu


def test_another_head_has_an_activation_of_its_own(tmp_path):
    models.LeNet5(classifier_activation="sigmoid").save(tmp_path / "model.keras")
    other = models.LeNet5(weights=tmp_path / "model.keras", classes=4)
    assert other.layers[-1].activation is keras.activations.softmax


def test_a_function_of_ones_own_has_to_be_given_again(tmp_path):
    def relu(x):  # like Keras's by its name alone
        return keras.ops.maximum(x, -1.0)

    path = tmp_path / "model.weights.h5"
    models.LeNet5(activation=relu).save_weights(path)
    with pytest.raises(InputError, match=r"its own function as activation.*activation=FUNCTION"):
        models.LeNet5(weights=path)
    assert models.LeNet5(weights=path, activation=relu).get_layer("c1").activation is relu


def test_networks_that_differ_in_branches_alone_are_told_apart(tmp_path):
    path = tmp_path / "model.weights.h5"
    models.PlainNet20(name="resnet20").save_weights(path)
    with pytest.raises(InputError, match=r"it has not the layers \['stage0_0_add'"):
        models.ResNet20(weights=path)
    models.ResNet20(name="plainnet20").save_weights(path)
    with pytest.raises(InputError, match=r"has \['stage0_0_add'"):
        models.PlainNet20(weights=path)


def test_a_file_without_a_record_is_compared_by_its_configuration(tmp_path):
    """As files are that were saved before options were recorded."""
    model = models.LeNet5(activation="relu")
    named = next(layer for layer in model.layers if layer.name.startswith(record.PREFIX))
    bare = keras.models.clone_model(
        model, call_function=lambda layer, x: x if layer.name == named.name else layer(x)
    )
    assert not any(layer.name.startswith(record.PREFIX) for layer in bare.layers)
    bare.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="its layer 'c1' has activation=relu"):
        models.LeNet5(weights=tmp_path / "model.keras")
    models.LeNet5(weights=tmp_path / "model.keras", activation="relu")


def test_arrays_alone_say_nothing_and_that_is_said(tmp_path, caplog):
    model = models.LeNet5(activation="relu")
    arrays = {
        f"{layer.name}/{i}": array
        for layer in model.layers
        for i, array in enumerate(layer.get_weights())
    }
    np.savez(tmp_path / "model.npz", **arrays)
    with caplog.at_level("WARNING", "kerascnn"):
        models.LeNet5(weights=tmp_path / "model.npz")
    assert "does not say with which options its network was built" in caplog.text
    caplog.clear()
    with caplog.at_level("WARNING", "kerascnn"):
        models.LeNet5(weights=tmp_path / "model.npz", activation="relu")
    assert not caplog.text


def test_the_record_is_a_layer_of_keras_that_does_nothing():
    model = models.MobileNetV2(style="torch", alpha=0.35, input_shape=(32, 32, 3))
    layer = model.get_layer("options__style-torch")
    assert type(layer) is keras.layers.Activation
    assert layer.activation is keras.activations.linear
    default = models.MobileNetV2(alpha=0.35, input_shape=(32, 32, 3))
    assert not any(layer.name.startswith(record.PREFIX) for layer in default.layers)


def test_it_survives_heads_and_copies(tmp_path):
    model = models.MobileNetV2(
        style="torch", alpha=0.35, input_shape=(32, 32, 3), include_top=False
    )
    headed = kerascnn.transfer.attach_head(model, 3)
    for number, saved in enumerate([headed, keras.models.clone_model(headed)]):
        path = tmp_path / f"{number}.weights.h5"
        saved.save_weights(path)
        facts = weights.facts(weights.read(path), "mobilenet_v2")
        assert facts.options["style"] == "torch"
