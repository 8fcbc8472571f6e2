"""ConvNeXt against keras.applications, torchvision and timm, and against the paper."""

import keras
import numpy as np
import pytest
from golden import recording
from keras.src.applications.convnext import ConvNeXt as KerasConvNeXt
from lifecycle import adam_losses, change_by_reloading
from parity import (
    TOLERANCE,
    arrays_of,
    compare_with_golden,
    compare_with_keras,
    difference,
    infer,
    pixels,
    randomize,
)

import kerascnn
from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.layers import DepthwiseConv2D, to_stock
from kerascnn.models import ConvNeXtTiny, convnext
from kerascnn.profile import profile, trainable_parameters
from kerascnn.weights.readers import StateDict

SMALL = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}
DEPTHS = {2: 3, 3: 3, 4: 9, 5: 3}


# Ours -> theirs. Their additions have no names; the layers after them do.
TAPS = {
    "stem_norm": "stem",
    "stage2_0_scale": "stage_0_block_0_layer_scale",
    "stage3_down_conv": "downsampling_block_0",
    "stage4_down_conv": "downsampling_block_1",
    "stage5_down_conv": "downsampling_block_2",
    "stage5_2_scale": "stage_3_block_2_layer_scale",
    "avg_pool": "head_gap",
}


def test_equals_keras_applications_at_every_stage(assert_equal):
    theirs = keras.applications.ConvNeXtTiny(weights=None, **SMALL)
    taps = {ours: f"convnext_tiny_{name}" for ours, name in TAPS.items()}
    found = compare_with_keras(ConvNeXtTiny(**SMALL), theirs, "convnext", taps=taps)
    assert_equal(found, "ConvNeXtTiny")


@pytest.fixture
def narrow(monkeypatch):
    """One narrow block per stage."""
    monkeypatch.setattr(convnext, "TINY", convnext.Spec((1, 1, 1, 1), (8, 16, 24, 32)))


@pytest.mark.parametrize("pooling", [None, "avg", "max"])
def test_equals_keras_applications_without_the_top(pooling, narrow):
    options = {"include_top": False, "input_shape": (64, 64, 3), "pooling": pooling}
    theirs = KerasConvNeXt(
        *(list(convnext.TINY.depths), list(convnext.TINY.widths)),
        name="convnext_tiny",
        weights=None,
        **options,
    )
    ours = ConvNeXtTiny(**options)
    randomize(theirs)
    weights.load(ours, arrays_of(theirs), family="convnext")
    images = pixels((64, 64, 3))
    assert difference(infer(ours, images), infer(theirs, images)) < TOLERANCE


@pytest.mark.parametrize("file", ["convnext_tiny", "convnext_tiny_timm"])
def test_equals_the_torch_libraries(file, assert_equal):
    found = compare_with_golden(ConvNeXtTiny(**SMALL), file, "convnext")
    assert len(found.differences) == 6
    assert_equal(found, "ConvNeXtTiny")


def test_the_authors_names_are_known():
    state = recording.read("convnext_tiny_timm").state
    renames = {
        "stem.": "downsample_layers.0.",
        ".blocks.": ".",
        "conv_dw": "dwconv",
        "mlp.fc": "pwconv",
        "head.norm.": "norm.",
        "head.fc.": "head.",
    }

    def authors(name):
        for old, new in renames.items():
            name = name.replace(old, new)
        if ".downsample." in name:
            stage = name.split(".")[1]
            name = name.replace(f"stages.{stage}.downsample", f"downsample_layers.{stage}")
        return name

    model = ConvNeXtTiny(**SMALL)
    report = weights.load(
        model, StateDict({authors(name): value for name, value in state.items()}), family="convnext"
    )
    assert len(report.loaded) == 2 + 3 * 2 + 18 * 5 + 2


@pytest.mark.parametrize(
    ("name", "millions", "billions"),
    [
        ("ConvNeXtTiny", 29, 4.5),
        ("ConvNeXtSmall", 50, 8.7),
        ("ConvNeXtBase", 89, 15.4),
        ("ConvNeXtLarge", 198, 34.4),
        ("ConvNeXtXLarge", 350, 60.9),
    ],
)
def test_the_catalogue_agrees_with_the_papers_table_1(name, millions, billions):
    entry = kerascnn.catalog.find(name)
    assert round(entry.params / 1e6) == millions
    assert round(entry.macs / 1e9, 1) == pytest.approx(billions, abs=0.05)


@pytest.mark.usefixtures("symbolic")
def test_blocks_and_channels_are_those_of_the_paper():
    rows = [row for row in profile(ConvNeXtTiny()) if row.kind == "DepthwiseConv2D"]
    sizes = {96: 56, 192: 28, 384: 14, 768: 7}
    counts = zip(sizes.items(), DEPTHS.values(), strict=True)
    expected = [(size, size, width) for (width, size), depth in counts for _ in range(depth)]
    assert [row.output_shape for row in rows] == expected


@pytest.mark.usefixtures("symbolic")
def test_stochastic_depth_grows_from_zero_to_the_given_rate():
    model = ConvNeXtTiny(drop_path_rate=0.17)
    rates = [layer.rate for layer in model.layers if type(layer).__name__ == "StochasticDepth"]
    np.testing.assert_allclose(rates, np.arange(1, 18) / 100)
    with pytest.raises(InputError, match="`drop_path_rate` must be"):
        ConvNeXtTiny(drop_path_rate=1.0)


def test_a_fresh_network_is_nearly_the_identity_between_steps_down():
    model = ConvNeXtTiny(input_shape=(32, 32, 3), classes=2)
    taps = [model.get_layer(name).output for name in ("stage4_down_conv", "stage4")]
    before, after = infer(keras.Model(model.input, taps), pixels((32, 32, 3)))
    assert difference(after, before) < 1e-4
    scales = [layer for layer in model.layers if layer.name.endswith("_scale")]
    assert len(scales) == 18


@pytest.mark.usefixtures("symbolic")
def test_the_scales_of_the_branches_can_be_left_out():
    without = ConvNeXtTiny(layer_scale_init_value=None)
    assert trainable_parameters(without) == 28_589_128 - sum(
        n * w for n, w in zip((3, 3, 9, 3), (96, 192, 384, 768), strict=True)
    )


@pytest.mark.usefixtures("symbolic")
def test_batch_normalisation_is_a_choice():
    kinds = {type(layer).__name__ for layer in ConvNeXtTiny(norm="batch").layers}
    assert "BatchNormalization" in kinds
    assert "LayerNormalization" not in kinds
    with pytest.raises(InputError, match="`norm` must be one of"):
        ConvNeXtTiny(norm="group")


def test_a_few_steps_learn_and_a_fresh_process_gives_the_same(tmp_path, shallow):
    keras.utils.set_random_seed(0)
    model = ConvNeXtTiny(input_shape=(32, 32, 3), classes=2, drop_path_rate=0.1)
    x, y = pixels((32, 32, 3), count=4), np.arange(4) % 2
    x[y == 1] //= 3
    loss = adam_losses(model, x, y, steps=12, rate=3e-3)
    assert loss[-1] < 0.5 * loss[0]
    assert change_by_reloading(tmp_path, model) < 1e-6
    expected, stock = infer(model, x), to_stock(model)
    assert not [layer for layer in stock.layers if isinstance(layer, DepthwiseConv2D)]
    assert difference(infer(stock, x), expected) < TOLERANCE
