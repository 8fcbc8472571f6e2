"""ResNet, ResNeXt, ResNet V2 and the root nets: against Keras, torchvision and the papers."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses
from parity import (
    compare_with_golden,
    compare_with_keras,
    difference,
    infer,
    outputs,
    pixels,
    randomize,
)

from kerascnn import catalog, layers
from kerascnn.errors import InputError
from kerascnn.models import (
    PlainNet18,
    ResNet18,
    ResNet50,
    ResNet50Root,
    ResNet50V2,
    ResNeXt50,
)
from kerascnn.models._common import variant
from kerascnn.models._residual import basic, bottleneck
from kerascnn.models.resnet import CHOICES, KERAS, TORCH, Spec, resnet
from kerascnn.models.resnet_v2 import resnet_v2
from kerascnn.profile import macs, trainable_parameters

LOGITS = {"classes": 10, "classifier_activation": None}
SMALL = {"input_shape": (64, 64, 3), **LOGITS}
V1 = {
    "stage1": "conv1_relu",
    "stage2": "conv2_block3_out",
    "stage3": "conv3_block4_out",
    "stage4": "conv4_block6_out",
    "stage5": "conv5_block3_out",
}
V2 = {
    "stage2": "conv2_block3_preact_relu",
    "stage3": "conv3_block4_preact_relu",
    "stage4": "conv4_block6_preact_relu",
    "stage5": "post_relu",
}


@variant(styles=TORCH, **CHOICES)
def TinyResNet(include_top=True, weights=None, **options):
    """One basic block per stage, few filters."""
    few = (8, 8, 16, 16)
    return resnet(Spec(basic, (1, 2, 1, 1), few, few), include_top, options)


@variant(styles=KERAS, **CHOICES)
def TinyResNeXt(include_top=True, weights=None, **options):
    """One grouped bottleneck per stage, two in the third and the last."""
    spec = Spec(bottleneck, (1, 2, 1, 2), (8, 8, 16, 16), (16, 16, 32, 32), (4, 4, 4, 2))
    return resnet(spec, include_top, options)


@variant(norm="batch")
def TinyResNetV2(include_top=True, weights=None, **options):
    """One or two blocks per stage, of the real width."""
    return resnet_v2((1, 2, 1, 1), include_top, options)


@pytest.mark.parametrize(
    ("kind", "family", "taps"), [(ResNet50, "resnet", V1), (ResNet50V2, "resnet_v2", V2)]
)
def test_equals_keras_applications(kind, family, taps, assert_equal):
    theirs = getattr(keras.applications, kind.__name__)(weights=None, **SMALL)
    preprocess = getattr(keras.applications, family).preprocess_input
    found = compare_with_keras(kind(**SMALL), theirs, family, preprocess, taps)
    assert_equal(found, kind.__name__)


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        (ResNet18, {}, "resnet18"),
        (ResNet50, {"style": "torch"}, "resnet50"),
        (ResNet50, {"style": "torch", "output_stride": 8}, "resnet50_stride8"),
        (ResNeXt50, {}, "resnext50"),
    ],
)
def test_equals_torchvision(kind, options, name, assert_equal):
    found = compare_with_golden(kind(**options, **SMALL), name, "resnet")
    assert len(found.differences) == 6
    assert_equal(found, kind.__name__, **options)


def test_the_root_net_equals_torchvisions_resnet_with_groups(assert_equal):
    model = ResNet50Root(root=64, style="torch", **SMALL)
    assert_equal(
        compare_with_golden(model, "resnet50_root", "resnet"), "ResNet50Root", style="torch"
    )


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("ResNet18", 1.8),
        ("ResNet34", 3.6),
        ("PlainNet34", 3.6),
        ("ResNet50", 3.8),
        ("ResNet101", 7.6),
        ("ResNet152", 11.3),
    ],
)
def test_operations_are_those_of_the_papers_table(name, billions):
    assert catalog.find(name).macs / 1e9 == pytest.approx(billions, abs=0.07)


@pytest.mark.usefixtures("symbolic")
def test_the_step_in_the_3x3_costs_more():
    late, early = macs(ResNet50(style="torch")), catalog.find("ResNet50").macs
    assert (late, early) == (4_089_184_256, 3_857_973_248)


@pytest.mark.usefixtures("symbolic")
def test_all_parameters_are_those_of_keras_without_its_biases_of_convolutions():
    model = ResNet50()
    biases = sum(x.filters for x in model.layers if isinstance(x, keras.layers.Conv2D))
    assert model.count_params() + biases == 25_636_712


@pytest.mark.parametrize(("kind", "style"), [(TinyResNet, "torch"), (TinyResNeXt, "keras")])
def test_dilated_maps_hold_the_ordinary_ones(kind, style):
    options = {"include_top": False, "input_shape": (64, 64, 3), "style": style}
    model = kind(**options)
    randomize(model)
    images = pixels((64, 64, 3))
    ordinary = infer(model, images)
    for stride, side in ((16, 4), (8, 8)):
        dilated = kind(output_stride=stride, **options)
        dilated.set_weights(model.get_weights())
        maps = infer(dilated, images)
        assert maps.shape[1:3] == (side, side)
        assert difference(maps[:, :: side // 2, :: side // 2], ordinary) < 1e-5


def test_a_residual_block_without_its_branch_is_the_identity():
    images = pixels((32, 32, 3))
    found = {}
    for kind in (ResNet18, PlainNet18):
        model = kind(include_top=False, input_shape=(32, 32, 3))
        for index in range(2):
            norm = model.get_layer(f"stage2_{index}_2_norm")
            norm.gamma.assign(np.zeros(64))
        found[kind] = outputs(model, ["stem_pool", "stage2"], images)
    residual, plain = found.values()
    np.testing.assert_array_equal(residual["stage2"], residual["stem_pool"])
    np.testing.assert_array_equal(plain["stage2"], 0)


@pytest.mark.usefixtures("symbolic")
def test_a_plain_net_has_the_layers_of_its_twin_without_the_shortcuts():
    plain, residual = ({x.name for x in kind().layers} for kind in (PlainNet18, ResNet18))
    assert plain < residual
    assert {name.rsplit("_", 1)[-1] for name in residual - plain} == {"add", "conv", "norm"}
    assert all("_skip" in name or name.endswith("_add") for name in residual - plain)


@pytest.mark.parametrize(
    ("root", "params", "operations"),
    [(4, 25_126_120, 3_366_650_920), (64, 15_312_808, 2_114_860_072)],
)
@pytest.mark.usefixtures("symbolic")
def test_root_nets_have_the_papers_counts(root, params, operations):
    """Its counts have biases of the first and the last layer, and no gains and offsets."""
    model = ResNet50Root(root=root)
    gains_and_offsets = 53_120
    assert trainable_parameters(model) == params - 64 + gains_and_offsets
    assert macs(model) == operations - 64 - 1000
    grouped = [x for x in model.layers if isinstance(x, layers.GroupedConv2D)]
    groups = {x.name[:6]: x.groups for x in grouped}
    steps = {f"stage{s}": root >> (s - 2) for s in range(2, 6)}
    assert groups == {stage: count for stage, count in steps.items() if count > 1}


def test_a_root_net_is_a_resnet_whose_groups_do_not_mix(shallow):
    root, dense = ResNet50Root(**SMALL), ResNet50(**SMALL)
    randomize(root)
    for layer in root.layers:
        values = layer.get_weights()
        if isinstance(layer, layers.GroupedConv2D):
            values = [apart(values[0], layer.groups)]
        dense.get_layer(layer.name).set_weights(values)
    images = pixels((64, 64, 3))
    assert difference(infer(root, images), infer(dense, images)) < 1e-5


def apart(kernel, groups):
    """The kernel of an ordinary convolution that computes a grouped one."""
    height, width, inputs, filters = kernel.shape
    dense = np.zeros((height, width, inputs * groups, filters), "float32")
    for group in range(groups):
        ours = slice(group * filters // groups, (group + 1) * filters // groups)
        dense[:, :, group * inputs : (group + 1) * inputs, ours] = kernel[..., ours]
    return dense


@pytest.mark.parametrize("norm", ["group", "layer", None])
@pytest.mark.parametrize("kind", [TinyResNet, TinyResNetV2])
def test_other_normalisations(kind, norm):
    model = kind(norm=norm, input_shape=(32, 32, 3), classes=4)
    names = {type(layer).__name__ for layer in model.layers}
    assert "BatchNormalization" not in names
    assert model.get_layer("stage3_0_1_conv").use_bias is (norm is None)
    assert np.isfinite(infer(model, pixels((32, 32, 3)))).all()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (ResNet18, {"norm": "batches"}, "`norm` must be"),
        (ResNet18, {"style": "caffe"}, "`style` must be one of"),
        (ResNet18, {"output_stride": 4}, "`output_stride` must be one of"),
        (ResNet50Root, {"root": 3}, "`root` must be one of"),
    ],
)
def test_unusable_options_are_refused(kind, options, message):
    with pytest.raises(InputError, match=message):
        kind(**options)


@pytest.mark.parametrize("kind", [TinyResNet, TinyResNetV2])
def test_training_reduces_the_loss(kind, monkeypatch):
    monkeypatch.setattr("kerascnn.models.resnet_v2.WIDTHS", (8, 8, 16, 16))
    curve = losses(kind(input_shape=(32, 32, 3), classes=2))
    assert curve[-1] < 0.7 * curve[0], curve


def test_training_groups_reduces_the_loss_and_a_saved_model_stays_the_same(tmp_path):
    model = TinyResNeXt(input_shape=(32, 32, 3), classes=2)
    curve = losses(model)
    assert curve[-1] < 0.7 * curve[0], curve
    assert change_by_reloading(tmp_path, model) == 0
