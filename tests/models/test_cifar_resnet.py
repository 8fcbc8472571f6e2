"""The residual networks for CIFAR: against PyTorch and the paper."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses
from parity import compare_with_golden, infer, outputs, pixels

from kerascnn import catalog
from kerascnn.models import PlainNet20, ResNet20, ResNet110


@pytest.mark.parametrize(("kind", "name"), [(ResNet20, "resnet20"), (PlainNet20, "plainnet20")])
def test_equals_pytorch(kind, name, assert_equal):
    found = compare_with_golden(kind(classifier_activation=None), name, "cifar_resnet")
    assert len(found.differences) == 4
    assert_equal(found, kind.__name__)


@pytest.mark.parametrize(
    ("depth", "params"),
    [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)],
)
def test_parameters_are_the_papers(depth, params):
    """Table 6 rounds them to 0.27, 0.46, 0.66, 0.85 and 1.7 million."""
    assert catalog.find(f"ResNet{depth}").params == params


@pytest.mark.parametrize("depth", [20, 32, 44, 56])
def test_shortcuts_cost_nothing(depth):
    plain, residual = (catalog.find(f"{kind}{depth}") for kind in ("PlainNet", "ResNet"))
    assert (plain.params, plain.macs) == (residual.params, residual.macs)


def test_layers_with_parameters_are_as_many_as_the_name_says():
    model = ResNet110()
    assert (
        sum(isinstance(x, (keras.layers.Conv2D, keras.layers.Dense)) for x in model.layers) == 110
    )


def test_a_shortcut_takes_every_second_position_between_channels_of_zeros():
    model = ResNet20(include_top=False)
    model.get_layer("stage1_0_2_norm").gamma.assign(np.zeros(32))
    found = outputs(model, ["stage0", "stage1_0_out"], pixels((32, 32, 3)))
    before, after = found.values()
    np.testing.assert_array_equal(after[..., 8:24], before[:, ::2, ::2])
    np.testing.assert_array_equal(after[..., :8], 0)
    np.testing.assert_array_equal(after[..., 24:], 0)


@pytest.mark.parametrize("norm", ["group", "layer", None])
def test_other_normalisations(norm):
    model = ResNet20(norm=norm)
    assert model.get_layer("stage0_0_1_conv").use_bias is (norm is None)
    assert np.isfinite(infer(model, pixels((32, 32, 3)))).all()


def test_training_reduces_the_loss_and_a_saved_model_stays_the_same(tmp_path, shallow):
    model = ResNet20(classes=2)
    curve = losses(model)
    assert curve[-1] < 0.7 * curve[0], curve
    assert change_by_reloading(tmp_path, model) == 0


def test_images_of_any_size_are_taken():
    model = ResNet20(classes=2, input_shape=(None, None, 3))
    assert infer(model, pixels((40, 24, 3))).shape == (2, 2)
