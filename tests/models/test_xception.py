"""Xception against keras.applications."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses
from parity import compare_with_keras, pixels

from kerascnn.models import Xception, xception

SMALL = {"input_shape": (107, 107, 3), "classes": 10, "classifier_activation": None}


def test_equals_keras_applications_whatever_was_numbered_before(assert_equal):
    keras.backend.clear_session()
    for _ in range(8):
        keras.layers.Conv2D(1, 1)
        keras.layers.BatchNormalization()
    theirs = keras.applications.Xception(weights=None, **SMALL)
    sums = [layer.name for layer in theirs.layers if type(layer).__name__ == "Add"]
    taps = {"stage1": "block1_conv2_act", "stage2": sums[0], "stage3": sums[1]}
    taps |= {"stage4": sums[10], "stage5": "block14_sepconv2_act"}
    taps |= {f"stage4_{i}_add": sums[i + 2] for i in range(8)}
    preprocess = keras.applications.xception.preprocess_input
    found = compare_with_keras(Xception(**SMALL), theirs, "xception", preprocess, taps)
    assert_equal(found, "Xception")


@pytest.mark.usefixtures("symbolic")
def test_all_parameters_are_those_of_keras():
    assert Xception().count_params() == 22_910_480


@pytest.mark.usefixtures("symbolic")
def test_separable_convolutions_have_no_activation_inside():
    """Section 4.7 of the paper: none is better than a ReLU or an ELU there."""
    model = Xception(include_top=False, input_shape=(71, 71, 3))
    pairs = [layer for layer in model.layers if layer.name.endswith("_dwconv")]
    assert len(pairs) == 34
    for depthwise in pairs:
        (node,) = depthwise._outbound_nodes
        assert node.operation.name == depthwise.name.replace("dwconv", "conv")
        assert depthwise.activation is keras.activations.linear
        assert not depthwise.use_bias


@pytest.mark.parametrize("norm", ["group", "layer", None])
@pytest.mark.usefixtures("symbolic")
def test_other_normalisations(norm):
    model = Xception(norm=norm, classes=2, input_shape=(71, 71, 3))
    assert model.get_layer("stage3_0_1_conv").use_bias is (norm is None)
    assert "BatchNormalization" not in {type(layer).__name__ for layer in model.layers}


def test_a_few_steps_reduce_the_loss_and_a_fresh_process_reloads_the_model(tmp_path, monkeypatch):
    # The middle flow repeats one block.
    monkeypatch.setattr(xception, "BLOCKS", tuple(dict.fromkeys(xception.BLOCKS)))
    keras.utils.set_random_seed(0)
    model = Xception(input_shape=(71, 71, 3), classes=3, dropout=0.0)
    images = pixels((71, 71, 3), count=3)
    curve = losses(model, (images, np.arange(3)), learning_rate=0.01, steps=5)
    assert curve[-1] < 0.7 * curve[0], curve
    assert change_by_reloading(tmp_path, model) < 1e-6
