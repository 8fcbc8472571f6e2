"""MobileNetV2 against keras.applications, torchvision, timm and the paper."""

import keras
import pytest
from lifecycle import change_by_reloading, colours, losses
from parity import compare_with_golden, compare_with_keras

from kerascnn import profile
from kerascnn.errors import InputError
from kerascnn.models import MobileNetV2
from kerascnn.models.mobilenet_v2 import make_divisible

SMALL = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}
STAGES = {
    "stage1": "expanded_conv_project_BN",
    "stage2": "block_2_add",
    "stage3": "block_5_add",
    "stage4": "block_12_add",
    "stage5": "out_relu",
}


@pytest.mark.parametrize("alpha", [0.35, 1.4])
def test_outputs_and_stages_equal_keras(alpha, assert_equal):
    found = compare_with_keras(
        MobileNetV2(alpha=alpha, **SMALL),
        keras.applications.MobileNetV2(weights=None, alpha=alpha, **SMALL),
        "mobilenet_v2",
        keras.applications.mobilenet_v2.preprocess_input,
        STAGES,
    )
    assert_equal(found, "MobileNetV2", alpha=alpha)


@pytest.mark.parametrize(("file", "alpha"), [("mobilenet_v2", 1.0), ("mobilenetv2_050_timm", 0.5)])
def test_outputs_and_stages_equal_the_torch_libraries(file, alpha, assert_equal):
    model = MobileNetV2(style="torch", alpha=alpha, **SMALL)
    found = compare_with_golden(model, file, "mobilenet_v2")
    assert_equal(found, "MobileNetV2", style="torch", alpha=alpha)


# Millions of parameters and of multiply-accumulates; the paper's table 4 has the first and last.
@pytest.mark.parametrize(
    ("alpha", "params", "macs"), [(1.0, 3.4, 300), (0.35, 1.66, 59.2), (1.4, 6.06, 585)]
)
@pytest.mark.usefixtures("symbolic")
def test_counts_are_the_papers(alpha, params, macs):
    model = MobileNetV2(alpha=alpha)
    assert profile.trainable_parameters(model) / 1e6 == pytest.approx(params, abs=0.11)
    assert profile.macs(model) / 1e6 == pytest.approx(macs, abs=3)


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, 8), (11.2, 16), (12, 16), (19, 24), (20, 24), (44.8, 48)]
)
def test_channels_are_multiples_of_8_and_lose_at_most_a_tenth(channels, expected):
    assert make_divisible(channels) == expected


@pytest.mark.usefixtures("symbolic")
def test_bottlenecks_are_linear_and_shortcuts_join_equal_shapes():
    model = MobileNetV2(input_shape=(64, 64, 3))
    names = [layer.name for layer in model.layers]
    assert sum(name.endswith("_add") for name in names) == 10
    assert not [name for name in names if name.endswith("_project_act")]
    assert sum(name.endswith("_dw_act") for name in names) == 17


def test_a_few_steps_reduce_the_loss(shallow):
    keras.utils.set_random_seed(0)
    model = MobileNetV2(alpha=0.35, input_shape=(32, 32, 3), classes=2, dropout=0.0)
    # With 16 images its losses went up and down, as the last digits had it.
    curve = losses(model, colours(32, count=64), learning_rate=0.05, steps=20)
    assert curve[-1] < 0.5 * curve[0], curve


def test_a_saved_model_gives_the_same_in_a_fresh_process(tmp_path, shallow):
    model = MobileNetV2(alpha=0.35, input_shape=(32, 32, 3), classes=3)
    assert change_by_reloading(tmp_path, model) < 1e-6


@pytest.mark.usefixtures("symbolic")
def test_the_output_has_the_dropout_of_the_authors_code():
    assert MobileNetV2(input_shape=(32, 32, 3)).get_layer("dropout").rate == 0.2


@pytest.mark.parametrize("style", ["tf", "keras.applications"])
def test_an_unknown_style_is_refused(style):
    with pytest.raises(InputError, match="`style` must be one of"):
        MobileNetV2(style=style)
