"""Options that cannot be used: one error that names the option, what it must be, what it was."""

import inspect

import numpy as np
import pytest

import kerascnn
from kerascnn import catalog, models
from kerascnn.errors import InputError, KerascnnError
from kerascnn.models.compound_scaling import compound_scaling

NONE = object()  # stands for a value that is no value of anything
NUMBERS = ["3", None, True, -1, 0, float("nan"), float("inf"), [3], {}, NONE, np.zeros(2)]
FLAGS = ["yes", None, 1, 0.0, [], NONE, np.zeros(2)]
CHOICES = ["nonsense", 7, 1.5, True, b"batch", ["batch"], {}, NONE, np.zeros(2)]
RATES = ["x", -0.1, 1.0, 1, 2, True, float("nan"), [0.1], NONE, np.zeros(2)]
ACTIVATIONS = ["nonsense", "", 3, 1.5, b"relu", [3], NONE]
WIDTHS = [5, None, "300", (), [0], [-1, 2], [1.5, 2], ["a", "b"], [None, 3], NONE]
BAD = {
    "include_top": FLAGS,
    "input_tensor": ["image", 3, np.zeros((1, 8, 8, 3)), NONE],
    "input_shape": [
        *(5, "wide", (), (32, 32), (32, 32, 3, 1), (None, None, None), (-1, 32, 3), (0, 0, 3)),
        *((32, 32, 0), (32, 32, "3"), (32.5, 32, 3), (1, 1, 3), {}, NONE, np.zeros(3)),
        *((10**9, 32, 3), (32, 32, 3.0), [[32], 32, 3]),
    ],
    "pooling": CHOICES,
    "classes": [*NUMBERS, 1.5, 10**12],
    "classifier_activation": ACTIVATIONS,
    "name": ["", "a/b", 3, b"name", [], NONE],
    "include_preprocessing": FLAGS,
    "dropout": RATES,
    "activation": ACTIVATIONS,
    "alpha": [*NUMBERS, 10**9],
    "depth_multiplier": [*NUMBERS, 1.5, 10**12],
    "minimalistic": FLAGS,
    "lite": FLAGS,
    "aux": FLAGS,
    "drop_connect_rate": [None, *RATES],
    "drop_path_rate": [None, *RATES],
    "layer_scale_init_value": ["x", True, float("nan"), [1], NONE],
    "style": ["nonsense", 3, True, ["keras"], NONE],
    "norm": CHOICES,
    "pool": [None, *CHOICES],
    "head": [None, *CHOICES],
    "hidden": WIDTHS,
    "groups": [0, 3, "2", 1.0, True, NONE],
    "grid": [0, "7", 1.5, True, NONE, 10**6],
    "boxes": [0, "2", 1.5, True, NONE, 10**6],
    "root": [None, 0, 3, "4", 4.0, True, NONE],
    "output_stride": [None, 0, 4, 64, "16", 16.0, True, NONE],
    "scaling": [None, 3, "B0", (1, 1, 224), NONE],
}
SMALLEST = {
    entry.family: entry.name
    for entry in sorted(catalog.entries(), key=lambda entry: entry.params, reverse=True)
}
NAMES = [*SMALLEST.values(), "LeNet5", "MobileNetV3Large", "NINRoot", "FastYOLO"]
CASES = [
    pytest.param(name, option, id=f"{name}-{option}")
    for name in NAMES
    for option in inspect.signature(getattr(models, name)).parameters
    if option != "weights"
]


def test_every_option_of_every_factory_has_bad_values():
    for name in catalog.list_models():
        options = inspect.signature(getattr(models, name)).parameters
        assert options.keys() - {"weights"} <= BAD.keys(), name


@pytest.mark.parametrize(("name", "option"), CASES)
def test_a_bad_value_is_an_error_that_names_the_option(name, option):
    for value in BAD[option]:
        with pytest.raises(InputError) as raised:
            kerascnn.create_model(name, **{option: value})
        message = str(raised.value)
        named = option in message or (option == "input_shape" and "this architecture" in message)
        assert named, (value, message)
        assert "Received" in message or option == "input_tensor", (value, message)
        assert len(message) < 400, message
        assert "\n" not in message


@pytest.mark.parametrize("option", ["scaling", "lite"])
def test_bad_values_of_the_scaled_network(option):
    from kerascnn.models.efficientnet import EfficientNet

    for value in BAD[option]:
        with pytest.raises(InputError, match=f"`{option}` must be"):
            EfficientNet(**{option: value})


@pytest.mark.parametrize("arguments", [{"phi": "1"}, {"phi": 99}, {"phi": 1, "beta": 0}])
def test_bad_arguments_of_the_scaling(arguments):
    with pytest.raises(InputError, match="must be"):
        compound_scaling(**arguments)


@pytest.mark.parametrize("weights", [3, True, [], "", b"file", "no_such_tag", "/no/such.keras"])
def test_bad_weights(weights):
    with pytest.raises(KerascnnError, match="weight"):
        models.LeNet5(weights=weights)


def test_what_keras_refuses_while_building_is_an_error_of_ours():
    with pytest.raises(InputError, match=r"ENet cannot be built .* Received: input_shape="):
        models.ENet(input_shape=(64, 64, 20))  # 16 maps, of which 20 would be the image's


def test_numbers_of_numpy_are_numbers():
    model = models.MobileNet(
        classes=np.int64(3), alpha=np.float32(0.25), input_shape=list(np.array([32, 32, 3]))
    )
    assert model.output_shape == (None, 3)
    assert models.MLP(hidden=np.array([8, 4])).get_layer("hidden2").units == 4
