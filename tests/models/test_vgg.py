"""VGG against the paper, keras.applications and torchvision, through the importer."""

import keras
import numpy as np
import pytest
from golden import recording
from lifecycle import change_by_reloading, losses, noise
from parity import compare_with_golden, compare_with_keras, randomize

from kerascnn import models, profile, weights
from kerascnn.errors import InputError
from kerascnn.models import VGG11, VGG11BN, VGG16
from kerascnn.weights.readers import StateDict

SMALL = {"classes": 10, "hidden": (64, 48), "input_shape": (32, 32, 3)}
# Biases of the convolutions, which batch normalisation makes useless.
BIASES = {"VGG11BN": 2_752, "VGG13BN": 2_944, "VGG16BN": 4_224, "VGG19BN": 5_504}


def symbolic(name, **options):
    """A model without values: for counting."""
    with keras.StatelessScope(initialize_variables=False):
        return getattr(models, name)(**options)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("VGG11", 132_863_336),
        ("VGG13", 133_047_848),
        ("VGG16", 138_357_544),
        ("VGG19", 143_667_240),
        ("VGG11BN", 132_868_840),
        ("VGG13BN", 133_053_736),
        ("VGG16BN", 138_365_992),
        ("VGG19BN", 143_678_248),
    ],
)
def test_parameters_are_those_of_torchvision(name, params):
    ours = profile.trainable_parameters(symbolic(name))
    assert ours + BIASES.get(name, 0) == params


@pytest.mark.parametrize(
    ("name", "gigas"), [("VGG11", 7.609), ("VGG13", 11.308), ("VGG16", 15.47), ("VGG19", 19.632)]
)
def test_operations(name, gigas):
    assert profile.macs(symbolic(name)) / 1e9 == pytest.approx(gigas, abs=5e-4)


@pytest.mark.parametrize(("name", "layers"), [("VGG11", 11), ("VGG16", 16), ("VGG19", 19)])
def test_the_name_counts_the_layers_with_weights(name, layers):
    assert sum(bool(layer.weights) for layer in symbolic(name).layers) == layers


def test_norm_is_also_an_option():
    one, other = symbolic("VGG16", norm="batch"), symbolic("VGG16BN")
    names = [layer.name for layer in one.layers if not layer.name.startswith("options__")]
    assert names == [layer.name for layer in other.layers]


def test_equals_keras_applications(assert_equal):
    options = {"classes": 10, "classifier_activation": None, "input_shape": (32, 32, 3)}
    taps = {"stage0": "block1_conv2", "stage1": "block2_conv2", "stage5": "block5_pool"}
    taps |= {f"stage{level}": f"block{level + 1}_conv3" for level in (2, 3, 4)}
    preprocess = keras.applications.vgg16.preprocess_input
    theirs = keras.applications.VGG16(weights=None, **options)
    found = compare_with_keras(VGG16(**options), theirs, "vgg", preprocess, taps)
    assert len(found.differences) == 7
    assert_equal(found, "VGG16")


def test_weights_without_the_top_load_from_keras(tmp_path):
    theirs = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    arrays = {layer.name: layer.get_weights() for layer in theirs.layers if layer.weights}
    ours = VGG16(include_top=False, input_shape=(32, 32, 3))
    assert len(weights.load(ours, arrays, family="vgg").loaded) == 13


TORCHVISION = {**SMALL, "input_shape": (64, 64, 3), "classifier_activation": None}


def test_equals_torchvision_with_folded_biases_and_adaptive_pooling(assert_equal):
    found = compare_with_golden(VGG11BN(style="torch", **TORCHVISION), "vgg11_bn", "vgg")
    assert len(found.differences) == 6
    assert_equal(found, "VGG11BN", style="torch")


def test_timms_names_and_convolutions_for_dense_layers_are_the_same_weights():
    ours, theirs = (VGG11BN(style="torch", **TORCHVISION) for _ in range(2))
    state = recording.read("vgg11_bn").state
    weights.load(theirs, StateDict(state), family="vgg")
    renamed = StateDict()
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2"}
    names["classifier.6"] = "head.fc"
    for key, value in state.items():
        layer, _, part = key.rpartition(".")
        if layer == "classifier.0" and part == "weight":
            value = value.reshape(64, 512, 7, 7)
        elif layer == "classifier.3" and part == "weight":
            value = value[:, :, None, None]
        renamed[f"{names.get(layer, layer)}.{part}"] = value
    weights.load(ours, renamed, family="vgg")
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_styles_differ_in_their_pixels():
    image = np.full((1, 32, 32, 3), 255.0, "float32")
    seen = {}
    for style in ("keras", "torch"):
        layer = VGG11(style=style, include_top=False).get_layer("preprocessing")
        seen[style] = np.asarray(layer(image))[0, 0, 0]
    np.testing.assert_allclose(seen["keras"], [131.32, 138.221, 151.061], rtol=1e-5)
    np.testing.assert_allclose(seen["torch"], [2.249, 2.429, 2.64], rtol=1e-3)


def test_the_average_head_takes_any_size_and_needs_few_parameters():
    model = symbolic("VGG16", head="average", input_shape=(None, None, 3))
    assert profile.trainable_parameters(model) == 14_714_688 + 512 * 1000 + 1000
    with pytest.raises(InputError, match="known image size"):
        VGG16(input_shape=(None, None, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "max"}, "`head` must be one of"),
        ({"norm": "lrn"}, "`norm` must be one of"),
        ({"style": "caffe"}, "`style` must be one of"),
        ({"hidden": 4096}, "`hidden` must be the widths"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        VGG11(**options)


def test_a_few_steps_reduce_the_loss_and_the_saved_model_is_equal(tmp_path, monkeypatch):
    monkeypatch.setattr("kerascnn.models.vgg.WIDTHS", (16, 32, 64, 64, 64))
    keras.utils.set_random_seed(0)
    model = VGG11BN(**{**SMALL, "dropout": 0.0})
    curve = losses(model, noise(model), 0.02, steps=6)
    assert curve[-1] < 0.7 * curve[0], curve
    other = VGG11(**SMALL)
    randomize(other)
    assert change_by_reloading(tmp_path, model, other) < 1e-5
