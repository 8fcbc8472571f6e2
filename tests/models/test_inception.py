"""InceptionV3, InceptionV4 and Inception-ResNet-v2 against Keras, torchvision and timm."""

import keras
import numpy as np
import pytest
from golden import recording
from lifecycle import adam_losses, change_by_reloading
from parity import compare_with_golden, compare_with_keras

from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.models import InceptionResNetV2, InceptionV3, InceptionV4, inception
from kerascnn.profile import trainable_parameters
from kerascnn.weights.names import inception as names
from kerascnn.weights.names import numbered
from kerascnn.weights.readers import StateDict

SMALL = {"input_shape": (107, 107, 3), "classes": 10, "classifier_activation": None}
PEERS = {
    "InceptionV3": {"stage3": "mixed2", "stage4": "mixed7", "stage5": "mixed10"},
    "InceptionResNetV2": {
        "stage3_1_concat": "mixed_5b",
        "stage3": "block35_10_ac",
        "stage4": "block17_20_ac",
        "stage5": "conv_7b_ac",
    },
}


@pytest.mark.parametrize(
    ("kind", "layers_before"),
    [(InceptionV3, 7), (InceptionResNetV2, 0)],
)
def test_equals_keras_applications_whatever_was_numbered_before(kind, layers_before, assert_equal):
    keras.backend.clear_session()
    for _ in range(layers_before):
        keras.layers.Conv2D(1, 1)
        keras.layers.BatchNormalization()
    theirs = getattr(keras.applications, kind.__name__)(weights=None, **SMALL)
    activations = [layer.name for layer in theirs.layers if type(layer).__name__ == "Activation"]
    taps = {"stage1": activations[2], "stage2": activations[4], **PEERS[kind.__name__]}
    preprocess = keras.applications.inception_v3.preprocess_input
    found = compare_with_keras(kind(**SMALL), theirs, "inception", preprocess, taps)
    assert_equal(found, kind.__name__)


def test_v3_equals_torchvision(assert_equal):
    found = compare_with_golden(InceptionV3(style="torch", **SMALL), "inception_v3", "inception")
    assert len(found.differences) == 6
    assert_equal(found, "InceptionV3", style="torch")


def test_v4_equals_timm(assert_equal):
    found = compare_with_golden(InceptionV4(**SMALL), "inception_v4_timm", "inception")
    assert len(found.differences) == 6
    assert_equal(found, "InceptionV4")


@pytest.mark.usefixtures("symbolic")
def test_all_parameters_are_those_of_keras():
    assert InceptionV3().count_params() == 23_851_784


@pytest.mark.usefixtures("symbolic")
def test_torchvision_v3_has_gammas():
    assert trainable_parameters(InceptionV3(style="torch", classes=1000)) == 23_834_568


@pytest.mark.usefixtures("symbolic")
def test_maps_have_the_papers_sizes():
    model = InceptionV4()
    sizes = [model.get_layer(f"stage{s}").output.shape[1] for s in range(1, 6)]
    assert sizes == [147, 71, 35, 17, 8]
    assert model.get_layer("stage5").output.shape[-1] == 1536
    assert model.get_layer("dropout").rate == 0.2


@pytest.mark.usefixtures("symbolic")
def test_the_scales_of_the_residual_branches_are_the_published_ones():
    model = InceptionResNetV2(include_top=False, input_shape=(75, 75, 3))
    scales = {layer.name: layer.scale for layer in model.layers if layer.name.endswith("_scale")}
    assert len(scales) == 40
    assert (scales["stage3_2_scale"], scales["stage4_1_scale"]) == (0.17, 0.1)
    assert (scales["stage5_9_scale"], scales["stage5_10_scale"]) == (0.2, 1.0)


def test_numbered_names_are_put_in_the_order_of_creation():
    given = ["conv2d_10", "conv2d_transpose", "batch_normalization", "conv2d_9", "conv2d"]
    assert numbered(given, "conv2d") == ["conv2d", "conv2d_9", "conv2d_10"]


def test_weights_of_another_inception_are_refused():
    state = recording.read("inception_v4_timm").state
    with pytest.raises(InputError, match="do not fit model 'inceptionv3'"):
        weights.load(InceptionV3(style="torch", **SMALL), StateDict(state), family="inception")


def test_a_features_model_takes_weights_with_a_head():
    state = recording.read("inception_v3").state
    auxiliary = {"AuxLogits.fc.weight": np.zeros((10, 768), "float32")}
    model = InceptionV3(include_top=False, style="torch")
    report = weights.load(model, StateDict(state | auxiliary), family="inception")
    assert report.reinitialised == ()
    assert {"fc.weight", "AuxLogits.fc.weight"} <= set(report.unused)


def test_names_of_forks_and_pools():
    assert names.torchvision_v3("stage5_2_b2_3b_norm") == "Mixed_7c.branch3x3dbl_3b.bn"
    assert names.torchvision_v3("stage3_1_b3_1_conv") == "Mixed_5b.branch_pool.conv"
    assert names.timm_v4("stage5_1_b2_4a_conv") == "features.19.branch2_3a.conv"
    assert names.timm_v4("stage4_7_b3_1_norm") == "features.17.branch3.1.bn"


@pytest.mark.parametrize("norm", ["group", "layer", None])
@pytest.mark.usefixtures("symbolic")
def test_other_normalisations(norm):
    model = InceptionV3(norm=norm, classes=2, input_shape=(75, 75, 3))
    assert model.get_layer("stem_1_conv").use_bias is (norm is None)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert "BatchNormalization" not in kinds


def test_a_few_steps_reduce_the_loss_and_a_fresh_process_reloads_the_model(tmp_path, monkeypatch):
    # Two modules of each stage have every kind there is.
    monkeypatch.setattr(inception, "V3", tuple(steps[:2] for steps in inception.V3))
    keras.utils.set_random_seed(0)
    model = InceptionV3(input_shape=(75, 75, 3), classes=3)
    images = recording.pixels((75, 75, 3)).repeat(3, axis=0)
    images *= np.linspace(0.2, 1, 6)[:, None, None, None]
    curve = adam_losses(model, images, np.arange(6) % 3, steps=4, rate=1e-3)
    assert curve[-1] < 0.7 * curve[0], curve
    assert change_by_reloading(tmp_path, model) < 1e-6
