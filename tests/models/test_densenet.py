"""DenseNet: against Keras, torchvision and the paper."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses
from parity import compare_with_golden, compare_with_keras, infer, outputs, pixels, randomize

from kerascnn.errors import InputError
from kerascnn.models import DenseNet121
from kerascnn.models._common import Styles, variant
from kerascnn.models.densenet import Spec, densenet

SMALL = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}
PEER = {
    "stage1": "conv1_relu",
    "stage2": "pool2_relu",
    "stage3": "pool3_relu",
    "stage4": "pool4_relu",
    "stage5": "relu",
}


@variant(styles=Styles(), style=None, norm="batch")
def TinyDenseNet(include_top=True, weights=None, **options):
    """One or two layers per block."""
    return densenet(Spec((2, 1, 2, 1), growth=8, stem=16), include_top, options)


def test_equals_keras_applications(assert_equal):
    theirs = keras.applications.DenseNet121(weights=None, **SMALL)
    preprocess = keras.applications.densenet.preprocess_input
    found = compare_with_keras(DenseNet121(**SMALL), theirs, "densenet", preprocess, PEER)
    assert_equal(found, "DenseNet121")


def test_equals_torchvision(assert_equal):
    found = compare_with_golden(DenseNet121(style="torch", **SMALL), "densenet121", "densenet")
    assert len(found.differences) == 5
    assert_equal(found, "DenseNet121", style="torch")


@pytest.mark.usefixtures("symbolic")
def test_all_parameters_are_those_of_keras():
    assert DenseNet121().count_params() == 8_062_504


def test_a_layer_sees_the_maps_of_all_layers_before_it():
    model = TinyDenseNet(include_top=False, input_shape=(32, 32, 3))
    randomize(model)
    wanted = ["stem_pool", "stage2_0_2_conv", "stage2_1_2_conv", "stage2_1_concat"]
    found = outputs(model, wanted, pixels((32, 32, 3)))
    *parts, joined = found.values()
    assert [part.shape[-1] for part in parts] == [16, 8, 8]
    np.testing.assert_array_equal(joined, np.concatenate(parts, axis=-1))


@pytest.mark.usefixtures("symbolic")
def test_a_transition_halves_the_maps():
    model = TinyDenseNet()
    channels = [model.get_layer(f"stage{s}").output.shape[-1] for s in range(1, 6)]
    assert channels == [16, 32, 24, 28, 22]


@pytest.mark.parametrize("norm", ["group", "layer", None])
def test_other_normalisations(norm):
    model = TinyDenseNet(norm=norm, input_shape=(32, 32, 3))
    assert model.get_layer("stage3_0_2_conv").use_bias is (norm is None)
    assert np.isfinite(infer(model, pixels((32, 32, 3)))).all()


def test_an_unknown_style_is_refused():
    with pytest.raises(InputError, match="`style` must be one of"):
        DenseNet121(style="paper")


def test_training_reduces_the_loss_and_a_saved_model_stays_the_same(tmp_path):
    model = TinyDenseNet(input_shape=(32, 32, 3), classes=2)
    curve = losses(model)
    assert curve[-1] < 0.7 * curve[0], curve
    assert change_by_reloading(tmp_path, model) == 0
