"""Arguments of layers and losses that cannot be used are InputErrors, never Keras's own alone."""

import numpy as np
import pytest

from kerascnn import layers, losses
from kerascnn.errors import InputError

WHOLE = ["3", None, 1.5, 0, -1, True, [2], {}, object()]
NUMBER = ["x", None, float("nan"), float("inf"), [1.0], object()]
POSITIVE = [*NUMBER, 0, -1.0]
FLAG = ["yes", 1, None]
# Of each layer: arguments that do, and bad values of each.
CASES = {
    "Activation": ({"activation": "relu"}, {"activation": ["nonsense", 3]}),
    "BatchNormalization": ({}, {"axis": ["x"], "odd": [1]}),
    "ConstantPadding2D": (
        {"padding": 1},
        {"padding": ["1", None, -1, 1.5, True], "value": NUMBER},
    ),
    "CosineDense": (
        {"units": 2},
        {"units": WHOLE, "scale": POSITIVE, "learn_scale": FLAG, "activation": ["nonsense", 3]},
    ),
    "DepthwiseConv2D": ({"kernel_size": 5}, {"kernel_size": ["x", 0, -1], "padding": ["odd"]}),
    "GroupedConv2D": (
        {"filters": 4, "kernel_size": 3, "groups": 2},
        {"filters": [0, -1, 3], "kernel_size": ["x", 0], "groups": [0, 3], "activation": ["odd"]},
    ),
    "LayerNormalization": ({}, {"axis": ["x"], "odd": [1]}),
    "LayerScale": ({}, {"initial": NUMBER}),
    "GridBoxes": ({}, {"boxes": WHOLE}),
    "HeatPeaks": ({"rows": 2, "columns": 2}, {"rows": WHOLE, "columns": WHOLE}),
    "PointBoxes": ({}, {"odd": [1]}),
    "LocalResponseNormalization": (
        {},
        {
            "n": [*WHOLE, 2],
            "k": POSITIVE,
            "alpha": POSITIVE,
            "beta": NUMBER,
            "groups": WHOLE,
        },
    ),
    "LpPooling2D": (
        {"pool_size": 2},
        {
            "pool_size": WHOLE,
            "p": [*POSITIVE, 0.5],
            "strides": [s for s in WHOLE if s is not None],
            "padding": ["odd", None, 3],
        },
    ),
    "Maxout": ({"pieces": 2}, {"pieces": WHOLE}),
    "OrdinalOutput": ({"classes": 3}, {"classes": [*WHOLE, 1]}),
    "PartialConv2D": (
        {"connections": [[0], [1]], "kernel_size": 3},
        {
            "connections": [3, [], [[]], [[0, 0]], [[-1]], ["a"], [[1.5]], None],
            "kernel_size": WHOLE,
            "strides": WHOLE,
            "use_bias": FLAG,
            "kernel_initializer": ["nonsense", 3],
        },
    ),
    "RBFOutput": ({"codes": [[1.0]]}, {"codes": [3, [], [[1], [1, 2]], ["ab"], [[None]], None]}),
    "ScaledTanh": ({}, {"amplitude": POSITIVE, "slope": POSITIVE}),
    "StochasticDepth": ({"rate": 0.1}, {"rate": [*NUMBER, 1.0, -0.1, True]}),
    "TrainableSubsampling2D": ({}, {"pool_size": WHOLE}),
    "TrueConv2D": ({"filters": 2, "kernel_size": 3}, {"filters": [0], "kernel_size": ["x", 0]}),
    "UntiedBias": ({}, {"odd": [1]}),
}
TRIED = [
    pytest.param(name, argument, id=f"{name}-{argument}")
    for name, (_, bad) in CASES.items()
    for argument in bad
]


def test_every_public_layer_is_tried():
    assert set(layers.__all__) - {"to_stock"} == set(CASES)


@pytest.mark.parametrize(("name", "argument"), TRIED)
def test_bad_arguments(name, argument):
    good, bad = CASES[name]
    getattr(layers, name)(**good)
    for value in bad[argument]:
        if argument == "odd":  # Keras names it, as every layer of its own does
            with pytest.raises((ValueError, TypeError)):
                getattr(layers, name)(**good, odd=value)
            continue
        with pytest.raises(InputError) as raised:
            getattr(layers, name)(**{**good, argument: value})
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.RBFOutput([[1.0, 2.0]]), (3,)),
        (layers.Maxout(2), (3, 3, 5)),
        (layers.LocalResponseNormalization(groups=2), (3, 3, 5)),
        (layers.UntiedBias(), (None, 3, 5)),
        (layers.PartialConv2D([[7]], 3), (5, 5, 3)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else "",
)
def test_inputs_that_do_not_fit(layer, shape):
    with pytest.raises(InputError, match=r"Received: .*input_shape="):
        layer.build((None, *shape))


@pytest.mark.parametrize(
    ("loss", "arguments"),
    [
        (losses.Crossentropy, {"label_smoothing": value})
        for value in ("x", None, -0.1, 1.0, float("nan"), [0.1])
    ]
    + [
        (losses.ScaledHuber, arguments)
        for arguments in (
            {"scale": "ab"},
            {"scale": 3},
            {"scale": [None]},
            {"scale": [float("nan")]},
            {"scale": [1.0], "delta": "x"},
            {"scale": [1.0], "delta": 0},
        )
    ],
)
def test_losses(loss, arguments):
    with pytest.raises(InputError, match="must be"):
        loss(**arguments)


def test_numbers_of_numpy_are_numbers():
    layer = layers.Maxout(np.int64(2))
    assert type(layer.get_config()["pieces"]) is int
    assert layers.LayerScale(np.float32(0.5)).get_config()["initial"] == 0.5
