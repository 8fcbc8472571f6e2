"""MobileNetV3 against keras.applications, torchvision and the paper."""

import keras
import pytest
from lifecycle import change_by_reloading, losses
from parity import compare_with_golden, compare_with_keras

from kerascnn import export, models, profile
from kerascnn.models import MobileNetV3Large, MobileNetV3Small

SMALL = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}
# Where the first block of a stage keeps the input, its last layer is an addition.
STAGES = {
    "Small": {
        "stage2": "expanded_conv_project_bn",
        "stage3": "expanded_conv_2_add",
        "stage4": "expanded_conv_7_add",
    },
    "Large": {
        "stage1": "expanded_conv_add",
        "stage2": "expanded_conv_2_add",
        "stage3": "expanded_conv_5_add",
        "stage4": "expanded_conv_11_add",
    },
}


def outer_stages(theirs, size):
    """The first and last hard swish of keras.applications, whose names depend on the session."""
    layers = [layer for layer in theirs.layers if isinstance(layer, keras.layers.Activation)]
    relus = [layer for layer in theirs.layers if isinstance(layer, keras.layers.ReLU)]
    after = {layer.name: layer for layer in layers + relus}
    found = {}
    for name, level in (("conv_bn", 1), ("conv_1_bn", 5)):
        source = theirs.get_layer(name).output
        layer = next(layer for layer in after.values() if layer.input is source)
        if level == 5 or size == "Small":
            found[f"stage{level}"] = layer.name
    return found


@pytest.mark.parametrize(
    ("size", "choice"),
    [("Small", {"alpha": 0.75}), ("Small", {"minimalistic": True}), ("Large", {})],
)
def test_outputs_and_stages_equal_keras(size, choice, assert_equal):
    name = f"MobileNetV3{size}"
    theirs = getattr(keras.applications, name)(weights=None, **choice, **SMALL)
    found = compare_with_keras(
        getattr(models, name)(**choice, **SMALL),
        theirs,
        "mobilenet_v3",
        taps=STAGES[size] | outer_stages(theirs, size),
    )
    assert len(found.differences) == 6
    assert_equal(found, name, **choice)


@pytest.mark.parametrize("size", ["Small", "Large"])
def test_outputs_and_stages_equal_torchvision(size, assert_equal):
    model = getattr(models, f"MobileNetV3{size}")(style="torch", **SMALL)
    found = compare_with_golden(model, f"mobilenet_v3_{size.lower()}", "mobilenet_v3")
    assert_equal(found, f"MobileNetV3{size}", style="torch")


# Table 3 of the paper: millions of parameters and of multiply-accumulates.
@pytest.mark.parametrize(
    ("build", "params", "macs"), [(MobileNetV3Large, 5.4, 219), (MobileNetV3Small, 2.5, 56)]
)
@pytest.mark.usefixtures("symbolic")
def test_counts_are_the_papers(build, params, macs):
    assert profile.trainable_parameters(build()) / 1e6 == pytest.approx(params, abs=0.1)
    assert profile.macs(build()) / 1e6 == pytest.approx(macs, abs=3)


@pytest.mark.usefixtures("symbolic")
def test_the_minimalistic_form_has_nothing_that_simple_devices_lack():
    model = MobileNetV3Small(minimalistic=True)
    assert not [layer.name for layer in model.layers if "_se_" in layer.name]
    convolutions = [layer for layer in model.layers if hasattr(layer, "kernel_size")]
    assert {layer.kernel_size for layer in convolutions} == {(1, 1), (3, 3)}
    activations = [layer for layer in model.layers if layer.name.endswith("_act")]
    assert {layer.activation.__name__ for layer in activations} == {"relu"}


def test_devices_get_the_hard_swish_as_one_operator_and_no_padding(tmp_path):
    model = MobileNetV3Small(**SMALL)
    result = export.export_tflite(model, tmp_path / "model.tflite", verify=False)
    assert result.operators["HARD_SWISH"] == 19
    assert not {"PAD", "PADV2", "RESHAPE", "MIRROR_PAD"} & set(result.operators)


@pytest.mark.usefixtures("symbolic")
def test_libraries_scale_the_ends_differently():
    units = {
        style: MobileNetV3Small(alpha=0.5, style=style).get_layer("head_dense").units
        for style in ("keras", "torch")
    }
    assert units == {"keras": 1024, "torch": 512}


def test_a_few_steps_reduce_the_loss(shallow):
    keras.utils.set_random_seed(0)
    model = MobileNetV3Small(alpha=0.5, input_shape=(32, 32, 3), classes=2, dropout=0.0)
    curve = losses(model)
    assert curve[-1] < 0.5 * curve[0], curve


def test_a_saved_model_gives_the_same_in_a_fresh_process(tmp_path, shallow):
    model = MobileNetV3Small(alpha=0.5, input_shape=(32, 32, 3), classes=3)
    assert change_by_reloading(tmp_path, model) < 1e-6
